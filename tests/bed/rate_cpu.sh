#!/usr/bin/env bash
# G16: nothing limits but this machine. A rate it cannot carry is its own limit: every
# connection accounted for, the report at once, the verdict invalid and the reason named.
source "$(dirname "$0")/lib.sh"

seconds=1
full && seconds=10

bed_up
serve
rate over -r 200k -l "$seconds" -t 0.9
is "over the ceiling: exit status" "$status" 4
accounted over
is "over the ceiling: verdict" "$(figure over verdict)" invalid
matches "over the ceiling: the reason" "$(figure over 'text(reasons)')" "late|started|processor|CPU"
at_most "over the ceiling: the report comes within, s" \
  "$(figure over elapsed)" "$(calc "$seconds + 4")"

rate closed --concurrency 64 -l "$seconds"
accounted closed
is "closed loop: nothing is due that was not started" "$(figure closed 'due == started')" true
is "closed loop: no lag" "$(figure closed 'phases.lag == nil')" true
at_most "closed loop: open at once" "$(figure closed open_max)" 64
matches "closed loop: a verdict" "$(figure closed verdict)" "^(valid|invalid)$"
[[ $(figure closed verdict) == valid ]] ||
  matches "closed loop: the reason is the processor" "$(figure closed 'text(reasons)')" \
    "processor|CPU"
finish
