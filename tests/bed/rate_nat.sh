#!/usr/bin/env bash
# Through NAT, nothing in the way: the router, the server and tspam count the same.
source "$(dirname "$0")/lib.sh"

seconds=1
full && seconds=10

exchanges() {
  bed_up
  serve -c <(printf pong)
  rate nat -H "$1" -r 500 -l "$seconds" -c <(printf ping) --expect 4
}

through() {
  local family=$1 host=$2 due=$((500 * seconds))
  again time_lost exchanges "$host"
  is "$family: exit status" "$status" 0
  accounted nat
  is "$family: due" "$(figure nat due)" "$due"
  is "$family: ok" "$(figure nat ok)" "$due"
  is "$family: bytes sent and received" \
    "$(figure nat 'bytes_sent + bytes_received')" $((8 * due))
  valid nat
  is "$family: the router let as many through" "$(stat nft.syn_passed)" "$due"
  is "$family: the client's kernel opened as many" "$(stat client.TcpActiveOpens)" "$due"
  is "$family: the server's kernel took as many" "$(stat server.TcpPassiveOpens)" "$due"
  is "$family: no reset was sent" "$(stat client.TcpOutRsts) $(stat server.TcpOutRsts)" "0 0"
  end_server
  is "$family: the server ends with" $? 0
  is "$family: the server accepted as many" "$(figure server top.stats.accepted)" "$due"
  is "$family: the server answered as many" "$(figure server top.stats.answered)" "$due"
}

through IPv4 "$server4"
through IPv6 "$server6"
finish
