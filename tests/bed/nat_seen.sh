#!/usr/bin/env bash
# What --nat says of a NAT is what the router's own connection tracking says: one source,
# two sources that want the same ports, many outside addresses, and no NAT at all.
source "$(dirname "$0")/lib.sh"

[[ -r /proc/net/nf_conntrack ]] || skip "the kernel does not list its connection tracking"

# tracked FAMILY LO HI WHAT: of the router's entries with inside ports LO to HI: how many
# there are, how many kept their port, how many outside addresses they have.
tracked() {
  local want=(-v family="$1" -v lo="$2" -v hi="$3" -v what="$4")
  bed exec router cat /proc/net/nf_conntrack | awk "${want[@]}" '
    function port(field) { return substr(field, index(field, "=") + 1) + 0 }
    $1 == family && $3 == "tcp" && port($9) >= lo && port($9) <= hi {
      n["entries"]++
      if (port($9) == port($14)) n["preserved"]++
      if (!seen[$12]++) n["outsides"]++
    }
    END { print n[what] + 0 }'
}

# seen NAME DUE OPTION...: a run of which every connection is good and told of. Two workers
# share the ports evenly: no tuple is used twice, so the router has an entry for each.
seen() {
  local name=$1 due=$2
  shift 2
  rate "$name" -r 400 --count "$due" -w 2 -c <(printf ping) --expect 4 --nat "$@"
  accounted "$name"
  is "$name: ok" "$(figure "$name" ok)" "$due"
  is "$name: reported" "$(figure "$name" nat.reported)" "$due"
  is "$name: unreported, unlisted, uncompared" \
    "$(figure "$name" 'nat.unreported + nat.unlisted + nat.uncompared')" 0
  is "$name: collisions" "$(figure "$name" nat.collisions)" 0
}

# as_tracked NAME FAMILY LO HI: the router says the same. A port in TIME_WAIT that it gives to
# another source (Linux does, when it meets one in its search) costs the table an entry.
as_tracked() {
  local name=$1 reused
  shift
  reused=$(figure "$name" nat.reused)
  is "$name: translated less reused, as the router tracked" \
    "$(figure "$name" 'nat.connections_translated - nat.reused')" "$(tracked "$@" entries)"
  near "$name: ports preserved, as the router tracked" \
    "$(figure "$name" 'math.floor(nat.ports_preserved * ok + 0.5)')" "$(tracked "$@" preserved)" \
    "$reused"
  is "$name: outside addresses, as the router tracked" \
    "$(figure "$name" nat.outside_count)" "$(tracked "$@" outsides)"
}

# One source keeps its ports. Two that want the same: the second to come must take another,
# and now and then a port so taken is one that a later connection would have kept.
masquerade() {
  local family=$1 name=$2 host=$3 outside=$4 sources=$5
  seen "$name" 300 -H "$host" --local-ports 30000-30299
  is "$name: translated" "$(figure "$name" nat.translated)" true
  is "$name: the outside address" "$(figure "$name" 'text(nat.outside_addresses)')" "$outside"
  is "$name: share of ports preserved" "$(figure "$name" 'nat.ports_preserved == 1')" true
  is "$name: reused" "$(figure "$name" nat.reused)" 0
  as_tracked "$name" "$family" 30000 30299
  seen "$name, two sources" 400 -H "$host" -I "$sources" --local-ports 20000-20199
  is "$name, two sources: the outside address" \
    "$(figure "$name, two sources" 'text(nat.outside_addresses)')" "$outside"
  near "$name, two sources: share of ports preserved" \
    "$(figure "$name, two sources" nat.ports_preserved)" 0.5 0.02
  as_tracked "$name, two sources" "$family" 20000 20199
}

# 64 sources over a pool of 32 outside addresses; which it uses is the router's hash.
pool() {
  local i
  for i in {100..163}; do echo "addr add 198.18.0.$i/24 dev c0"; done |
    bed exec client ip -batch -
  bed exec server ip route add 198.19.0.96/27 via 198.19.0.1
  bed exec router nft "flush chain inet bed post; add rule inet bed post oifname r1 \
    snat ip to 198.19.0.96-198.19.0.127"
  seen pool 320 -I 198.18.0.100-198.18.0.163 --local-ports 40000-40007
  check "pool: outside addresses" "$(figure pool nat.outside_count)" "x > 16 && x <= 32" \
    "more than 16 of 32"
  is "pool: all of them are listed" \
    "$(figure pool '#nat.outside_addresses == nat.outside_count')" true
  as_tracked pool ipv4 40000 40007
}

no_nat() {
  local name=$1 host=$2 inside=$3
  seen "$name" 200 -H "$host"
  is "$name: translated" "$(figure "$name" nat.translated)" false
  is "$name: connections translated" "$(figure "$name" nat.connections_translated)" 0
  is "$name: reused" "$(figure "$name" nat.reused)" 0
  is "$name: no share of ports" "$(figure "$name" nat.ports_preserved)" nil
  is "$name: the address seen is our own" \
    "$(figure "$name" 'text(nat.outside_addresses)')" "$inside"
}

bed_up
serve -c <(printf pong) --report-peer
masquerade ipv4 IPv4 "$server4" 198.19.0.1 198.18.0.2-198.18.0.3
masquerade ipv6 IPv6 "$server6" 2001:2:0:2::1 2001:2:0:1::2-2001:2:0:1::3
pool
end_server
bed_up --no-nat
serve -c <(printf pong) --report-peer
no_nat "IPv4 without NAT" "$server4" 198.18.0.2
no_nat "IPv6 without NAT" "$server6" "$(bed exec client ip -6 route get "$server6" |
  sed -n 's/.* src \([^ ]*\).*/\1/p')"
finish
