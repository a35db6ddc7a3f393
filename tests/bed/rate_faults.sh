#!/usr/bin/env bash
# G15: exactly 30 of every 100 connections meet a fault, each of eight kinds, over IPv4 and
# IPv6. The counts are exact, cause by cause and step by step.
source "$(dirname "$0")/lib.sh"

rounds=1
full && rounds=10

met() {
  bed_up --fault "$1:30"
  serve -c <(printf pong)
  rate fault -H "$2" -r 400 -l 0.5 -t 0.5 -c <(printf ping)
}

# fault KIND CAUSE...: over either family
fault() {
  fault_to "$server4" "$@"
  fault_to "$server6" "$@"
}

# fault_to HOST KIND CAUSE...: the 60 of 200 end as one of the causes. An ICMP error that comes
# in the very moment in which the client uses its socket is dropped by its kernel, which counts
# it (LockDroppedIcmps, seen once in some 10,000): that connection times out.
fault_to() {
  local host=$1 kind=$2 cause counted dropped
  shift 2
  again time_lost met "$kind" "$host"
  accounted fault
  dropped=$(figure fault "counters.TcpExtLockDroppedIcmps or 0")
  counted=$dropped
  [[ $* == *timeout* ]] ||
    is "$kind $host: time-outs" "$(figure fault "failures['timeout/connect'] or 0")" "$dropped"
  for cause; do
    counted=$((counted + $(figure fault "failures['$cause'] or 0")))
  done
  is "$kind $host: ok" "$(figure fault ok)" 140
  is "$kind $host: as $*" "$counted" 60
  valid fault
  is "$kind $host: the router did it to as many" "$(stat nft.faulted)" 60
  end_server
  is "$kind $host: the server answered the others" "$(figure server top.stats.answered)" 140
}

for ((round = 0; round < rounds; round++)); do
  fault refuse refused/connect
  fault portunreach refused/connect
  fault hostunreach unreachable/connect
  fault netunreach unreachable/connect
  fault prohibited unreachable/connect
  fault blackhole timeout/connect
  fault rst-data reset/send reset/reply
  fault blackhole-data timeout/reply
done
finish
