#!/usr/bin/env bash
# G13, G14: one side stands still for S of T seconds. Counted from when a connection was
# due, P(latency > x) = (S - x) / T whichever side it was; but a stall of the client is the
# client's own fault, and the verdict says so. A client for each family, side by side.
source "$(dirname "$0")/lib.sh"

seconds=5
full && seconds=9

# stall PID...: stops them 1 s from now, for 1 s; how long it was in fact is in $stalled
stall() {
  local from
  sleep 1
  from=$EPOCHREALTIME
  kill -STOP "$@"
  sleep 1
  kill -CONT "$@"
  stalled=$(calc "$EPOCHREALTIME - $from")
}

# Both clients in the background, their process ids in $clients. JSON has no p95: the
# condition, which always holds, is there to be told the figure.
start_clients() {
  start_rate IPv4 -H "$server4" -r 200 -l "$seconds" --require 'p95<10s'
  clients=$!
  start_rate IPv6 -H "$server6" -r 200 -l "$seconds" --require 'p95<10s'
  clients="$clients $!"
}

# Waits for both; how they ended is in $statuses.
end_clients() {
  local pid
  statuses=
  for pid in $clients; do
    wait "$pid"
    statuses="$statuses $?"
  done
}

# percentile WHAT PERCENT FIGURE: within 5 % + 15 ms of the arithmetic
percentile() {
  local wanted
  wanted=$(calc "$stalled - (100 - $2) / 100 * $seconds")
  near "$1: p$2 from due, s" "$3" "$wanted" "$(calc "0.015 + 0.05 * $wanted")"
}

# curve NAME WHAT: the percentiles of a stall
curve() {
  local mean
  accounted "$1"
  is "$2: ok" "$(figure "$1" ok)" $((200 * seconds))
  # In 9 s p90 is the end of the stall, where it shows how long the catching up takes.
  full || percentile "$2" 90 "$(figure "$1" phases.latency.p90)"
  percentile "$2" 95 "$(figure "$1" 'top.requirements[1].got')"
  percentile "$2" 99 "$(figure "$1" phases.latency.p99)"
  percentile "$2" 100 "$(figure "$1" phases.latency.max)"
  mean=$(calc "$stalled ^ 2 / (2 * $seconds)")
  near "$2: mean from due, s" "$(figure "$1" phases.latency.mean)" "$mean" \
    "$(calc "0.015 + 0.05 * $mean")"
}

stalled_server() {
  bed_up
  serve --acceptors 1
  start_clients
  stall "$server_pid"
  end_clients
}

stalled_client() {
  bed_up
  serve
  start_clients
  # shellcheck disable=SC2086 # two of them
  stall $clients
  end_clients
}

server_stalls() {
  local family
  again time_lost stalled_server
  is "stalled server: exit statuses" "$statuses" " 0 0"
  for family in IPv4 IPv6; do
    curve "$family" "stalled server, $family"
    valid "$family"
  done
  agree "stalled server" $((2 * 200 * seconds))
}

client_stalls() {
  local family what
  again time_lost stalled_client
  is "stalled client: exit statuses" "$statuses" " 4 4"
  for family in IPv4 IPv6; do
    what="stalled client, $family"
    curve "$family" "$what"
    is "$what: verdict" "$(figure "$family" verdict)" invalid
    matches "$what: the reason" "$(figure "$family" 'text(reasons)')" "late starts"
  done
  agree "stalled client" $((2 * 200 * seconds))
}

server_stalls
client_stalls
finish
