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

# held WHAT FIGURE [FROM TO]: a row of bounds.txt, measured; judged unless this run is too short for
# it. FROM, TO: the range of the single figures it is the median of.
held() {
  local at bound figure=$2${3:+ ($3 – ${4:-})}
  at=$(bound_of "$1" at) bound=$(bound_of "$1")
  echo "$1" >>"$work/held"
  if [[ $short && $(bound_of "$1" command) != *--short ]]; then
    echo "| $1 | $figure | not judged in a short run |"
  elif awk -v x="$2" -v b="$bound" -v at="$at" \
    'BEGIN { exit !(x ~ /^-?[0-9.]+$/ && (at == "least" ? x >= b : x <= b)) }'; then
    echo "| $1 | $figure | at $at $bound |"
    within=$((within + 1))
  else
    echo "| $1 | **$figure** | **not at $at $bound** |"
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

# middle: the median of the lines; with their range after it where there are several
middle() {
  sort -g | awk '{ v[NR] = $1 } END { printf "%.3f", v[int((NR + 1) / 2)]
    if (NR > 1) printf " %.2f %.2f", v[1], v[NR]; print "" }'
}

# paired A B: the ratio of the rates of two rows, round by round, each made beside the other
paired() {
  paste -d ' ' <(cut -d ' ' -f 1 "$work/$1") <(cut -d ' ' -f 1 "$work/$2") |
    awk '{ print $1 / ($2 + 1e-9) }' | middle
}

# paired_cpu A B: the same of the CPU time that a connection takes. It is what the rate is made of
# where all processors are busy, and what others take of them does not change it much.
paired_cpu() {
  paste -d ' ' "$work/$1" "$work/$2" | awk '{ print ($2 + $3) / ($5 + $6 + 1e-9) }' | middle
}
