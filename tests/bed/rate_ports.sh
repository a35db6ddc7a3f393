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
  few_ports
  rate kernel -r 200 -l 2 --local-ports kernel
  accounted kernel
  is "the kernel's choice: ok" "$(figure kernel ok)" 200
  is "the kernel's choice: without a port" "$(figure kernel "failures['no-port/connect']")" 200
  is "the kernel's choice: exit status" "$status" 4
  is "the kernel's choice: verdict" "$(figure kernel verdict)" invalid
  matches "the kernel's choice: the reason" "$(figure kernel 'text(reasons)')" "port"
}

walk() {
  few_ports
  rate walk -r 200 -l 2
  accounted walk
  is "tspam's walk over the same ports: ok" "$(figure walk ok)" 400
  just walk
}

short_range() {
  bed_up --delay 25
  serve
  rate range -r 400 -l 3 --local-ports 20000-20019
  accounted range
  near "20 ports behind 4 D = 100 ms: ok a second" "$(figure range 'ok / 3')" 200 12
  is "20 ports behind a delay: verdict" "$(figure range verdict)" invalid
  matches "20 ports behind a delay: the reason" "$(figure range 'text(reasons)')" "port"
}

for ((round = 0; round < rounds; round++)); do
  kernels_choice
  walk
done
short_range
finish
