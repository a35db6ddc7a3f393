#!/usr/bin/env bash
# G10, G16, G17: this machine's own limits are named and never held against the target.
source "$(dirname "$0")/saturate_lib.sh"

# own WHAT LIMIT: the search s is inconclusive, and names the limit
own() {
  is "$1: limited by" "$(figure s answer.limited_by)" "$2"
  is "$1: exit status" "$status" 4
  is "$1: trials held against the target" "$(figure s '(function()
    local n = 0
    for i = 1, #trials do
      n = n + (trials[i].trial == "fail" and 1 or 0)
    end
    return n
  end)()')" 0
}

picked_by_kernel() {
  saturate s --local-ports kernel
  own "G10 500 ports that the kernel picks" "own ports"
}

picked_of_few() {
  saturate s --local-ports 20000-20019
  own "G10 20 ports behind a delay of 25 ms" "own ports"
}

beside() {
  saturate s --max-rate 400
  is "G17 beside a busy process: limited by" "$(figure s answer.limited_by)" "none found"
  is "G17: the rate is the ceiling asked for" "$(figure s 'answer.rate == 400')" true
}

at_ceiling() {
  tool s saturate --length 1.5 --start 8k
  is "G16 nothing limits but this machine: limited by" "$(figure s answer.limited_by)" generator
  is "G16: exit status" "$status" 4
  at_least "G16 its ceiling is told" "$(figure s ceiling)" 1
}

few_ports() {
  bed_up --delay 25
  serve
  repeated 10 picked_of_few
}

kernel_ports() {
  bed_up
  serve
  bed exec client sysctl -qw net.ipv4.tcp_tw_reuse=0 "net.ipv4.ip_local_port_range=20000 20499"
  repeated 10 picked_by_kernel
}

neighbour() {
  bed_up
  serve
  timeout 3000 bash -c 'while :; do :; done' &
  local busy=$!
  repeated 20 beside
  kill "$busy"
}

no_limit() {
  bed_up
  serve
  repeated 10 at_ceiling
}

scenarios few_ports "kernel_ports neighbour no_limit" "$@"
finish
