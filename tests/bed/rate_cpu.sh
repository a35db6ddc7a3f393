#!/usr/bin/env bash
# G16: nothing limits but this machine. A rate it cannot carry is its own limit: every
# connection accounted for, the report at once, the verdict invalid and the reason named.
source "$(dirname "$0")/lib.sh"

seconds=0.5
full && seconds=10

over() {
  local what="over the ceiling, $1"
  rate over -H "$2" -r 200k -l "$seconds" -t 0.9
  is "$what: exit status" "$status" 4
  accounted over
  is "$what: verdict" "$(figure over verdict)" invalid
  matches "$what: the reason" "$(figure over 'text(reasons)')" "late|started|processor|CPU"
  at_most "$what: the report comes within, s" \
    "$(figure over elapsed)" "$(calc "$seconds + 4")"
}

# A bed of its own, so that its counts are those of one run.
closed_loop() {
  local what="closed loop, $1"
  bed_up
  serve
  rate closed -H "$2" --concurrency 64 -l "$seconds"
  accounted closed
  is "$what: nothing is due that was not started" "$(figure closed 'due == started')" true
  is "$what: no lag" "$(figure closed 'phases.lag == nil')" true
  at_most "$what: open at once" "$(figure closed open_max)" 64
  matches "$what: a verdict" "$(figure closed verdict)" "^(valid|invalid)$"
  [[ $(figure closed verdict) == valid ]] ||
    matches "$what: the reason is this machine" "$(figure closed 'text(reasons)')" \
      "processor|CPU|late wake-ups"
  agree "$what" "$(figure closed ok)"
}

bed_up
serve
over IPv4 "$server4"
over IPv6 "$server6"
closed_loop IPv4 "$server4"
closed_loop IPv6 "$server6"
finish
