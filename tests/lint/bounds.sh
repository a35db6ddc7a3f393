#!/usr/bin/env bash
# What the bench holds tspam to is held: a figure past its bound, one that is none, and a bound that
# nothing was measured for are each found; the ratio of two series is taken pair by pair.
set -uo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 short=
source "$(dirname "$0")/../bench/bounds.sh"
bounds=$work/bounds.txt
cat >"$bounds" <<'END'
# WHAT | FIGURE | BOUND | MEASURED BY

calls | 17 | at most 17.5 | tests/bench/run.sh --short
ratio | 1.02 | at least 0.9 | tests/bench/run.sh
END

# counts WHAT WITHIN BEYOND MISSING: how often it was so until now
counts() {
  if [[ "$within $beyond $missing" == "$2 $3 $4" ]]; then
    echo "ok - $1"
    passed=$((passed + 1))
  else
    echo "not ok - $1: within, beyond, missing $within $beyond $missing, not $2 $3 $4"
    failed=$((failed + 1))
  fi
}

held calls 17.5
held ratio 0.9
held calls -0.4
counts "a figure at its bound is within it" 3 0 0
held calls 17.6
counts "one above the most is beyond it" 3 1 0
held ratio 0.89
counts "one below the least is beyond it" 3 2 0
held ratio ""
held calls nan
counts "what is no number is beyond it" 3 4 0
held nonsense 1
counts "what has no bound is beyond it" 3 5 0

rm "$work/held"
held calls 17
look_for_unheld
counts "a bound that nothing was measured for is missing" 4 5 1
short=1
look_for_unheld
counts "but not one that a short run is not for" 4 5 1
held ratio 0.5
counts "which is not judged there" 4 5 1

printf '%s 1 1\n' 10 100 90 >"$work/a"
printf '%s\n' 20 50 100 >"$work/b"
printf '1 %s\n' "2 2" "1 0" "3 2" >"$work/c"
within=$(paired a b)
counts "the median of ratios, pair by pair, is not the ratio of medians" "0.900 0.50 2.00" 5 1
within=$(paired_cpu a c)
counts "so is that of CPU per connection" "0.500 0.40 2.00" 5 1
echo "$passed passed, $failed failed"
((failed == 0))
