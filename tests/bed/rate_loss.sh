#!/usr/bin/env bash
# G2: 7 % of the SYNs lost. G3: 2 % of all packets lost, behind a delay. The share of
# connections that show it is arithmetic; the median stays where it was. What the cable lost
# is known to the packet: it is held against the kernel's count and tspam's.
source "$(dirname "$0")/lib.sh"

seconds=3
full && seconds=20

lost_syns() {
  local what="G2 $1" host=$2 due=$((500 * seconds))
  bed_up --syn-loss 7 --delay 2
  serve
  rate syn_loss -H "$host" -r 500 -l "$seconds"
  accounted syn_loss
  is "$what: ok" "$(figure syn_loss ok)" "$due"
  is_share "$what: retransmitted" "$(figure syn_loss retransmitted)" "$due" 0.07
  near "$what: service p50 as without loss, ms" \
    "$(figure syn_loss 'phases.service.p50 * 1e3')" 8 1
  at_least "$what: a lost SYN costs its second: p99, s" \
    "$(figure syn_loss phases.service.p99)" 1
  agree "$what" "$due"
  each_lost_syn "$what" "$due"
}

# each_lost_syn WHAT DUE: the counts, to the SYN and to the connection. Only bare SYNs are lost,
# every connection ends well, and a SYN goes again after a second where its answer takes 4 ms:
# so each loss is followed by exactly one more SYN, and no SYN goes again without a loss. The
# kernel counts SYNs (TCPSynRetrans); tspam counts connections, one that lost two SYNs once,
# which are what the cable tells apart. Data the kernel sends again because this machine held
# up the acknowledgement (the rest of TcpRetransSegs, mostly none) may add a connection each.
each_lost_syn() {
  local lost again all conns
  lost=$(counted 'wire.A->B.synlost') conns=$(counted 'wire.A->B.synconns')
  again=$(counted client.TcpExtTCPSynRetrans) all=$(counted client.TcpRetransSegs)
  is "$1: the kernel sent each lost SYN again" "$again" "$lost"
  near "$1: p^k (1 - p) of the connections lose k SYNs, in all, within 3 sigma" "$lost" \
    "$(calc "$2 * 0.07 / 0.93")" "$(calc "3 * sqrt($2 * 0.07) / 0.93")"
  is "$1: the router saw each SYN" "$(counted nft.syn_seen)" "$(($2 + lost))"
  is "$1: tspam tells the kernel's count" \
    "$(figure syn_loss 'counters.TcpExtTCPSynRetrans')" "$again"
  check "$1: retransmitted are the connections that lost a SYN" \
    "$(figure syn_loss retransmitted)" "x >= $conns && x <= $conns + $all - $again" \
    "want $conns; $((all - again)) segments of data sent again"
  is "$1: all of them ended ok" "$(figure syn_loss 'retransmitted_ok == retransmitted')" true
}

# What is sent again ends 38 ms after it began at the earliest, where the others take 20 ms
# and a busy machine adds some: the bound lies between. Six packets matter where both sides
# send content: SYN, SYN-ACK, request, its FIN, answer, its FIN. A second and more costs only
# the loss of one of the first two. Where this machine stood still for as long as the bound is
# above 20 ms, whatever was open then is slow without a loss.
without_packets() {
  bed_up --loss 2 --delay 5
  serve -c <(printf pong)
  bed exec client "$TSPAM" "$bed_dir/shares.lua" "$1" 300 "$seconds" 0.03 "$work/loss.json"
}

lost_packets() {
  local what="G3 $1" host=$2 due=$((300 * seconds)) lost
  again 'held_up 8' without_packets "$host"
  is "$what: ok" "$(figure loss ok)" "$due"
  is_share "$what: slowed" "$(figure loss slowed)" "$due" "$(calc '1 - 0.98^6')"
  is_share "$what: a second and more" "$(figure loss second)" "$due" "$(calc '1 - 0.98^2')"
  near "$what: service p50 as without loss, ms" "$(figure loss 'p50 * 1e3')" 20 1
  end_server
  is "$what: the server answered as many" "$(figure server top.stats.answered)" "$due"
  counts
  lost=$(($(counted 'wire.A->B.lost') + $(counted 'wire.B->A.lost')))
  is_share "$what: packets the cable lost" "$lost" \
    "$((lost + $(counted 'wire.A->B.fwd') + $(counted 'wire.B->A.fwd')))" 0.02
  # The client's side alone shows in it, and each of its connections sent a segment again.
  check "$what: retransmitted, of the client's own side" "$(figure loss retransmitted)" \
    "x > 0 && x <= $(counted client.TcpRetransSegs)" \
    "at most the $(counted client.TcpRetransSegs) segments its kernel sent again"
}

one_way() {
  lost_syns IPv4 "$server4"
  lost_packets IPv6 "$server6"
}

other_way() {
  lost_syns IPv6 "$server6"
  lost_packets IPv4 "$server4"
}

scenarios one_way other_way "$@"
finish
