#!/usr/bin/env bash
# What tspam claims for speed beside the floor: even pacing on the wire, no port cliff, no
# collapse past saturation. Each in a loopback namespace of its own, client and server as two
# processes.
#   claims.sh [SCENARIO...]
source "$(dirname "$0")/../bed/lib.sh"
source "$(dirname "$0")/bounds.sh"

seconds=3
full && seconds=10
lo=$TESTBED-lo

# A fresh namespace: no TIME_WAIT of the claim before.
fresh() {
  local setting
  end_loopback
  ip netns add "$lo"
  ip -n "$lo" link set lo up
  for setting; do
    ip netns exec "$lo" sysctl -qw "$setting"
  done
  (exec ip netns exec "$lo" "$TSPAM" server -l 127.0.0.1 -p 2345 --quiet \
    --json "$work/server.json") >"$work/server.log" 2>&1 &
  server_pid=$!
  for ((i = 0; i < 250; i++)); do
    [[ -z $(ip netns exec "$lo" ss -Hltn 'sport = :2345') ]] || return 0
    sleep 0.02
  done
  echo "not ok - the server does not listen: $(cat "$work/server.log")"
  exit 1
}

end_loopback() {
  [[ -z $server_pid ]] || end_server
  server_pid=
  ip netns del "$lo" 2>/dev/null
}

# load NAME OPTION...: tspam rate inside -> $work/NAME.json
load() {
  local name=$1
  shift
  ip netns exec "$lo" "$TSPAM" rate -H 127.0.0.1 -p 2345 --json "$work/$name.json" --quiet "$@" \
    >"$work/$name.log" 2>&1
}

# held WHAT FIGURE: a row of bounds.txt
held() { "at_$(bound_of "$1" at)" "$1" "$2" "$(bound_of "$1")"; }

# Microseconds of CPU per connection, of the client's process.
cost() { figure "$1" '(cpu.user + cpu.system) / ok * 1e6'; }

# SYN times in the capture -> gap p50 (us), most SYNs within 50 us at p99.9
spacing() {
  tcpdump -r "$work/syn.pcap" -tt -n 2>/dev/null | awk '{
      t[++n] = $1
      while (t[n] - t[from + 1] > 50e-6) from++
      print int((n > 1 ? t[n] - t[n - 1] : 0) * 1e6 + 0.5), n - from
    }' >"$work/gaps"
  sort -n "$work/gaps" | awk '{ g[NR] = $1 } END { print g[int(NR / 2)] }'
  sort -n -k 2 "$work/gaps" | awk '{ b[NR] = $2 } END { print b[int(NR * 0.999)] }'
}

paced() {
  local dump
  fresh
  ip netns exec "$lo" tcpdump -i lo -w "$work/syn.pcap" -B 16384 \
    'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn' 2>/dev/null &
  dump=$!
  sleep 0.5
  load paced -r 4k -l "$seconds"
  sleep 0.2
  kill "$dump"
  wait "$dump" 2>/dev/null
}

# libev's own timer wakes in whole milliseconds: with it lag p50 is 0.5 ms and more, and SYNs
# leave by fours.
pacing() {
  local gap burst
  again time_lost paced
  { read -r gap; read -r burst; } < <(spacing)
  is "4,000/s: ok" "$(figure paced ok)" $((4000 * seconds))
  held "4,000/s: lag p50, ms" "$(figure paced 'phases.lag.p50 * 1e3')"
  held "4,000/s: lag p99, ms" "$(figure paced 'phases.lag.p99 * 1e3')"
  held "4,000/s on the wire: median gap between SYNs, off 250 us by" \
    "$(calc "$gap > 250 ? $gap - 250 : 250 - $gap")"
  held "4,000/s on the wire: SYNs within 50 us, p99.9" "$burst"
}

few_ports() {
  fresh net.ipv4.tcp_tw_reuse=0 net.ipv4.ip_local_port_range="1024 65023"
  load wide -r 3k -l "$seconds" --local-ports walk
  fresh net.ipv4.tcp_tw_reuse=0 net.ipv4.ip_local_port_range="20000 23999"
  load few -r 3k -l "$seconds"
  is "4,000 ports: ok" "$(figure few ok)" $((3000 * seconds))
  is "4,000 ports: who picked them" "$(figure few sources.picked_by)" tspam
  held "4,000 ports at 3,000/s: CPU per connection, of a wide range's" \
    "$(calc "$(cost few) / $(cost wide)")"
  fresh net.ipv4.tcp_tw_reuse=0 net.ipv4.ip_local_port_range="20000 23999"
  load kernel -r 3k -l "$seconds" --local-ports kernel
  held "4,000 ports at 3,000/s, the kernel's choice: ok, of due" "$(figure kernel 'ok / due')"
}

default_range() {
  fresh net.ipv4.tcp_tw_reuse=0 net.ipv4.ip_local_port_range="32768 60999"
  load default -r 10k -l $((2 * seconds))
  is "28,232 ports at 10,000/s: ok" "$(figure default ok)" $((20000 * seconds))
  is "28,232 ports at 10,000/s: shortest reuse is told" \
    "$(figure default 'sources.shortest_reuse > 0')" true
}

# The closed loop and twice its rate in turn, each time in a fresh namespace; the median of
# the ratios, since single runs differ by a tenth here.
overload() {
  local round ceiling
  for round in 1 2 3 4 5; do
    fresh
    load closed --concurrency 64 -l "$seconds"
    ceiling=$(figure closed completed)
    fresh
    load twice -r "$(calc "int(2 * $ceiling)")" -l "$seconds"
    calc "$(figure twice completed) / $ceiling" >>"$work/ratios"
    accounted twice
    at_most "asked 2 x the ceiling: the report comes, seconds after the end" \
      "$(calc "$(figure twice elapsed) - $seconds")" 2
  done
  held "asked twice the ceiling: completed, of the closed loop" \
    "$(sort -n "$work/ratios" | sed -n 3p)"
  end_server
  is "asked 2 x the ceiling: the server answered as many as were ok" \
    "$("$TSPAM" "$bed_dir/figure.lua" "$work/server.json" stats.answered)" "$(figure twice ok)"
  server_pid=
}

trap 'end_loopback; clean_up' EXIT
scenarios "pacing few_ports default_range overload" "" "$@"
finish
