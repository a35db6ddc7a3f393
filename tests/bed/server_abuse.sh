#!/usr/bin/env bash
# The server under abuse: ten times its descriptor cap of ill-behaved clients on its own
# host, half of them over IPv6, and two good clients (the probe, through the router, over
# either family) at 50/s each through all of it.
source "$(dirname "$0")/lib.sh"

abuse=$TSPAM_BUILD/tests/bed/abuse
cap=64 seconds=3
full && seconds=60

# serve_capped [OPTION...]: at most $cap descriptors; what it says goes to $work/server.log
serve_capped() {
  (
    ulimit -n "$cap"
    in_server "$TSPAM" server -l 0.0.0.0 -l :: -p 2345 --json "$work/server.json" "$@"
  ) >"$work/server.out" 2>"$work/server.log" &
  server_pid=$!
  wait_for_listener
}

# misbehave KIND SECONDS [CLIENTS]: in the background, their process ids in $abusers
misbehave() {
  local host clients=${3:-$((10 * cap))}
  abusers=
  : >"$work/abuse.log"
  for host in 127.0.0.1 ::1; do
    (in_server "$abuse" "$1" -h "$host" -c $((clients / 2)) -s "$2") >>"$work/abuse.log" &
    abusers="$abusers $!"
  done
}

# shellcheck disable=SC2086 # two of them
abuse_ends() { wait $abusers; }

# abused FIELD: a count of the abusers, added up
abused() { awk -F"\"$1\":" '{ n += $2 } END { print n + 0 }' "$work/abuse.log"; }

descriptors() { find "/proc/$server_pid/fd" -mindepth 1 | wc -l; }
rss_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$server_pid/status"; }
cpu_ms() { awk '{ print ($14 + $15) * 10 }' "/proc/$server_pid/stat"; }

# good NAME SECONDS: 50 connections a second over IPv4 (NAME4) and IPv6 (NAME6), each to be
# answered within a second
good() {
  local other
  probe_rate "${1}6" -h "$server6" -r 50 -s "$2" -t 1000 &
  other=$!
  probe_rate "${1}4" -r 50 -s "$2" -t 1000
  wait "$other"
}

# served KIND: through it, the good clients were, for $seconds. In a few seconds one percent
# is a single connection of a family, which the moment all come at once may cost: so the two
# are taken together there.
served() {
  local ok4 ok6
  ok4=$(figure during4 ok) ok6=$(figure during6 ok)
  at_least "$1: good clients answered, %" "$(calc "($ok4 + $ok6) / $seconds")" 99
  full || return 0
  at_least "$1: over IPv4, %" "$(calc "2 * $ok4 / $seconds")" 99
  at_least "$1: over IPv6, %" "$(calc "2 * $ok6 / $seconds")" 99
}

# recovered KIND DESCRIPTORS: now that it is over
recovered() {
  local family
  good after 1
  for family in 4 6; do
    is "$1: full service right after over IPv$family" "$(figure "after$family" ok)" 50
  done
  is "$1: descriptors as before" "$(descriptors)" "$2"
}

# besieged KIND [CLIENTS]: one row of the table
besieged() {
  local kind=$1 before busy first last
  before=$(descriptors) first=$(rss_kib)
  misbehave "$kind" $((seconds + 1)).5 "${2:-}"
  sleep 1 # all have come
  busy=$(cpu_ms)
  good during "$seconds"
  busy=$(calc "($(cpu_ms) - $busy) / ($seconds * 10)") last=$(rss_kib)
  served "$kind"
  if ! sanitized; then
    [[ $kind == flood || $kind == torrent ]] || at_most "$kind: processor while full, %" "$busy" 10
    at_most "$kind: memory, KiB" "$last" $((16 * 1024 + cap))
    at_most "$kind: growth from $first KiB" $((last - first)) 1024
  fi
  abuse_ends
  recovered "$kind" "$before"
}

# The limit sinks below the cap that the server took from it: accept says EMFILE.
exhausted() {
  local before busy length=2
  full && length=60
  before=$(descriptors)
  prlimit --pid "$server_pid" --nofile=$((before + 8)):"$cap"
  misbehave idle $((length + 1)).5
  sleep 1
  busy=$(cpu_ms)
  sleep "$length"
  busy=$(calc "($(cpu_ms) - $busy) / ($length * 10)")
  sanitized || at_most "exhausted: processor while full, %" "$busy" 10
  abuse_ends
  recovered exhausted "$before"
  prlimit --pid "$server_pid" --nofile="$cap"
}

storm() {
  local kind=$1 before rss
  before=$(descriptors)
  misbehave "$kind" 1
  abuse_ends
  rss=$(rss_kib)
  misbehave "$kind" "$seconds"
  good during "$seconds"
  abuse_ends
  rss=$(($(rss_kib) - rss))
  # What two processes beside the server can do depends on who else has the processors.
  at_least "$kind: resets a second" "$(calc "$(abused resets) / $seconds")" \
    "$(full && [[ $kind == rst ]] && echo 20000 || echo 1000)"
  served "$kind"
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
  local from
  misbehave idle 3
  sleep 1
  from=$EPOCHREALTIME
  end_server
  is "SIGTERM while full: exit status" "$?" 0
  at_most "SIGTERM while full: seconds to the end" "$(calc "$EPOCHREALTIME - $from")" \
    "$(sanitized && echo 3 || echo 1)"
  is "the final report accounts for all" "$(figure server 'top.stats.accepted ==
    top.stats.answered + top.stats.failed + top.stats.shed and top.stats.open == 0')" true
  is "the causes add up to the failures" \
    "$(figure server 'sum(top.stats.failures) == top.stats.failed')" true
  at_least "connections shed at the cap" "$(figure server 'top.stats.shed')" 1
}

# A second signal does not wait for those who are still open.
end_at_once() {
  local from
  misbehave idle 2
  sleep 1
  kill -TERM "$server_pid"
  sleep 0.1
  from=$EPOCHREALTIME
  end_server
  is "a second SIGTERM: exit status" "$?" 143
  at_most "a second SIGTERM: seconds to the end" "$(calc "$EPOCHREALTIME - $from")" 0.3
}

# lines_of_log SINCE: one a second at most, and those of the start and the end
lines_of_log() { at_most "lines of the log" "$(wc -l <"$work/server.log")" $((SECONDS - $1 + 2)); }

bed_up
head -c 1000000 /dev/zero >"$work/content"

serve_capped -c "$work/content"
matches "the cap is said at the start" \
  "$(head -n 1 "$work/server.log")" "at most [0-9]+ connections"
from=$SECONDS
for kind in idle slow noread; do
  besieged "$kind"
done
exhausted
storm rst
end_while_full
at_least "accept said that descriptors were short" "$(figure server top.stats.accept_errors)" 1
lines_of_log "$from"

serve_capped --max-request 1M --idle-timeout 3
from=$SECONDS
besieged flood
besieged torrent 16 # within the cap: none is shed, each ends at the byte cap and comes again
storm rst-late
vanish
end_server
is "SIGTERM: exit status" "$?" 0
at_least "floods ended at the byte cap" "$(figure server 'top.stats.failures["other/reply"]')" \
  $((10 * cap))
lines_of_log "$from"

serve_capped
end_at_once
finish
