#!/usr/bin/env bash
# tspam beside the floor (bare epoll) and beside its peers, each in a loopback namespace of
# its own, interleaved; prints tables of medians in Markdown, and fails past a bound of bounds.txt.
#   run.sh [--short]      TSPAM, TSPAM_BUILD as for the tests; --short: one brief round, and only
#                         what repeats is judged
set -uo pipefail
export LC_ALL=C # the caller's may have a comma in figures

here=$(cd "$(dirname "$0")" && pwd)
floor=${TSPAM_BUILD:?}/tests/bench/floor
rounds=7 seconds=1 short=
[[ ${1:-} != --short ]] || { rounds=1 seconds=0.5 short=1; }

((EUID == 0)) || { echo "skipped: a namespace of its own needs root"; exit 77; }
ns=tsbench$$
work=$(mktemp -d)
started=()

clean_up() {
  local pid
  for pid in "${started[@]}"; do
    kill -TERM "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
  done
  ip netns del "$ns" 2>/dev/null
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# fresh: a namespace for what comes next. A walk leaves its ports in TIME_WAIT, where the kernel
# finds none for a minute: what lets the kernel pick would crawl after it.
fresh() {
  local setting
  ip netns del "$ns" 2>/dev/null
  ip netns add "$ns" 2>/dev/null || { echo "skipped: network namespaces cannot be made"; exit 77; }
  inside ip link set lo up
  # Servers listen below 1024: what the kernel picks for clients is never in their way.
  for setting in net.ipv4.ip_local_port_range="1024 65535" net.ipv4.tcp_tw_reuse=1 \
    net.core.somaxconn=65535 net.ipv4.tcp_max_syn_backlog=65535; do
    inside sysctl -qw "$setting"
  done
}

inside() { ip netns exec "$ns" "$@"; }

# begin PORT CMD...: starts a server inside and waits until PORT listens; its pid: $begun
begin() {
  local port=$1 i
  shift
  (exec ip netns exec "$ns" "$@" >"$work/server.out" 2>&1) &
  begun=$!
  started+=("$begun")
  for ((i = 0; i < 500; i++)); do
    [[ -z $(inside ss -Hltn "sport = :$port") ]] || return 0
    sleep 0.02
  done
  echo "nothing listens on $port: $(cat "$work/server.out")" >&2
  exit 1
}

finish() {
  kill -TERM "$1" 2>/dev/null
  wait "$1" 2>/dev/null
}

has() { command -v "$1" >/dev/null || { echo "skipped: $1 is not installed"; return 1; }; }

# field NAME JSON: a number out of a flat JSON line
field() { sed -n "s/.*\"$1\":\([-0-9.e+]*\).*/\1/p" <<<"$2"; }

# note ROW PER_SECOND USER_US SYSTEM_US: one measured value, kept for the medians
note() { echo "$2 $3 $4" >>"$work/$1.values"; }

note_json() {
  local n
  n=$(field connections "$2")
  note "$1" "$(field per_second "$2")" \
    "$(awk "BEGIN { print $(field user "$2") / ($n + 1e-9) * 1e6 }")" \
    "$(awk "BEGIN { print $(field system "$2") / ($n + 1e-9) * 1e6 }")"
}

# Every row of every table has a figure; else the bench has failed.
look_for_missing() {
  local file
  for file in "$work"/*.values "$work"/*.peer; do
    [[ -e $file ]] || continue
    if ! awk 'NF == 0 || $1 <= 0 { bad = 1 } END { exit bad }' "$file"; then
      echo "no figure for $(basename "$file")"
      missing=$((missing + 1))
    fi
  done
}

# median FILE COLUMN
median() {
  sort -g -k "$2,$2" "$1" | awk -v c="$2" '{ v[NR] = $c } END { print v[int((NR + 1) / 2)] }'
}

# shellcheck source=tests/bench/bounds.sh
source "$here/bounds.sh"
# shellcheck source=tests/bench/closed_loop.sh
source "$here/closed_loop.sh"
# shellcheck source=tests/bench/peers.sh
source "$here/peers.sh"
# shellcheck source=tests/bench/costs.sh
source "$here/costs.sh"

fresh
ulimit -n "$(ulimit -Hn)"

echo "$(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
  "Linux $(uname -r), $rounds rounds of $seconds s, load $(cut -d' ' -f1 /proc/loadavg)"
closed_loops 68 5424
closed_loops 3000 3000 pairs
peers
fresh
costs
look_for_missing
look_for_unheld
echo "$within within their bound, $beyond beyond it, $missing without a figure"
((missing + beyond == 0))
