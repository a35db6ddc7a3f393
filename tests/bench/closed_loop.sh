# shellcheck shell=bash
# Part of run.sh: the closed loop of 64, floor and tspam in turn.

# row NAME CMD...: one measurement of one row
row() {
  local name=$1
  shift
  note_json "$name" "$(inside "$@")"
}

# The server in a process of its own: the client's report gets the server's CPU added.
two_processes() {
  local request=$1 answer=$2 out user sys done
  head -c "$answer" /dev/zero >"$work/answer"
  begin 81 "$TSPAM" server -l 127.0.0.1 -p 81 -a 1 -c "$work/answer" --quiet
  out=$(inside "$TSPAM" "$here/closed.lua" 81 "$seconds" 1 "$request" "$answer")
  read -r user sys < <(awk '{ print $14, $15 }' "/proc/$begun/stat") # hundredths
  finish "$begun"
  done=$(field connections "$out")
  user=$(awk "BEGIN { print ($(field user "$out") + $user / 100) / $done * 1e6 }")
  sys=$(awk "BEGIN { print ($(field system "$out") + $sys / 100) / $done * 1e6 }")
  note tspam_two_processes "$(field per_second "$out")" "$user" "$sys"
}

one_round() {
  local sizes=(-p 82 -s "$seconds" -q "$1" -a "$2") script=$here/closed.lua
  row floor_1+1 "$floor" both "${sizes[@]}"
  row tspam_1+1 "$TSPAM" "$script" 0 "$seconds" 1 "$1" "$2"
  row floor_1+1_immediate "$floor" both "${sizes[@]}" -i
  row floor_1+1_immediate_walk "$floor" both "${sizes[@]}" -i -w
  row floor_2+2_immediate "$floor" both "${sizes[@]}" -i -t 2
  row floor_2+2_immediate_walk "$floor" both "${sizes[@]}" -i -w -t 2
  row tspam_2+2 "$TSPAM" "$script" 0 "$seconds" 2 "$1" "$2"
  row floor_1+1_one_segment "$floor" both "${sizes[@]}" -i -f
  row tspam_1+1_coalesce_fin "$TSPAM" "$script" 0 "$seconds" 1 "$1" "$2" coalesce
  two_processes "$1" "$2"
}

# The medians of the rows so far, against the best floor with the same packets on the wire.
table() {
  local file name best=0 best_one=0 value base
  for file in "$work"/floor_*.values; do
    value=$(median "$file" 1)
    if [[ $file == *one_segment* ]]; then
      best_one=$(awk "BEGIN { print ($value > $best_one) ? $value : $best_one }")
    else
      best=$(awk "BEGIN { print ($value > $best) ? $value : $best }")
    fi
  done
  echo "| closed loop of 64 | connections/s | of the best floor | user us | system us | user |"
  echo "|---|---|---|---|---|---|"
  for file in "$work"/{floor,tspam}_*.values; do
    name=$(basename "$file" .values)
    base=$best
    [[ $name != *one_segment && $name != *coalesce* ]] || base=$best_one
    awk -v name="${name//_/ }" -v v="$(median "$file" 1)" -v base="$base" \
      -v user="$(median "$file" 2)" -v sys="$(median "$file" 3)" 'BEGIN {
        printf "| %s | %.0f | %.2f | %.1f | %.1f | %.1f %% |\n",
          name, v, v / base, user, sys, 100 * user / (user + sys) }'
  done
}

closed_loops() {
  local i
  look_for_missing
  rm -f "$work"/*.values
  for ((i = 0; i < rounds; i++)); do
    one_round "$1" "$2"
  done
  printf '\nRequest %d bytes, answer %d bytes\n\n' "$1" "$2"
  table
}
