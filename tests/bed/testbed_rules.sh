# shellcheck shell=bash
# Part of testbed.sh: the router's nft rules, written to stdout.
# A bare SYN from the client's side runs through chain limits; every limit that meets it
# counts it under its own name, and what is left ends in chain pass.

# What becomes of a connection over a limit.
verdict() { [[ -n ${opt[reject]:-} ]] && echo "reject with tcp reset" || echo drop; }

icmp_type() {
  case $1 in
    portunreach) echo port-unreachable ;;
    hostunreach) echo host-unreachable ;;
    netunreach) echo no-route ;;
    prohibited) echo admin-prohibited ;;
  esac
}

# The rule that picks PCT of 100 SYNs and what it does to them.
fault_rule() {
  local kind=${opt[fault]%%:*} percent=100 hit=
  [[ ${opt[fault]} != *:* ]] || percent=${opt[fault]##*:}
  ((percent == 100)) || hit="numgen inc mod 100 < $percent"
  case $kind in
    refuse) echo "$hit counter name faulted reject with tcp reset" ;;
    portunreach | hostunreach | netunreach | prohibited)
      echo "$hit counter name faulted reject with icmpx type $(icmp_type "$kind")"
      ;;
    blackhole) echo "$hit counter name faulted drop" ;;
    rst-data | blackhole-data) echo "$hit counter name faulted ct mark set 1" ;;
    *) die "unknown fault '$kind'" ;;
  esac
}

# What meets the later packets of a connection that fault_rule marked.
fault_data_rule() {
  case ${opt[fault]:-} in
    rst-data*) echo "ct mark 1 iifname r0 tcp flags & (fin|psh) != 0x0 reject with tcp reset" ;;
    blackhole-data*) echo "ct mark 1 tcp flags & (fin|psh) != 0x0 drop" ;;
  esac
}

flow_sets() {
  local size=${opt[flow-table]%%:*} ttl=120 family type
  [[ ${opt[flow-table]} != *:* ]] || ttl=${opt[flow-table]##*:}
  for family in ipv4 ipv6; do
    type="${family}_addr . inet_service . inet_service"
    echo "set flows_$family { type $type; size $size; flags dynamic,timeout;" \
      "timeout ${ttl}s; gc-interval 10ms; }"
  done
}

flow_rules() {
  echo "meta nfproto ipv4 ct state new add @flows_ipv4 { ip saddr . tcp sport . tcp dport }" \
    "counter name tbl_in goto pass"
  echo "meta nfproto ipv6 ct state new add @flows_ipv6 { ip6 saddr . tcp sport . tcp dport }" \
    "counter name tbl_in goto pass"
  echo "ct state new counter name tbl_full $(verdict)"
}

rate_rule() {
  local rate=${opt[new-rate]%/s} burst
  burst=${opt[burst]:-$((rate / 10 > 5 ? rate / 10 : 5))}
  echo "ct state new limit rate over $rate/second burst $burst packets" \
    "counter name rate_over $(verdict)"
}

limit_rules() {
  [[ -z ${opt[fault]:-} ]] || fault_rule
  [[ -z ${opt[flow-table]:-} ]] || flow_rules
  [[ -z ${opt[conn-limit]:-} ]] ||
    echo "ct state new ct count over ${opt[conn-limit]} counter name conn_over $(verdict)"
  [[ -z ${opt[new-rate]:-} ]] || rate_rule
}

write_rules() {
  local counter
  echo "table inet bed {"
  for counter in syn_seen syn_passed rate_over conn_over tbl_in tbl_full faulted; do
    echo "counter $counter { }"
  done
  [[ -z ${opt[flow-table]:-} ]] || flow_sets
  echo "chain pass { counter name syn_passed accept; }"
  echo "chain limits { counter name syn_seen"
  limit_rules
  echo "goto pass"
  echo "}"
  # "ct state" is what makes the kernel track connections: it stays even with no limit
  echo "chain forward { type filter hook forward priority filter; policy accept;"
  fault_data_rule
  echo "ct state established,related accept"
  echo "iifname r0 tcp flags & (fin|syn|rst|ack) == syn goto limits"
  echo "}"
  [[ -n ${opt[no-nat]:-} ]] || echo "chain post { type nat hook postrouting priority srcnat;" \
    "policy accept; oifname r1 masquerade; }"
  echo "}"
}
