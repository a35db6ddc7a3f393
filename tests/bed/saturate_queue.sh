#!/usr/bin/env bash
# G9, G11: saturate finds a narrow link's rate and a slow server's, by the queue before it.
source "$(dirname "$0")/saturate_lib.sh"

# What a connection puts on the narrow link, by the qdisc's own count.
wire_bytes() {
  bed exec router tc -s qdisc show dev r1 | awk '/Sent/ { print $2; exit }'
}

narrow_link() {
  head -c 1000 /dev/zero >"$work/request"
  bed_up --bandwidth 2000
  serve
  local before after
  before=$(wire_bytes)
  rate r -r 100 -l 2 -c "$work/request"
  after=$(wire_bytes)
  local truth
  truth=$(calc "2000000 / 8 / (($after - $before) / $(figure r started))")
  repeated 10 narrow_search "$truth"
}

narrow_search() {
  saturate s -c "$work/request"
  within "G9 a link of 2 Mbit/s" "$1" 5
  matches "G9 the reason" "$(figure s answer.reason)" "queue|slow|retransmitted"
  kind "G9" bandwidth bits_per_second 2000000
}

# The truth is what the server does when it is never idle.
slow_server() {
  bed_up
  serve_probe -w 4000
  rate r --concurrency 16 -l 4
  repeated 10 slow_search "$(figure r completed)"
}

slow_search() {
  saturate s
  within "G11 a server that takes 4 ms each" "$1" 5
  matches "G11 the reason" "$(figure s answer.reason)" "queue|slow"
  kind "G11" processing seconds "(1 / $1)"
}

scenarios narrow_link slow_server "$@"
finish
