#!/usr/bin/env bash
# A clean run is valid, also beside a process that keeps one core busy, at a rate that the
# other core can carry, over IPv4 and IPv6.
source "$(dirname "$0")/lib.sh"

rounds=1
full && rounds=20
(($(nproc) > 1)) || skip "a neighbour needs a second processor"

# Busy processors since boot less what this test's own processes had of them, in hundredths of
# a second: what strangers took.
strangers() {
  local all own
  all=$(awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat)
  own=$(cat /proc/{"$$","$server_pid","${neighbour:-$$}"}/stat |
    awk '!seen[$1]++ { n += $14 + $15 + $16 + $17 } END { print n }')
  echo $((all - own))
}

# An ordinary process has no claim on a processor that a stranger keeps busy as well: more than
# 0.4 of one are too many. What packets cost the kernel belongs to nobody, and is less.
disturbed() { time_lost || fits "$taken" "x > 0.4 * 200"; }

measured() {
  local before
  before=$(strangers)
  rate "$1" -H "$2" -r 300 -l 2
  taken=$(($(strangers) - before))
}

clean_run() {
  again disturbed measured "$1" "$2"
  is "$1, $2: ok" "$(figure "$1" ok)" 600
  valid "$1"
}

# clean_runs NAME: all of a kind, over each family
clean_runs() {
  local round
  for ((round = 0; round < rounds; round++)); do
    clean_run "$1" "$server4"
    clean_run "$1" "$server6"
  done
}

bed_up
serve
clean_runs clean

# No niceness: the neighbour is an ordinary process, and so is tspam here.
renice -n 0 $$ >/dev/null
timeout $((rounds * 40 + 10)) bash -c 'while :; do :; done' &
neighbour=$!
clean_runs beside
kill "$neighbour"
finish
