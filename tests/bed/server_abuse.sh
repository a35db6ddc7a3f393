#!/usr/bin/env bash
# The server under abuse: ten times its descriptor cap of ill-behaved clients on its own
# host, and one good client (the probe, through the router) at 50/s through all of it.
source "$(dirname "$0")/lib.sh"

abuse=$TSPAM_BUILD/tests/bed/abuse
cap=64 seconds=3
full && seconds=60

# serve_capped [OPTION...]: at most $cap descriptors; what it says goes to $work/server.log
serve_capped() {
  (
    ulimit -n "$cap"
    in_server "$TSPAM" server -l 0.0.0.0 -p 2345 --json "$work/server.json" "$@"
  ) >"$work/server.out" 2>"$work/server.log" &
  server_pid=$!
  wait_for_listener
}

# misbehave KIND SECONDS: in the background
misbehave() { (in_server "$abuse" "$1" -c $((10 * cap)) -s "$2") >>"$work/abuse.log" & }

descriptors() { find "/proc/$server_pid/fd" -mindepth 1 | wc -l; }
rss_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$server_pid/status"; }
cpu_ms() { awk '{ print ($14 + $15) * 10 }' "/proc/$server_pid/stat"; }

# good NAME SECONDS: 50 connections a second, each to be answered within a second
good() { probe_rate "$1" -r 50 -s "$2" -t 1000; }

share() { calc "100 * $(figure "$1" ok) / ($2 * 50)"; }

# besieged KIND: one row of the table
besieged() {
  local kind=$1 before busy
  before=$(descriptors)
  misbehave "$kind" $((seconds + 1)).5
  sleep 1 # all have come
  busy=$(cpu_ms)
  good during "$seconds"
  busy=$(calc "($(cpu_ms) - $busy) / ($seconds * 10)")
  at_least "$kind: good clients answered, %" "$(share during "$seconds")" 99
  sanitized || [[ $kind == flood ]] || at_most "$kind: processor while full, %" "$busy" 10
  wait "${!}"
  good after 1
  is "$kind: full service right after" "$(figure after ok)" 50
  is "$kind: descriptors as before" "$(descriptors)" "$before"
}

storm() {
  local kind=$1 before rss resets first
  before=$(descriptors)
  misbehave "$kind" 1
  wait "${!}"
  rss=$(rss_kib)
  : >"$work/abuse.log"
  misbehave "$kind" "$seconds"
  first=$!
  misbehave "$kind" "$seconds"
  good during "$seconds"
  wait "$first" "${!}"
  resets=$(awk -F'"resets":' '{ n += $2 } END { print n }' "$work/abuse.log")
  rss=$(($(rss_kib) - rss))
  # What two processes beside the server can do depends on who else has the processors.
  at_least "$kind: resets a second" "$(calc "$resets / $seconds")" \
    "$(full && [[ $kind == rst ]] && echo 20000 || echo 1000)"
  at_least "$kind: good clients answered, %" "$(share during "$seconds")" 99
  sanitized || at_most "$kind: growth, KiB" "$rss" 1024
  is "$kind: descriptors as before" "$(descriptors)" "$before"
}

# The clients' link goes down, and they end without a word.
vanish() {
  local before clients link
  link=$(ip -n "tsb-$TESTBED-client" route get "$server4" | sed -n 's/.* dev \([^ ]*\).*/\1/p')
  before=$(descriptors)
  (in_client "$abuse" idle -h "$server4" -c 20 -s 60) >/dev/null &
  clients=$!
  sleep 1
  is "vanished peers hold descriptors" "$(($(descriptors) - before))" 20
  ip -n "tsb-$TESTBED-client" link set "$link" down
  kill -KILL "$clients"
  wait "$clients" 2>/dev/null
  sleep 1
  is "vanished peers still do" "$(($(descriptors) - before))" 20
  sleep 3
  is "vanished peers are freed by the idle time-out" "$(descriptors)" "$before"
}

end_while_full() {
  local from to
  misbehave idle 3
  sleep 1
  from=$(date +%s%N)
  end_server
  is "SIGTERM while full: exit status" "$?" 0
  to=$(date +%s%N)
  at_most "SIGTERM while full: seconds to the end" "$(calc "($to - $from) / 1e9")" \
    "$(sanitized && echo 3 || echo 1)"
  is "the final report accounts for all" "$(figure server 'top.stats.accepted ==
    top.stats.answered + top.stats.failed + top.stats.shed and top.stats.open == 0')" true
  is "the causes add up to the failures" \
    "$(figure server 'sum(top.stats.failures) == top.stats.failed')" true
  at_least "connections shed at the cap" "$(figure server 'top.stats.shed')" 1
}

bed_up
head -c 1000000 /dev/zero >"$work/content"

serve_capped -c "$work/content"
matches "the cap is said at the start" \
  "$(head -n 1 "$work/server.log")" "at most [0-9]+ connections"
from=$SECONDS
for kind in idle slow noread; do
  besieged "$kind"
done
storm rst
end_while_full
at_most "lines of the log" "$(wc -l <"$work/server.log")" $((SECONDS - from + 2))

serve_capped --max-request 1M --idle-timeout 3
besieged flood
storm rst-late
vanish
end_server
is "SIGTERM: exit status" "$?" 0
at_least "floods ended at the byte cap" "$(figure server 'top.stats.failures["other/reply"]')" 1
finish
