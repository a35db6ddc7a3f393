#!/usr/bin/env bash
# The judges of these scenarios, judged: who may ask for another run, and what counts as passed.
source "$(dirname "$0")/lib.sh"

# pretend LONGEST LOST: what a witness says from now on
pretend() {
  printf '#!/bin/bash\ntrap "echo %s; exit 0" TERM\necho watching\nwhile :; do sleep 0.02; done\n' \
    "$*" >"$work/pretender"
  chmod +x "$work/pretender"
  probe=$work/pretender
}

# The pauses between runs are not waited for.
sleep() { command sleep 0.02; }

a_run() { echo run >>"$work/runs"; }

# runs WITNESS: how often a command runs under it, which says its figures were wrong each time
runs() {
  : >"$work/runs"
  again "$1" a_run >"$work/said"
  wc -l <"$work/runs"
}

# apart COMMAND...: in a shell of its own -> its exit status, passed and failed
apart() {
  (
    passed=0 failed=0
    trap 'echo "$? $passed $failed" >&3' EXIT
    "$@" >/dev/null
  ) 3>&1
}

pretend 3.9 0.4
is "nobody was held up: runs" "$(runs 'held_up 4') $(runs time_lost)" "1 1"
is "  of which nothing is said" "$(<"$work/said")" ""
pretend 4.1 0
is "4.1 ms are more than 4, and no time: runs" "$(runs 'held_up 4') $(runs time_lost)" "5 1"
pretend 30 0.6
is "the machine stood still each time: runs" "$(runs time_lost)" 5
is "  each of which is printed" "$(grep -c '^# run [1-5] of 5: .*0\.6 % .*: a_run$' "$work/said")" 5
pretend "" ""
is "a witness that says nothing fails the test" "$(apart again time_lost a_run)" "1 0 0"

late() {
  echo '{"runs":[{"verdict":"invalid","reasons":[{"limit":"generator","what":"late wake-ups",
    "text":"late wake-ups: for 9 % of the run"}]}]}' >"$work/late.json"
  valid late
}
matches "a run that says of itself that it was late is not valid" "$(apart late)" \
  "^[0-9]+ 0 [1-9]"

skip_after() {
  "$@"
  skip "there is no such tool"
}
is "a skip before any check: status, passed, failed" "$(apart skip "no tool")" "77 0 0"
is "a skip does not hide a check that failed" "$(apart skip_after no "a check")" "1 0 2"
is "nor does it pass for the checks that follow" "$(apart skip_after yes "a check")" "1 1 1"
is "a test that checked nothing has not passed" "$(apart finish)" "1 0 0"
is "a check that passed is enough" "$(apart eval 'yes "a check"; finish')" "0 1 0"
finish
