# shellcheck shell=bash
# Part of testbed.sh: what the middlebox and both ends counted, one "name value" a line.
# Listing the conntrack table reaps its expired entries: no stats during a conntrack run.

nft_counters() {
  in_router nft list counters table inet bed |
    awk '/counter/ { name = $2 } /packets/ { print "nft." name, $2 }'
}

conntrack_counts() {
  echo "ct.count $(in_router cat /proc/sys/net/netfilter/nf_conntrack_count)"
  echo "ct.max $(in_router cat "$max_file")"
  command -v conntrack >/dev/null || return 0
  in_router conntrack -S | tr ' \t' '\n\n' |
    awk -F= '/=/ && $1 != "cpu" { sum[$1] += $2 } END { for (k in sum) print "ct." k, sum[k] }' |
    sort
  in_router conntrack -L -p tcp 2>/dev/null |
    awk '{ sum[$4]++ } END { for (k in sum) print "ct.state." k, sum[k] }' | sort
}

# tcp_counts HOST NAMESPACE: the kernel's own figures, straight from /proc
tcp_counts() {
  local wanted="ActiveOpens PassiveOpens AttemptFails EstabResets RetransSegs OutRsts \
TCPSynRetrans ListenOverflows ListenDrops TCPTimeouts TCPLossProbes TCPReqQFullDoCookies \
TCPReqQFullDrop SyncookiesSent TCPTimeWaitOverflow TW TWRecycled TCPAbortOnData \
TCPAbortOnMemory TCPAbortFailed"
  ip netns exec "$2" cat /proc/net/snmp /proc/net/netstat |
    awk -v host="$1" -v wanted="$wanted" '
      BEGIN { split(wanted, list, " "); for (i in list) want[list[i]] = 1 }
      $1 != "Tcp:" && $1 != "TcpExt:" { next }
      last == $1 { for (i = 2; i <= NF; i++) if (name[i] in want)
                     print host "." substr($1, 1, length($1) - 1) name[i], $i; last = ""; next }
      { for (i = 2; i <= NF; i++) name[i] = $i; last = $1 }'
  ip netns exec "$2" awk -v host="$1" '/^TCP:/ {
    print host ".sock.inuse", $3; print host ".sock.orphan", $5; print host ".sock.tw", $7 }' \
    /proc/net/sockstat
}

# The wire to the server prints its counts on SIGUSR1, a line per direction.
wire_counts() {
  [[ -s $run/wire-server.pid ]] || return 0
  local before i
  before=$(wc -l <"$run/wire-server.log")
  kill -USR1 "$(<"$run/wire-server.pid")"
  for ((i = 0; i < 200 && $(wc -l <"$run/wire-server.log") < before + 2; i++)); do
    sleep 0.01
  done
  tail -n 2 "$run/wire-server.log" |
    awk '{ for (i = 3; i <= NF; i++) { split($i, p, "="); print "wire." $2 "." p[1], p[2] } }'
}

print_stats() {
  nft_counters
  conntrack_counts
  tcp_counts client "$client"
  tcp_counts server "$server"
  wire_counts
}
