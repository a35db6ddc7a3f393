#!/usr/bin/env bash
# 64 descriptors, and more connections held than that: the client's own limit, named so.
source "$(dirname "$0")/lib.sh"

rounds=1
full && rounds=10
ended_well=0

few() {
  local what="64 descriptors, $1"
  status=$(
    ulimit -n 64
    rate few -H "$2" -r 200 -l 1 --hold 2 >&2
    echo "$status"
  )
  accounted few
  is "$what: exit status" "$status" 4
  is "$what: due" "$(figure few due)" 200
  at_least "$what: connections without one" "$(figure few "failures['no-fd/socket']")" 136
  at_least "$what: the others end well" "$(figure few ok)" 32
  is "$what: no other cause" \
    "$(figure few "failures['no-fd/socket'] == failed and ok + failed == due")" true
  is "$what: verdict" "$(figure few verdict)" invalid
  matches "$what: the reason" "$(figure few 'text(reasons)')" "descriptor"
  ended_well=$((ended_well + $(figure few ok)))
}

bed_up
serve
for ((round = 0; round < rounds; round++)); do
  few IPv4 "$server4"
  few IPv6 "$server6"
done
agree "64 descriptors" "$ended_well"
finish
