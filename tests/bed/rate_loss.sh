#!/usr/bin/env bash
# G2: 7 % of the SYNs lost. G3: 2 % of all packets lost, behind a delay. The share of
# connections that show it is arithmetic; the median stays where it was.
source "$(dirname "$0")/lib.sh"

seconds=3
full && seconds=20

lost_syns() {
  local family=$1 host=$2 due=$((500 * seconds))
  bed_up --syn-loss 7 --delay 2
  serve
  rate syn_loss -H "$host" -r 500 -l "$seconds"
  accounted syn_loss
  is "G2 $family: ok" "$(figure syn_loss ok)" "$due"
  is_share "G2 $family: retransmitted" "$(figure syn_loss retransmitted)" "$due" 0.07
  near "G2 $family: service p50 as without loss, ms" \
    "$(figure syn_loss 'phases.service.p50 * 1e3')" 8 1
  at_least "G2 $family: a lost SYN costs its second: p99, s" \
    "$(figure syn_loss phases.service.p99)" 1
}

# Six packets matter where both sides send content: SYN, SYN-ACK, request, its FIN,
# answer, its FIN. A second and more costs only the loss of one of the first two.
lost_packets() {
  local due=$((300 * seconds))
  bed_up --loss 2 --delay 5
  serve -c <(printf pong)
  bed exec client "$TSPAM" "$bed_dir/shares.lua" "$server4" 300 "$seconds" 0.0235 "$work/loss.json"
  is "G3: ok" "$(figure loss ok)" "$due"
  is_share "G3: slowed" "$(figure loss slowed)" "$due" "$(calc '1 - 0.98^6')"
  is_share "G3: a second and more" "$(figure loss second)" "$due" "$(calc '1 - 0.98^2')"
  near "G3: service p50 as without loss, ms" "$(figure loss 'p50 * 1e3')" 20 1
}

lost_syns IPv4 "$server4"
full && lost_syns IPv6 "$server6"
lost_packets
finish
