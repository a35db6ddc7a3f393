#!/usr/bin/env bash
# 64 descriptors, and more connections held than that: the client's own limit, named so.
source "$(dirname "$0")/lib.sh"

rounds=2
full && rounds=10

bed_up
serve
for ((round = 0; round < rounds; round++)); do
  status=$(
    ulimit -n 64
    rate few -r 200 -l 1 --hold 2 >&2
    echo "$status"
  )
  accounted few
  is "64 descriptors: exit status" "$status" 4
  at_least "64 descriptors: connections without one" "$(figure few "failures['no-fd/socket']")" 136
  at_least "64 descriptors: the others end well" "$(figure few ok)" 32
  is "64 descriptors: no other cause" \
    "$(figure few "failures['no-fd/socket'] == failed")" true
  is "64 descriptors: verdict" "$(figure few verdict)" invalid
  matches "64 descriptors: the reason" "$(figure few 'text(reasons)')" "descriptor"
done
finish
