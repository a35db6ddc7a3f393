# shellcheck shell=bash
# Part of run.sh: the closed loop of 64, floor and tspam in turn.

# row NAME CMD...: one measurement of one row
row() {
  local name=$1
  shift
  fresh
  note_json "$name" "$(inside "$@")"
}

# apart NAME CLIENT...: against the server that was begun as a process of its own, whose CPU
# is added to what the client reports.
apart() {
  local name=$1 out user sys done
  shift
  out=$(inside "$@")
  read -r user sys < <(awk '{ print $14, $15 }' "/proc/$begun/stat") # hundredths
  finish "$begun"
  done=$(field connections "$out")
  user=$(awk "BEGIN { print ($(field user "$out") + $user / 100) / $done * 1e6 }")
  sys=$(awk "BEGIN { print ($(field system "$out") + $sys / 100) / $done * 1e6 }")
  note "$name" "$(field per_second "$out")" "$user" "$sys"
}

two_processes() {
  local request=$1 answer=$2
  head -c "$answer" /dev/zero >"$work/answer"
  fresh
  begin 81 "$TSPAM" server -l 127.0.0.1 -p 81 -a 1 -c "$work/answer" --quiet
  apart tspam_two_processes "$TSPAM" "$here/closed.lua" 81 "$seconds" 1 "$request" "$answer"
  fresh
  begin 83 "$floor" server -p 83 -q "$request" -a "$answer" -i
  apart floor_two_processes "$floor" client -p 83 -s "$seconds" -q "$request" -a "$answer" -i
}

# What is held against each other stands side by side.
one_round() {
  local sizes=(-p 82 -s "$seconds" -q "$1" -a "$2") script=$here/closed.lua
  row floor_2+2_immediate_walk "$floor" both "${sizes[@]}" -i -w -t 2
  row tspam_2+2 "$TSPAM" "$script" 0 "$seconds" 2 "$1" "$2"
  row floor_2+2_immediate "$floor" both "${sizes[@]}" -i -t 2
  two_processes "$1" "$2"
  [[ -z ${3:-} ]] || return 0
  row floor_1+1 "$floor" both "${sizes[@]}"
  row tspam_1+1 "$TSPAM" "$script" 0 "$seconds" 1 "$1" "$2"
  row floor_1+1_immediate "$floor" both "${sizes[@]}" -i
  row floor_1+1_immediate_walk "$floor" both "${sizes[@]}" -i -w
  row floor_1+1_one_segment "$floor" both "${sizes[@]}" -i -f
  row tspam_1+1_coalesce_fin "$TSPAM" "$script" 0 "$seconds" 1 "$1" "$2" coalesce
}

# What a row is held against: the packets on the wire, and one process or two.
kind_of() {
  case $1 in
    *one_segment* | *coalesce*) echo one_segment ;;
    *two_processes*) echo two_processes ;;
    *) echo plain ;;
  esac
}

# The medians of the rows so far, against the best floor of their kind.
table() {
  local file name kind value
  local -A best=([plain]=0 [one_segment]=0 [two_processes]=0)
  for file in "$work"/floor_*.values; do
    value=$(median "$file" 1) kind=$(kind_of "$file")
    best[$kind]=$(awk "BEGIN { print ($value > ${best[$kind]}) ? $value : ${best[$kind]} }")
  done
  echo "| closed loop of 64 | connections/s | of the best floor | user us | system us | user |"
  echo "|---|---|---|---|---|---|"
  for file in "$work"/{floor,tspam}_*.values; do
    name=$(basename "$file" .values)
    awk -v name="${name//_/ }" -v v="$(median "$file" 1)" -v base="${best[$(kind_of "$name")]}" \
      -v user="$(median "$file" 2)" -v sys="$(median "$file" 3)" 'BEGIN {
        printf "| %s | %.0f | %.2f | %.1f | %.1f | %.1f %% |\n",
          name, v, v / base, user, sys, 100 * user / (user + sys) }'
  done
}

# beside WHAT ROW FLOOR
beside() {
  # shellcheck disable=SC2046 # the median, and the range
  held "connections/s, $1" $(paired "$2.values" "$3.values")
  # shellcheck disable=SC2046
  held "CPU per connection, $1" $(paired_cpu "$2.values" "$3.values")
}

# closed_loops REQUEST ANSWER [pairs]: all rows, or those that have a bound
closed_loops() {
  local i sizes="$1/$2 bytes"
  look_for_missing
  rm -f "$work"/*.values
  for ((i = 0; i < rounds; i++)); do
    one_round "$@"
  done
  printf '\nRequest %d bytes, answer %d bytes\n\n' "$1" "$2"
  table
  printf '\n| paired, %d rounds | figure | bound |\n|---|---|---|\n' "$rounds"
  beside "2 + 2 threads, $sizes, beside bare epoll with the kernel's ports" \
    tspam_2+2 floor_2+2_immediate
  beside "2 + 2 threads, $sizes, beside bare epoll that binds its ports the same way" \
    tspam_2+2 floor_2+2_immediate_walk
  beside "two processes, $sizes, beside bare epoll in two" \
    tspam_two_processes floor_two_processes
  held "user-space share of all CPU, both ends, $sizes, %" "$(awk '
    { print 100 * $2 / ($2 + $3) }' "$work/tspam_2+2.values" | sort -g |
    awk '{ v[NR] = $1 } END { printf "%.1f\n", v[int((NR + 1) / 2)] }')"
}
