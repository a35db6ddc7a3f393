#!/usr/bin/env bash
# G10, G16, G17: this machine's own limits are named and never held against the target.
source "$(dirname "$0")/saturate_lib.sh"

# own WHAT LIMIT: the search s is inconclusive, and names the limit
own() {
  is "$1: limited by" "$(figure s answer.limited_by)" "$2"
  is "$1: exit status" "$status" 4
  is "$1: the last trial" "$(figure s 'trials[#trials].trial')" invalid
}

kernel_ports() {
  saturate s --local-ports kernel
  own "G10 500 ports that the kernel picks" "own ports"
}

explicit_range() {
  saturate s --local-ports 20000-20019
  own "G10 20 ports behind a delay of 25 ms" "own ports"
}

neighbour() {
  saturate s --max-rate 400
  is "G17 beside a busy process: limited by" "$(figure s answer.limited_by)" "none found"
 figure s answer.reason
}

bed_up; serve; for ((i = 0; i < 3; i++)); do tool s saturate --length 2 --start 4k;  is "G16" "$(figure s answer.limited_by)" generator; at_least "G16 its ceiling is told" "$(figure s ceiling)" 1; figure s answer.rate answer.reason; done
finish
