# shellcheck shell=bash
# Part of testbed.sh: namespaces, cables, addresses, and the kernel settings of a bed.

set_in() { ip netns exec "$1" sysctl -qw "$2"; }

make_namespaces() {
  local name
  for name in "$client" "$router" "$server"; do
    ip netns add "$name"
    ip -n "$name" link set lo up
  done
}

# The built wire, else one compiled here: a bed can be used without a build of tspam.
# It runs as $run/wire, by which end_wires knows it.
fetch_wire() {
  [[ ! -e $run/wire ]] || return 0
  # Not there in most containers, or not to be opened.
  [[ -c /dev/net/tun ]] && (: <>/dev/net/tun) 2>/dev/null ||
    cannot "no /dev/net/tun: delay and loss are not to be had here"
  local built=${TSPAM_BUILD:+$TSPAM_BUILD/tests/bed/wire}
  if [[ -x ${built:-} ]]; then
    cp "$built" "$run/wire"
  else
    "${CC:-cc}" -std=c17 -D_GNU_SOURCE -O2 -o "$run/wire" "$here/wire.c"
  fi
}

# start_wire NAME END_A END_B DELAY_US LOSS_PPM SYN_LOSS_PPM SEED
start_wire() {
  local name=$1 i
  fetch_wire
  "$run/wire" -A "$2" -B "$3" -d "$4" -l "$5" -L "$6" -s "$7" -p "$run/wire-$name.pid" \
    </dev/null >/dev/null 2>"$run/wire-$name.log" &
  disown
  for ((i = 0; i < 100; i++)); do
    [[ ! -s $run/wire-$name.pid ]] || return 0
    sleep 0.02
  done
  die "the wire did not start: $(<"$run/wire-$name.log")"
}

# Client to router is a veth, router to server a veth or, with delay or loss, the wire.
make_cables() {
  case ${opt[fault]:-} in
    # On a veth an ICMP error arrives while connect() still holds the socket, and is
    # dropped: let it come a little later.
    portunreach* | hostunreach* | netunreach* | prohibited*)
      start_wire client "$client:c0" "$router:r0" 200 0 0 1
      ;;
    *) ip -n "$client" link add c0 type veth peer name r0 netns "$router" ;;
  esac
  local delay_us loss_ppm syn_ppm
  read -r delay_us loss_ppm syn_ppm < <(
    awk -v d="${opt[delay]}" -v l="${opt[loss]}" -v s="${opt[syn-loss]}" \
      'BEGIN { printf "%d %d %d\n", d * 1e3 + 0.5, l * 1e4 + 0.5, s * 1e4 + 0.5 }'
  )
  if ((delay_us || loss_ppm || syn_ppm)); then
    start_wire server "$router:r1" "$server:s0" "$delay_us" "$loss_ppm" "$syn_ppm" "${opt[seed]}"
  else
    ip -n "$router" link add r1 type veth peer name s0 netns "$server"
  fi
}

# neighbours NS IF PEER_NS PEER_IF ADDR...: fixed entries, so no first packet waits for ARP
neighbours() {
  local ns=$1 dev=$2 mac address
  mac=$(ip netns exec "$3" cat "/sys/class/net/$4/address")
  shift 4
  for address; do
    ip -n "$ns" neigh replace "$address" lladdr "$mac" dev "$dev" nud permanent
  done
}

give_addresses() {
  local i
  for i in 2 3 4 5 6 7 8 9; do
    ip -n "$client" addr add "198.18.0.$i/24" dev c0
    ip -n "$client" addr add "2001:2:0:1::$i/64" dev c0 nodad
  done
  ip -n "$router" addr add 198.18.0.1/24 dev r0
  ip -n "$router" addr add 2001:2:0:1::1/64 dev r0 nodad
  ip -n "$router" addr add 198.19.0.1/24 dev r1
  ip -n "$router" addr add 2001:2:0:2::1/64 dev r1 nodad
  ip -n "$server" addr add 198.19.0.2/24 dev s0
  ip -n "$server" addr add 2001:2:0:2::2/64 dev s0 nodad
  ip -n "$client" link set c0 up
  ip -n "$router" link set r0 up
  ip -n "$router" link set r1 up
  ip -n "$server" link set s0 up
  neighbours "$client" c0 "$router" r0 198.18.0.1 2001:2:0:1::1
  neighbours "$router" r0 "$client" c0 198.18.0.{2..9} 2001:2:0:1::{2..9}
  neighbours "$router" r1 "$server" s0 198.19.0.2 2001:2:0:2::2
  neighbours "$server" s0 "$router" r1 198.19.0.1 2001:2:0:2::1
  ip -n "$client" route add default via 198.18.0.1
  ip -n "$client" -6 route add default via 2001:2:0:1::1
  if [[ -n ${opt[no-nat]:-} ]]; then # behind NAT the server has no way back but the router
    ip -n "$server" route add default via 198.19.0.1
    ip -n "$server" -6 route add default via 2001:2:0:2::1
  fi
}

# A namespace takes over the machine's figures: pin those a result depends on.
pin_settings() {
  local name setting
  set_in "$router" net.ipv4.ip_forward=1
  set_in "$router" net.ipv6.conf.all.forwarding=1
  # else one ICMP error a second to a host, after six, and most refusals look like silence
  set_in "$router" net.ipv4.icmp_ratelimit=0
  set_in "$router" net.ipv6.icmp.ratelimit=0
  for name in "$client" "$router" "$server"; do
    for setting in "ip_local_port_range=1024 65535" tcp_max_syn_backlog=65535 tcp_syncookies=1 \
      tcp_syn_retries=6 tcp_synack_retries=5 tcp_tw_reuse=1 tcp_timestamps=1; do
      set_in "$name" "net.ipv4.$setting"
    done
    set_in "$name" net.core.somaxconn=65535
    for setting in tcp_syn_linear_timeouts=4 tcp_tw_reuse_delay=1000; do # newer kernels only
      [[ ! -e /proc/sys/net/ipv4/${setting%=*} ]] || set_in "$name" "net.ipv4.$setting"
    done
  done
}

# wait_gone SECONDS/50 COMMAND...: until COMMAND fails or prints nothing
wait_gone() {
  local i tries=$1
  shift
  for ((i = 0; i < tries; i++)); do
    [[ -n $("$@" 2>/dev/null) ]] || return 0
    sleep 0.02
  done
}

end_wires() {
  local file pid
  for file in "$run"/wire-*.pid; do
    [[ -s $file ]] || continue
    pid=$(<"$file")
    # only if that pid is still this bed's wire
    [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == "$run/wire"* ]] || continue
    kill -TERM "$pid" 2>/dev/null || true
    wait_gone 50 readlink "/proc/$pid/exe"
  done
}

# What still runs in the bed's namespaces was started there: it ends with the bed.
end_namespaces() {
  local name pid signal
  for name in "$client" "$router" "$server"; do
    [[ -e /run/netns/$name ]] || continue
    for signal in TERM KILL; do
      for pid in $(ip netns pids "$name" 2>/dev/null); do
        kill "-$signal" "$pid" 2>/dev/null || true
        kill -CONT "$pid" 2>/dev/null || true # a stopped one does not hear TERM
      done
      wait_gone 50 ip netns pids "$name"
    done
    ip netns del "$name"
  done
}
