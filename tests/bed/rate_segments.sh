#!/usr/bin/env bash
# What is on the wire: data and FIN in segments of their own, unless --coalesce-fin lets them
# share one; counted by the client host's own TCP. And no send for nothing: behind a delay
# the request leaves in the first call, once the connection is up.
source "$(dirname "$0")/lib.sh"

command -v strace >/dev/null || skip "the calls are counted by strace"
bed_up
head -c 68 /dev/zero >"$work/request"
head -c 1000 /dev/zero >"$work/answer"

# segments NAME OPTION...: 200 exchanges -> segments sent by the client, per connection
segments() {
  rate "$@" -r 200 -l 1 -c "$work/request" --expect 1000
  is "$1: ok" "$(figure "$1" ok)" 200
}

serve -c "$work/answer"
segments apart
segments together --coalesce-fin
end_server
serve -c "$work/answer" --coalesce-fin
segments both --coalesce-fin
at_most "request and FIN together: segments the client sends less, per connection" \
  "$(calc "$(figure together 'counters.TcpOutSegs / started') - $(
    figure apart 'counters.TcpOutSegs / started')")" -0.9
at_most "answer and FIN together too: segments the client gets less, per connection" \
  "$(calc "$(figure both 'counters.TcpInSegs / started') - $(
    figure together 'counters.TcpInSegs / started')")" -0.9

bed_up --delay 5
serve
bed exec client strace -f -qq -c -e trace=sendto -o "$work/calls" "$TSPAM" rate -H "$server4" \
  -p 2345 -r 100 -l 1 -c "$work/request" --json "$work/traced.json" --quiet >/dev/null 2>&1
is "behind a delay: ok" "$(figure traced ok)" 100
# A few of other kinds: names are looked up, the route is asked for.
at_most "behind a delay: sends" "$(awk '$NF == "sendto" { print $4 }' "$work/calls")" 110
finish
