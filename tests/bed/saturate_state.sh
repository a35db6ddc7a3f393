#!/usr/bin/env bash
# G6: a flow table. Where trials outlast its entries saturate finds what it sustains,
# else it names how many fit.
source "$(dirname "$0")/saturate_lib.sh"

sustained() {
  bed_up --flow-table 1000:5
  serve
  tool s saturate --start 100 --length 8 --cooldown 5 --no-calibrate
  local answer
  answer=$(figure s answer.rate)
  near "G6 1,000 entries of 5 s sustain, a second" "$answer" 200 10
  is "G6 limited by" "$(figure s answer.limited_by)" target
}

burst() {
  bed_up --flow-table 1500:20
  serve
  saturate s --patience 60
  near "G6 1,500 entries of 20 s: the burst" "$(figure s answer.burst.connections)" 1500 15
  is "G6 limited by" "$(figure s answer.limited_by)" target
  matches "G6 the reason" "$(figure s answer.reason)" "connections, then failure at t = "
}

dead_target() {
  bed_up
  serve
  (
    sleep 6
    kill -KILL "$server_pid"
  ) &
  saturate s --start 100 --patience 3
  is "a target that dies: exit status" "$status" 4
  matches "a target that dies is said to" "$(figure s answer.reason)" "stopped answering"
  is "a target that dies: the last trial" "$(figure s 'trials[#trials].trial')" fail
}

dead_target
full && burst
full && sustained
finish
