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
}

bed_up
serve
bed exec client sysctl -qw net.ipv4.tcp_tw_reuse=0 "net.ipv4.ip_local_port_range=20000 20499"
full && repeated 10 kernel_ports

bed_up --delay 25
serve
repeated 10 explicit_range

if full; then
  bed_up
  serve
  (while :; do :; done) &
  busy=$!
  repeated 20 neighbour
  kill "$busy"
  for ((i = 0; i < 10; i++)); do
    tool s saturate --length 2 --start 4k
    is "G16 nothing limits but this machine" "$(figure s answer.limited_by)" generator
    at_least "G16 its ceiling is told" "$(figure s ceiling)" 1
  done
fi
finish
