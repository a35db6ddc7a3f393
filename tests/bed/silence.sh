#!/usr/bin/env bash
# Handshakes pass, and then every segment with PSH or FIN is lost. What is closed here without
# an answer must not stay on its port, unknown to tspam: the failures are the target's, though
# each port of a short walk is used again and again.
source "$(dirname "$0")/saturate_lib.sh"

ports=20000-20099 # 100: each is used once a second at 100/s
others=21000-21099

# all_silent NAME WHAT COUNT: the first run's connections were all due, and all ended so
all_silent() {
  accounted "$1"
  is "$2: due" "$(figure "$1" due)" "$3"
  is "$2: as timeout/reply" "$(figure "$1" 'failures["timeout/reply"]')" "$3"
  is "$2: failed" "$(figure "$1" failed)" "$3"
  is "$2: tuples that the kernel refused" "$(figure "$1" sources.skipped)" 0
}

rates() {
  local family=$1 host=$2
  again time_lost rate r -H "$host" -r 100 -l 4 -t 0.3 --local-ports "$ports"
  all_silent r "$family" 400
  valid r
  is "$family: exit status" "$status" 0
}

# A capacity that is broken off: its connections are aborted, FIN on the way.
capacity_interrupted() {
  bed exec client timeout --foreground --signal INT --preserve-status 1 \
    "$TSPAM" capacity -H "$server4" -p 2345 -r 50 --local-ports "$others" \
    --json "$work/i.json" --quiet >"$work/i.log" 2>&1
  is "capacity, interrupted: exit status" "$?" 130
  at_least "capacity, interrupted: aborted" "$(figure i aborted)" 20
  is "capacity, interrupted: all" "$(figure i 'aborted == started')" true
}

# The next one on the same ports, beside what follows: when its holds end it waits for 10 s.
start_capacity() {
  tool c capacity -r 80 --hold 1 --local-ports "$others" &
  capacity_pid=$!
}

end_capacity() {
  wait "$capacity_pid"
  all_silent c capacity 80
  is "capacity: limited by" "$(figure c top.answer.limited_by)" target
  matches "capacity: the reason" "$(figure c top.answer.reason)" "mostly timeout/reply"
}

saturate_ends_at_its_baseline() {
  saturate s -r 70 -t 0.3 --local-ports "$ports"
  is "saturate: trials" "$(figure s '#top.trials')" 2
  is "saturate: as timeout/reply" "$(figure s 'top.trials[1].failures["timeout/reply"]')" \
    "$(figure s 'top.trials[1].started')"
  is "saturate: limited by" "$(figure s top.answer.limited_by)" target
  is "saturate: rate" "$(figure s top.answer.rate)" nil
  matches "saturate: the reason" "$(figure s top.answer.reason)" "timeout/reply 1"
  is "saturate: exit status" "$status" 4
}

bed_up --fault blackhole-data:100
serve -c <(printf pong)
capacity_interrupted
start_capacity
rates IPv4 "$server4"
rates IPv6 "$server6"
saturate_ends_at_its_baseline
end_capacity
finish
