#!/usr/bin/env bash
# A middlebox on one machine: client namespace, router (NAT, conntrack, limits), server.
#
#   testbed.sh up [OPTION...]                     see below; 77: not to be had on this machine
#   testbed.sh exec client|router|server CMD...   run CMD there; its exit status is CMD's
#   testbed.sh stats                              counts, one "name value" a line
#   testbed.sh mark                               zero the nft counters
#   testbed.sh addr client|router|server          the IPv4 address of that host
#   testbed.sh down                               remove all, restore what was global
#
# TESTBED=name (default "bed") picks a bed: several can be up at once.
#   --new-rate N        token bucket: at most N new connections a second, else SYN dropped
#   --burst N           the bucket's size (default N/10, 100 ms worth)
#   --reject            past the limit answer RST instead of silence
#   --conn-limit N      at most N connections open at once (TIME_WAIT is not counted)
#   --flow-table N:T    a table of N entries, each kept T seconds (default 120) whatever
#                       becomes of the connection; full = SYN dropped. The bed's own
#   --conntrack-max N   the kernel's own table: ONE figure for the whole machine, which
#                       down puts back
#   --tw-timeout S      how long the router's conntrack keeps a TIME_WAIT entry
#   --delay MS          one way, each way: the RTT is 2 x MS, plus some 0.1 ms
#   --loss PCT          of all TCP packets; --syn-loss PCT of bare SYNs only
#   --seed N            of the loss
#   --bandwidth KBIT    the router's link to the server; --queue MS (default 200) at most
#   --no-nat            the router forwards and tracks, but does not translate
#   --fault KIND[:PCT]  PCT of each 100 new connections, counted off, not drawn, meet
#                       refuse (RST to the SYN), portunreach, hostunreach, netunreach,
#                       prohibited (ICMP), blackhole (SYN lost; a retransmit counts anew),
#                       rst-data (RST to the client's data), blackhole-data (all after
#                       the handshake lost)
# No cable ends in the machine's own namespace: nothing sent in a bed can leave it.
# Addresses: 198.18.0.0/15 and 2001:2::/48, set aside for benchmarks (RFC 2544, RFC 5180).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bed=${TESTBED:-bed}
[[ $bed =~ ^[a-z0-9]{1,8}$ ]] || { echo "testbed: TESTBED must be 1 to 8 of a-z0-9" >&2; exit 2; }
run=/run/tspam-testbed/$bed
client=tsb-$bed-client router=tsb-$bed-router server=tsb-$bed-server
max_file=/proc/sys/net/netfilter/nf_conntrack_max

say() { echo "testbed: $*" >&2; }
die() { say "$*"; exit 1; }
cannot() { say "$*"; exit 77; }
in_router() { ip netns exec "$router" "$@"; }
is_up() { [[ -e $run/up ]]; }
need_up() { is_up || die "bed '$bed' is not up"; }

namespace_of() {
  case ${1:-} in
    client) echo "$client" ;;
    router) echo "$router" ;;
    server) echo "$server" ;;
    *) die "no host '${1:-}': client, router or server" ;;
  esac
}

# shellcheck source=tests/bed/testbed_net.sh
source "$here/testbed_net.sh"
# shellcheck source=tests/bed/testbed_rules.sh
source "$here/testbed_rules.sh"
# shellcheck source=tests/bed/testbed_stats.sh
source "$here/testbed_stats.sh"

# The options of up, by the name they have on the command line.
declare -A opt=([delay]=0 [loss]=0 [syn-loss]=0 [seed]=1 [queue]=200)

read_options() {
  while (($#)); do
    local name=${1#--}
    case $1 in
      --reject | --no-nat) opt[$name]=1 ;;
      --new-rate | --burst | --conn-limit | --flow-table | --conntrack-max | --tw-timeout | \
        --delay | --loss | --syn-loss | --seed | --bandwidth | --queue | --fault)
        (($# > 1)) || die "up: $1 needs a value"
        opt[$name]=$2
        shift
        ;;
      *) die "up: unknown option '$1'" ;;
    esac
    shift
  done
}

# nf_conntrack_max is read-only in a namespace on most kernels: set in the first one.
set_conntrack_max() {
  local held now
  for held in /run/tspam-testbed/*/global.max; do
    [[ ! -s $held ]] || die "nf_conntrack_max is held by $held: one such bed at a time"
  done
  if in_router sh -c "echo $1 >$max_file" 2>/dev/null; then
    return
  fi
  now=$(<"$max_file")
  echo "$now $1" >"$run/global.max"
  echo "$1" >"$max_file"
}

# Puts the machine's figure back, if it is still the one this bed set.
restore_conntrack_max() {
  local was ours
  [[ -s $run/global.max ]] || return 0
  read -r was ours <"$run/global.max"
  [[ $(<"$max_file") != "$ours" ]] || echo "$was" >"$max_file"
}

up() {
  read_options "$@"
  ((EUID == 0)) || die "needs root"
  local tool
  for tool in ip nft sysctl; do
    command -v "$tool" >/dev/null || die "needs $tool (apt-get install iproute2 nftables procps)"
  done
  down
  mkdir -p "$run"
  trap 'rc=$?; ((rc == 0)) || { say "up failed: taking it down"; down; }; exit $rc' EXIT
  make_namespaces
  make_cables
  give_addresses
  pin_settings
  [[ -z ${opt[bandwidth]:-} ]] || in_router tc qdisc add dev r1 root tbf \
    rate "${opt[bandwidth]}kbit" burst 3200 latency "${opt[queue]}ms"
  write_rules >"$run/rules.nft"
  in_router nft -f "$run/rules.nft"
  [[ -z ${opt[tw-timeout]:-} ]] ||
    set_in "$router" "net.netfilter.nf_conntrack_tcp_timeout_time_wait=${opt[tw-timeout]}"
  [[ -z ${opt[conntrack-max]:-} ]] || set_conntrack_max "${opt[conntrack-max]}"
  : >"$run/up"
  trap - EXIT
}

down() {
  end_wires
  end_namespaces
  restore_conntrack_max
  rm -rf "$run"
}

address_of() {
  case ${1:-} in
    client) echo 198.18.0.2 ;;
    router) echo 198.19.0.1 ;;
    server) echo 198.19.0.2 ;;
    *) die "addr client|router|server" ;;
  esac
}

verb=${1:-}
shift || true
case $verb in
  up) up "$@" ;;
  down) down ;;
  exec)
    need_up
    name=$(namespace_of "${1:-}")
    shift
    exec ip netns exec "$name" "$@"
    ;;
  stats) need_up && print_stats ;;
  mark) need_up && in_router nft reset counters table inet bed >/dev/null ;;
  addr) address_of "${1:-}" ;;
  *)
    sed -n '2,/^set -e/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//' >&2
    exit 2
    ;;
esac
