# shellcheck shell=bash
# What the scenarios of saturate, capacity and soak share, on top of lib.sh.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# tool NAME SCRIPT OPTION...: runs a script of tspam against the bed's server, its
# document in $work/NAME.json, its exit status in $status, its seconds in $took.
tool() {
  local name=$1 script=$2 begin=$SECONDS
  shift 2
  bed exec client "$TSPAM" "$script" -H "$server4" -p 2345 --json "$work/$name.json" --quiet "$@" \
    >"$work/$name.log" 2>&1
  status=$? took=$((SECONDS - begin))
  if [[ ! -s $work/$name.json ]]; then
    no "tspam $script $* wrote no result (exit $status): $(tail -n 3 "$work/$name.log")"
    echo '{}' >"$work/$name.json"
  fi
}

# saturate NAME OPTION...: a search with trials of 3 s, or of half of that where the
# figures may be small
saturate() {
  local name=$1 length=1.5
  shift
  full && length=3
  tool "$name" saturate --length "$length" --cooldown 0.2 --no-calibrate "$@"
}

# within WHAT TRUTH PERCENT: the answer of the search s, and that it is the target's
within() {
  local answer
  answer=$(figure s answer.rate)
  check "$1: the rate" "$answer" "x >= $2 * (1 - $3 / 100) && x <= $2 * (1 + $3 / 100)" \
    "want $(calc "$2") +- $3 %, interval $(figure s answer.lower) .. $(figure s answer.upper)"
  is "$1: limited by" "$(figure s answer.limited_by)" target
  is "$1: exit status" "$status" 0
  at_most "$1: seconds" "$took" 90
}

# kind WHAT KIND [FIELD TRUTH]: the kind of limit that the search s tells, and a figure of it,
# within 5 %, or by one where it is a small count.
kind() {
  is "$1: kind of limit" "$(figure s answer.limit.kind)" "$2"
  (($# < 3)) || near "$1: $3" "$(figure s "answer.limit.$3")" "$4" \
    "$(calc "$4 * 0.05 < 1 && $4 > 1 ? 1 : $4 * 0.05")"
}

# repeated N COMMAND...: N times where the full figures are asked for, else once. The dice of
# a bed have the same seed each time, so that what it loses is the same in each short run.
repeated() {
  local n=$1 i
  shift
  full || n=1
  for ((i = 0; i < n; i++)); do
    "$@"
  done
}
