#!/usr/bin/env bash
# A rate held for long on loopback: what was asked is achieved, and neither memory nor
# descriptors grow, on either side.
source "$(dirname "$0")/lib.sh"

offered=500 seconds=10
full && offered=2000 seconds=600

memory_of() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
descriptors_of() { find "/proc/$1/fd" -mindepth 1 | wc -l; }

# In its first seconds a run still meets pages of its histograms for the first time.
new_pages=1024
full && new_pages=0

# grew WHAT FROM TO: by 1 % at most
grew() { at_most "$1 grew from $2 to, KiB" "$3" "$(calc "$2 * 1.01 + $new_pages")"; }

# After a tenth of the time, and in the last second.
first=$((seconds / 10 > 2 ? seconds / 10 : 2))

held() {
  bed_up
  (in_server "$TSPAM" server -l 127.0.0.1 -p 2345 --json "$work/server.json" --quiet \
    >"$work/server.log" 2>&1) &
  server_pid=$!
  wait_for_listener
  idle=$(descriptors_of "$server_pid")
  (in_server "$TSPAM" rate -H 127.0.0.1 -p 2345 -r "$offered" -l "$seconds" --quiet \
    --json "$work/steady.json" >"$work/steady.log" 2>&1) &
  client_pid=$!
  sleep "$first"
  client_first=$(memory_of "$client_pid") server_first=$(memory_of "$server_pid")
  sleep $((seconds - first - 1))
  client_last=$(memory_of "$client_pid") server_last=$(memory_of "$server_pid")
  wait "$client_pid"
  sleep 0.5
}

again time_lost held
accounted steady
is "ok" "$(figure steady ok)" $((offered * seconds))
near "achieved, a second" "$(figure steady achieved)" "$offered" "$(calc "$offered / 1000")"
valid steady
if ! sanitized; then # a sanitizer's own memory grows with the run
  grew "the client's memory" "$client_first" "$client_last"
  grew "the server's memory" "$server_first" "$server_last"
fi
is "the server's descriptors when all is over" "$(descriptors_of "$server_pid")" "$idle"
end_server
is "the server answered" "$(figure server top.stats.answered)" $((offered * seconds))
if full && ! sanitized; then
  at_most "lag p99, ms" "$(figure steady 'phases.lag.p99 * 1e3')" 2
fi
finish
