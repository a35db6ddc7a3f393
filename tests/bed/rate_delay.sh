#!/usr/bin/env bash
# G1: behind a delay D each way, connect takes 2 D and the whole exchange 4 D.
source "$(dirname "$0")/lib.sh"

delays="5 25" seconds=1.5
full && delays="5 17 25" seconds=10

exchanges() { rate delay -H "$1" -r 200 -l "$seconds" -c <(printf ping) --expect 4; }

# Behind <delay> to <host>: connect and service as the cable is long.
behind() {
  local ms=$1 host=$2
  local what="D=$ms ms to $host"
  again 'held_up 5' exchanges "$host"
  accounted delay
  near "$what: connect p50, ms" "$(figure delay 'phases.connect.p50 * 1e3')" $((2 * ms)) \
    "$(tolerance $((2 * ms)))"
  near "$what: service p50, ms" "$(figure delay 'phases.service.p50 * 1e3')" $((4 * ms)) \
    "$(tolerance $((4 * ms)))"
  near "$what: first byte p50, ms" "$(figure delay 'phases.first_byte.p50 * 1e3')" $((2 * ms)) \
    "$(tolerance $((2 * ms)))"
  at_most "$what: service p99, ms" "$(figure delay 'phases.service.p99 * 1e3')" $((4 * ms + 6))
  is "$what: retransmitted" "$(figure delay retransmitted)" 0
  is "$what: segments that the kernel sent again" \
    "$(figure delay 'counters.TcpRetransSegs or 0')" 0
  is "$what: failed" "$(figure delay failed)" 0
  valid delay
}

# The larger of 1 % and 1 ms, in ms.
tolerance() { calc "$1 > 100 ? $1 / 100 : 1"; }

for delay in $delays; do
  bed_up --delay "$delay"
  serve -c <(printf pong)
  behind "$delay" "$server4"
  behind "$delay" "$server6"
done
finish
