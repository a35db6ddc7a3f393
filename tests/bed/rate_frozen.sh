#!/usr/bin/env bash
# G12: a frozen server with one acceptor and a backlog of B. The kernel completes B + 1
# handshakes, which time out in reply; the rest gets no answer to its SYN.
source "$(dirname "$0")/lib.sh"

rounds=1
full && rounds=10

frozen() {
  local family=$1 host=$2
  bed_up
  serve --acceptors 1 --backlog 64
  kill -STOP "$server_pid"
  rate frozen -H "$host" -r 200 -l 1.5 -t 0.5
  accounted frozen
  is "$family: due" "$(figure frozen due)" 300
  is "$family: time-outs in reply" "$(figure frozen "failures['timeout/reply']")" 65
  is "$family: time-outs in connect" "$(figure frozen "failures['timeout/connect']")" 235
  is "$family: ok" "$(figure frozen ok)" 0
  counts
  is "$family: the router let all through" "$(counted nft.syn_passed)" 300
  is "$family: handshakes that the server's kernel completed" \
    "$(counted server.TcpPassiveOpens)" 65
}

for ((round = 0; round < rounds; round++)); do
  frozen IPv4 "$server4"
  frozen IPv6 "$server6"
done
finish
