#!/usr/bin/env bash
# G13, G14: one side stands still for S of T seconds. Counted from when a connection was
# due, P(latency > x) = (S - x) / T whichever side it was; but a stall of the client is the
# client's own fault, and the verdict says so.
source "$(dirname "$0")/lib.sh"

seconds=5
full && seconds=9

# stall PID: stops it for 1 s, 1 s from now
stall() {
  sleep 1
  kill -STOP "$1"
  sleep 1
  kill -CONT "$1"
}

# curve NAME WHAT: the percentiles of a stall of 1 s
curve() {
  local p wanted
  accounted "$1"
  is "$2: failed" "$(figure "$1" failed)" 0
  for p in 90 99; do
    wanted=$(calc "1 - (100 - $p) / 100 * $seconds")
    near "$2: p$p from due, s" "$(figure "$1" "phases.latency.p$p")" "$wanted" \
      "$(calc "0.015 + 0.05 * $wanted")"
  done
  near "$2: maximum from due, s" "$(figure "$1" phases.latency.max)" 1 0.065
  near "$2: mean from due, s" "$(figure "$1" phases.latency.mean)" \
    "$(calc "1 / (2 * $seconds)")" "$(calc "0.015 + 0.05 / (2 * $seconds)")"
}

server_stalls() {
  bed_up
  serve --acceptors 1
  stall "$server_pid" &
  rate server_stall -r 200 -l "$seconds"
  wait $!
  curve server_stall "stalled server"
  just server_stall
}

client_stalls() {
  bed_up
  serve
  (in_client "$TSPAM" rate -H "$server4" -p 2345 -r 200 -l "$seconds" --quiet \
    --json "$work/client_stall.json" >"$work/client_stall.log" 2>&1) &
  local client_pid=$!
  stall "$client_pid"
  wait "$client_pid"
  is "stalled client: exit status" $? 4
  curve client_stall "stalled client"
  is "stalled client: verdict" "$(figure client_stall verdict)" invalid
  matches "stalled client: the reason" "$(figure client_stall 'text(reasons)')" "late"
}

server_stalls
client_stalls
finish
