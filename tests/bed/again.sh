# shellcheck shell=bash
# A second run, and who may ask for it: a witness that takes no part. The machine is shared, and
# for tens of milliseconds all of it may stand still: what happened then is no truth about the
# cable. What a run says of itself, or what a test wants of it, never asks for another: a tool
# that is always late, or wrong one time in three, would pass.
#
#   again 'held_up 5' over timeout/connect "$server4"
#   is "..." ...                       # after it, and once
#
# Wants $probe and $work.

watch() {
  local i
  : >"$work/witness"
  nice -n -20 "$probe" witness >>"$work/witness" 2>"$work/witness.log" &
  witness_pid=$!
  for ((i = 0; i < 500; i++)); do
    [[ ! -s $work/witness ]] || return 0
    sleep 0.01
  done
}

# What it saw: $longest, the ms of the latest wake-up, and $lost, the percent of the time that
# went with wake-ups more than 8 ms late.
testify() {
  kill -TERM "$witness_pid"
  wait "$witness_pid"
  witness_pid=
  read -r longest lost < <(tail -n 1 "$work/witness")
  [[ ${lost:-} =~ ^[0-9.]+$ ]] && return
  echo "not ok - the witness says nothing: $(<"$work/witness.log")"
  exit 1
}

# held_up MS: somebody had to wait for that long, which shows in an exact count.
held_up() { awk "BEGIN { exit !($longest > $1) }"; }

# From one percent on a run is invalid for its own lateness, and rightly so.
time_lost() { awk "BEGIN { exit !($lost > 0.5) }"; }

# again WITNESS COMMAND...: runs the command; once more while the witness objects, five times in
# all, and the last is judged as it is. The command leaves figures, and asserts nothing that
# another run could answer.
again() {
  local witness=$1 try
  shift
  for try in 1 2 3 4 5; do
    watch
    "$@"
    testify
    $witness || return 0
    echo "# run $try of 5: up to $longest ms late, $lost % of the time lost ($witness): $*"
    ((try == 5)) || sleep "$try"
  done
}
