#!/usr/bin/env bash
# Which addresses are this machine's own. Routing says it, not bind: that says "in use" of an
# address whose ports all are in TIME_WAIT, and yes to any address with ip_nonlocal_bind=1.
source "$(dirname "$0")/lib.sh"

ports=20000-20199

# The kernel's whole range is what the walk goes over.
small_range() {
  bed_up
  bed exec client sysctl -qw net.ipv4.ip_local_port_range="${ports/-/ }"
  serve
}

# A second server, in the client's namespace, with a queue that is soon full.
serve_own() {
  (in_client "$TSPAM" server -l 0.0.0.0 -l :: -p 2345 --backlog 1 --quiet) >"$work/own.log" 2>&1 &
  own_pid=$!
  local i
  for ((i = 0; i < 250; i++)); do
    [[ -z $(bed exec client ss -Hltn "sport = :2345") ]] || return 0
    sleep 0.02
  done
  no "the server in the client's namespace does not listen: $(cat "$work/own.log")"
}

# both_ends HOST: whether tspam doctor counts on this machine's being both ends
both_ends() {
  if bed exec client "$TSPAM" doctor -H "$1" -p 2345 -r 100 -l 1 | grep -q "both ends"; then
    echo yes
  else
    echo no
  fi
}

second_walk() {
  local round
  for round in first second; do
    rate "$round" -H "$2" -I "$3" --local-ports $ports -r 400 -l 1
    is "a walk over the whole range of one address, $1, the $round within a minute: ok" \
      "$(figure "$round" ok)" 400
  done
}

walked_loopback() {
  rate loopback -H "$2" --local-ports $ports -r 400 -l 1
  is "every port of $2 was used: ok" "$(figure loopback ok)" 400
  is "after a walk over every port of it, $1 loopback is both ends" "$(both_ends "$2")" yes
  kill -STOP "$own_pid"
  rate queue -H "$2" --local-ports $ports -r 100 -l 1 -t 0.3
  kill -CONT "$own_pid"
  matches "  and a full queue there is this machine's" "$(figure queue 'text(reasons)')" \
    "own listen queue"
}

# Strangers' refused handshakes, in this namespace, while another machine is the target.
nonlocal_bind() {
  bed exec client sysctl -qw net.ipv4.ip_nonlocal_bind=1 net.ipv6.ip_nonlocal_bind=1
  is "with ip_nonlocal_bind=1 another machine is not this one, IPv4" "$(both_ends "$server4")" no
  is "  and IPv6" "$(both_ends "$server6")" no
  is "  and this machine is, IPv4" "$(both_ends 127.0.0.1)" yes
  is "  and IPv6" "$(both_ends 2001:2:0:1::3)" yes
  kill -STOP "$own_pid"
  start_rate remote -H "$server4" -r 100 -l 2
  local remote_pid=$!
  rate strangers -H 127.0.0.1 -r 100 -l 1 -t 0.3
  kill -CONT "$own_pid"
  wait "$remote_pid"
  at_least "handshakes that a server here let drop meanwhile" \
    "$(figure remote 'counters.TcpExtListenDrops')" 1
  is "  are no reason against it: ok" "$(figure remote ok)" 200
  is "  nor in its verdict" "$(figure remote 'text(reasons):find("own listen queue")')" nil
  can_start -I 198.18.7.7
  is "  and a source that is not this machine's may be bound: exit status" $? 0
}

# can_start OPTION...: whether tspam doctor takes them
can_start() { bed exec client "$TSPAM" doctor -H "$server4" -r 1 -l 1 "$@" >/dev/null 2>&1; }

small_range
serve_own
second_walk IPv4 "$server4" 198.18.0.3
second_walk IPv6 "$server6" 2001:2:0:1::3
walked_loopback IPv4 127.0.0.1
walked_loopback IPv6 ::1

can_start -I 198.18.7.7
is "a source that is not this machine's is refused: exit status" $? 1
bed exec client ip route add local 10.79.0.0/24 dev lo
can_start -I 10.79.0.1-9
is "one of a block that was routed here is not: exit status" $? 0
is "  and as a target it is this machine" "$(both_ends 10.79.0.9)" yes
nonlocal_bind
finish
