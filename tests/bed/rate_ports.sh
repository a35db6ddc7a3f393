#!/usr/bin/env bash
# G10: few source ports. The kernel's choice runs out of them, and a short range behind a
# delay carries range / 4 D; either is the client's own limit, and named so. tspam's own walk
# reuses a TIME_WAIT at once and gets by with the same few.
source "$(dirname "$0")/lib.sh"

rounds=1
full && rounds=10

# 200 ports, a TIME_WAIT on which is not reused by the kernel. A new bed each time: what the
# kernel left in TIME_WAIT is closed to the walk as well.
few_ports() {
  bed_up
  bed exec client sysctl -qw net.ipv4.tcp_tw_reuse=0 net.ipv4.ip_local_port_range="20000 20199"
  serve
}

kernels_choice() {
  local what="the kernel's choice, $1"
  few_ports
  rate kernel -H "$2" -r 400 -l 1 --local-ports kernel
  accounted kernel
  is "$what: ok" "$(figure kernel ok)" 200
  is "$what: without a port" "$(figure kernel "failures['no-port/connect']")" 200
  is "$what: exit status" "$status" 4
  is "$what: verdict" "$(figure kernel verdict)" invalid
  matches "$what: the reason" "$(figure kernel 'text(reasons)')" "port"
  agree "$what" 200
}

walked() {
  few_ports
  rate walk -H "$1" -r 400 -l 1
}

walk() {
  local what="tspam's walk over the same ports, $1"
  again time_lost walked "$2"
  accounted walk
  is "$what: ok" "$(figure walk ok)" 400
  valid walk
  agree "$what" 400
}

short_range() {
  local what="20 ports behind 4 D = 100 ms, $1"
  bed_up --delay 25
  serve
  rate range -H "$2" -r 400 -l 3 --local-ports 20000-20019
  accounted range
  near "$what: service p50, ms" "$(figure range 'phases.service.p50 * 1e3')" 100 5
  # a hiccup of this machine keeps a port busy for longer than 4 D
  near "$what: ok a second" "$(figure range 'ok / 3')" \
    "$(figure range '20 / phases.service.mean')" 12
  is "$what: exit status" "$status" 4
  is "$what: verdict" "$(figure range verdict)" invalid
  matches "$what: the reason" "$(figure range 'text(reasons)')" "port"
  agree "$what" "$(figure range ok)"
}

few() {
  kernels_choice IPv4 "$server4"
  kernels_choice IPv6 "$server6"
  walk IPv4 "$server4"
  walk IPv6 "$server6"
  short_range IPv4 "$server4"
}

short_range6() { short_range IPv6 "$server6"; }

for ((round = 0; round < rounds; round++)); do
  scenarios few short_range6 "$@"
done
finish
