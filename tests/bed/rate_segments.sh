#!/usr/bin/env bash
# What is on the wire: data and FIN in segments of their own, unless --coalesce-fin lets them
# share one; counted by the client host's own TCP.
source "$(dirname "$0")/lib.sh"

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
finish
