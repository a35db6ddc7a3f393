#!/usr/bin/env bash
# The bed against arithmetic: every scenario met by the probe alone, without tspam.
# What fails here is a fault of the bed or of this machine, not of tspam.
#   truth.sh [SCENARIO...]
source "$(dirname "$0")/lib.sh"

# rows NAME CONDITION: how many connections of NAME.csv meet an awk condition over service
# (-1 where it did not end well)
rows() {
  awk -F, "{ service = \$5 == 0 ? \$4 - \$2 : -1 } $2 { n++ } END { print n + 0 }" "$work/$1.csv"
}

few_exchanges() { probe_rate r -r 200 -s 2 -h "$1"; }

delay() {
  local ms host
  for ms in 5 17 25; do
    bed_up --delay "$ms"
    serve_probe
    for host in "$server4" "$server6"; do
      again 'held_up 5' few_exchanges "$host"
      near "G1 D=$ms $host connect p50, ms" "$(figure r 'connect.p50 * 1e3')" $((2 * ms)) 1
      near "G1 D=$ms $host service p50, ms" "$(figure r 'service.p50 * 1e3')" $((4 * ms)) 1
      at_most "G1 D=$ms $host service p99, ms" "$(figure r 'service.p99 * 1e3')" $((4 * ms + 6))
      is "G1 D=$ms $host retransmitted" "$(figure r retransmitted)" 0
    done
  done
}

syn_loss() {
  bed_up --syn-loss 7 --delay 2
  serve_probe
  probe_rate r -r 500 -s 6 -t 8000
  is "G2 ok" "$(figure r ok)" 3000
  is_share "G2 retransmitted" "$(figure r retransmitted)" 3000 0.07
  near "G2 service p50, ms" "$(figure r 'service.p50 * 1e3')" 8 1
}

loss() {
  bed_up --loss 2 --delay 5
  serve_probe
  probe_rate r -r 300 -s 10 -t 20000
  is "G3 ok" "$(figure r ok)" 3000
  is_share "G3 slowed" "$(rows r 'service > 0.03')" 3000 "$(calc "1 - 0.98^6")"
  is_share "G3 a second and more" "$(rows r 'service > 0.9')" 3000 "$(calc "1 - 0.98^2")"
}

over_limit() {
  bed_up --new-rate 400 "$@"
  serve_probe
  probe_rate r -r 500 -s 4 -t 900
}

new_rate() {
  local kind
  for kind in "" --reject; do
    # shellcheck disable=SC2086 # none or one
    again 'held_up 5' over_limit $kind
    near "G4 failed ${kind:-dropped}" "$(figure r failed)" $((500 * 4 - 400 * 4 - 40)) 3
    is "G4 failed as the router counted" "$(figure r failed)" "$(stat nft.rate_over)"
    is "G4 the cause" "$(figure r "$([[ $kind ]] && echo refused || echo timeout_connect)")" \
      "$(figure r failed)"
  done
}

flow_table() {
  # The kernel collects expired entries some 0.1 s late: a TTL of 2 s is off by 8 %.
  bed_up --flow-table 500:5
  serve_probe
  probe_rate r -r 200 -s 10 -t 900
  near "G6 connections before the first failure" "$(figure r first_failure)" 500 5
  near "G6 sustained, of 2000 at 200/s" "$(figure r ok)" 1000 50
}

conntrack() {
  bed_up --conntrack-max 500
  serve_probe
  probe_rate r -r 500 -s 2 -t 900
  near "G7 connections before the first failure" "$(figure r first_failure)" 500 5
}

conn_limit() {
  bed_up --conn-limit 20 --delay 25
  serve_probe
  probe_rate r -r 400 -s 4 -t 900
  near "G8 ok at twice the limit" "$(figure r ok)" $((4 * 20 * 1000 / 100)) 40
}

bandwidth() {
  bed_up --bandwidth 2000
  serve_probe
  probe_rate r -r 150 -s 4 -n 1000 -t 5000
  is "G9 ok below the limit" "$(figure r ok)" 600
  bed_up --bandwidth 2000
  serve_probe
  probe_rate r -r 260 -s 4 -n 1000 -t 9000
  at_least "G9 above the limit a queue grows: latency p90 over p50 of 9 ms, ms" \
    "$(figure r 'latency.p90 * 1e3')" 100
}

ports() {
  bed_up
  serve_probe
  bed exec client sysctl -qw net.ipv4.tcp_tw_reuse=0 "net.ipv4.ip_local_port_range=20000 20199"
  probe_rate r -r 200 -s 2
  is "G10 ok of 200 ports" "$(figure r ok)" 200
  is "G10 the rest has no port" "$(figure r no_port)" 200
}

slow_server() {
  bed_up
  serve_probe -w 4000
  probe_rate r -r 350 -s 4 -t 9000
  near "G11 answered a second" "$(calc "1400 / (4 + $(figure r latency.max) - 0.004)")" 245 12
}

frozen() {
  bed_up
  serve_probe -b 64
  kill -STOP "$server_pid"
  probe_rate r -r 200 -s 2 -t 900
  is "G12 time-outs in reply" "$(figure r timeout_reply)" 65
  is "G12 time-outs in connect" "$(figure r timeout_connect)" 335
}

# stall PID: stops it for 1 s, 1 s from now
stall() {
  sleep 1
  kill -STOP "$1"
  sleep 1
  kill -CONT "$1"
}

stalled_server() {
  bed_up
  serve_probe
  stall "$server_pid" &
  probe_rate r -r 500 -s 5
  near "G13 p95, s" "$(figure r latency.p95)" 0.75 0.0525
  near "G13 max, s" "$(figure r latency.max)" 1 0.065
  near "G13 p50, ms" "$(figure r 'latency.p50 * 1e3')" 0.5 1
}

stalled_client() {
  bed_up
  serve_probe
  (in_client "$probe" rate -h "$server4" -r 200 -s 5 >"$work/r.json") &
  local pid=$!
  stall "$pid"
  wait "$pid"
  near "G14 p95 from due, s" "$(figure r latency.p95)" 0.75 0.0525
  near "G14 max from due, s" "$(figure r latency.max)" 1 0.065
}

faults() {
  local kind field host
  while read -r kind field; do
    bed_up --fault "$kind:30"
    serve_probe
    for host in "$server4" "$server6"; do
      probe_rate r -r 500 -s 0.4 -t 900 -h "$host"
      is "G15 $kind $host" "$(figure r "$field")" 60
      is "G15 $kind $host ok" "$(figure r ok)" 140
    done
  done <<'END'
refuse refused
portunreach refused
hostunreach host_unreachable
netunreach net_unreachable
prohibited host_unreachable+prohibited
blackhole timeout_connect
rst-data reset+broken_pipe
blackhole-data timeout_reply
END
}

all="delay syn_loss loss new_rate flow_table conntrack conn_limit bandwidth ports slow_server
frozen stalled_server stalled_client faults"
scenarios "$all" "" "$@"
finish
