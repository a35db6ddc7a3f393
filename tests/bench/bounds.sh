# shellcheck shell=bash
# What tspam is held to: bounds.txt, of which README's table is the first three columns. Who reads
# this has $work, a folder, and $short, set where only what repeats is judged.

bounds=${BASH_SOURCE[0]%/*}/bounds.txt
within=0 beyond=0 missing=0

# bound_of WHAT [at | command]: the number of that row's bound, whether it is the least or the
# most, what measures it
bound_of() {
  awk -F ' *[|] *' -v what="$1" -v word="${2:-number}" '
    /^#/ || $1 != what { next }
    { found = 1; n = split($3, w, " ")
      print word == "at" ? w[2] : word == "command" ? $4 : w[3] }
    END { exit !found }' "$bounds"
}

# rows_of COMMAND: what the rows are called that this command measures
rows_of() {
  awk -F ' *[|] *' -v command="$1" '!/^#/ && $4 == command { print $1 }' "$bounds"
}

# held WHAT FIGURE: a row of bounds.txt, measured; judged unless this run is too short for it
held() {
  local at bound
  at=$(bound_of "$1" at) bound=$(bound_of "$1")
  echo "$1" >>"$work/held"
  if [[ $short && $(bound_of "$1" command) != *--short ]]; then
    echo "| $1 | $2 | not judged in a short run |"
  elif awk -v x="$2" -v b="$bound" -v at="$at" \
    'BEGIN { exit !(x ~ /^-?[0-9.]+$/ && (at == "least" ? x >= b : x <= b)) }'; then
    echo "| $1 | $2 | at $at $bound |"
    within=$((within + 1))
  else
    echo "| $1 | **$2** | **not at $at $bound** |"
    beyond=$((beyond + 1))
  fi
}

# Every bound that this run is for was looked at.
look_for_unheld() {
  local what
  rows_of "tests/bench/run.sh --short" >"$work/to_hold"
  [[ $short ]] || rows_of tests/bench/run.sh >>"$work/to_hold"
  while read -r what; do
    grep -qxF -- "$what" "$work/held" && continue
    echo "no figure for $what"
    missing=$((missing + 1))
  done <"$work/to_hold"
}

# paired A B: the median of the ratios of two rows' rates, round by round
paired() {
  paste "$work/$1" "$work/$2" | awk -v second="$(awk '{ print NF + 1; exit }' "$work/$1")" '
    { print $1 / ($second + 1e-9) }' | sort -g |
    awk '{ v[NR] = $1 } END { printf "%.3f\n", v[int((NR + 1) / 2)] }'
}
