#!/usr/bin/env bash
# G16: nothing limits but this machine. A rate it cannot carry is its own limit: every
# connection accounted for, the report at once, the verdict invalid and the reason named.
source "$(dirname "$0")/lib.sh"

seconds=0.5
full && seconds=10

over() {
  local what="over the ceiling, $1"
  rate over -H "$2" -r 200k -l "$seconds" -t 0.9
  is "$what: exit status" "$status" 4
  accounted over
  is "$what: verdict" "$(figure over verdict)" invalid
  matches "$what: the reason" "$(figure over 'text(reasons)')" "^(late starts|own CPU): "
  at_most "$what: the report comes within, s" \
    "$(figure over elapsed)" "$(calc "$seconds + 4")"
}

# A bed of its own, so that its counts are those of one run.
closed() {
  bed_up $1
  serve
  rate closed -H "$2" --concurrency "$3" -l "$seconds"
}

loop_adds_up() {
  accounted closed
  is "$1: nothing is due that was not started" "$(figure closed 'due == started')" true
  is "$1: no lag" "$(figure closed 'phases.lag == nil')" true
  at_most "$1: open at once" "$(figure closed open_max)" "$2"
  agree "$1" "$(figure closed ok)"
}

# As fast as they finish: who is the limit there is not known, but all are accounted for.
closed_loop() {
  closed "" "$2" 64
  loop_adds_up "closed loop, $1" 64
}

# Four at a time that take 20 ms each ask nothing of this machine.
waiting_loop() {
  local what="closed loop behind 4 D = 20 ms, $1"
  again time_lost closed "--delay 5" "$2" 4
  loop_adds_up "$what" 4
  is "$what: exit status" "$status" 0
  valid closed
}

# One processor for the client, and three busy loops on it.
starved() {
  local what="closed loop on a crowded processor, $1" loops=() all i
  all=$(taskset -cp $$ | sed 's/.*: //')
  bed_up
  serve
  taskset -cp "${all%%[-,]*}" $$ >/dev/null
  for i in 1 2 3; do
    timeout $((${seconds%.*} + 30)) bash -c 'while :; do :; done' &
    loops+=($!)
  done
  rate starved -H "$2" --concurrency 64 -l "$((${seconds%.*} + 1))"
  kill "${loops[@]}"
  taskset -cp "$all" $$ >/dev/null
  accounted starved
  is "$what: exit status" "$status" 4
  is "$what: verdict" "$(figure starved verdict)" invalid
  matches "$what: the reason" "$(figure starved 'text(reasons)')" "^(own CPU|late wake-ups): "
}

bed_up
serve
over IPv4 "$server4"
over IPv6 "$server6"
closed_loop IPv4 "$server4"
closed_loop IPv6 "$server6"
waiting_loop IPv4 "$server4"
waiting_loop IPv6 "$server6"
starved IPv4 "$server4"
finish
