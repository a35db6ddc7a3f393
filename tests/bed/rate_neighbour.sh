#!/usr/bin/env bash
# A clean run is valid, also beside a process that keeps one core busy, at a rate that the
# other core can carry, over IPv4 and IPv6.
source "$(dirname "$0")/lib.sh"

rounds=1
full && rounds=20
(($(nproc) > 1)) || skip "a neighbour needs a second processor"

# Busy processors since boot, in hundredths of a second.
busy() { awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat; }

# clean_run NAME HOST MOST: one run. The machine is shared: where more than MOST processors were
# busy meanwhile, or all stood still, a stranger took part, and the run is made again, four
# times at most.
clean_run() {
  local try before
  for try in 0 1 2 3 4; do
    sleep "$try"
    before=$(busy)
    watch
    rate "$1" -H "$2" -r 300 -l 2
    held_up 10 || fits "$(($(busy) - before))" "x > $3 * 200" || break
  done
  is "$1, $2: ok" "$(figure "$1" ok)" 600
  valid "$1"
}

# clean_runs NAME MOST: all of a kind, over each family
clean_runs() {
  local round
  for ((round = 0; round < rounds; round++)); do
    clean_run "$1" "$server4" "$2"
    clean_run "$1" "$server6" "$2"
  done
}

bed_up
serve
clean_runs clean 0.9

# No niceness: the neighbour is an ordinary process, and so is tspam here.
renice -n 0 $$ >/dev/null
timeout $((rounds * 40 + 10)) bash -c 'while :; do :; done' &
neighbour=$!
clean_runs beside 1.5
kill "$neighbour"
finish
