# shellcheck shell=bash
# What every scenario of the bed shares. A scenario reads:
#
#   source "$(dirname "$0")/lib.sh"
#   bed_up --delay 5                   # taken down again when the script ends
#   serve                              # tspam server in the bed's server namespace
#   rate steady -r 500 -l 2            # tspam rate in the client namespace -> $work/steady.json
#   is "every connection ends well" "$(figure steady ok)" 1000
#   finish
#
# From CTest: TSPAM (the executable), TSPAM_BUILD. TSPAM_FULL=1 asks for the full figures.
set -uo pipefail
export LC_ALL=C # the caller's may have a comma in $EPOCHREALTIME, and in figures

bed_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
probe=$TSPAM_BUILD/tests/bed/probe
server4=198.19.0.2 server6=2001:2:0:2::2
export TESTBED=t$$
work=$(mktemp -d "${TMPDIR:-/tmp}/tspam-bed.XXXXXX")
passed=0 failed=0 server_pid=
# shellcheck source=tests/bed/again.sh
source "$bed_dir/again.sh"

# Before the first check: what was judged is not taken back.
skip() {
  ((passed + failed == 0)) || no "a skip after checks: $*"
  ((failed == 0)) || finish
  echo "skipped: $*"
  exit 77
}

need_root_and_nft() {
  local tool
  ((EUID == 0)) || skip "the bed needs root, for network namespaces"
  for tool in ip nft sysctl ss tc conntrack; do
    command -v "$tool" >/dev/null || skip "the bed needs $tool (scripts/packages.txt)"
  done
  ip netns add "$TESTBED" 2>/dev/null || skip "network namespaces cannot be made here"
  ip netns del "$TESTBED"
}

full() { [[ ${TSPAM_FULL:-0} == 1 ]]; }
sanitized() { [[ -n ${TSPAM_SANITIZE:-} ]]; }

bed() { "$bed_dir/testbed.sh" "$@"; }

bed_up() {
  local status=0
  bed up "$@" || status=$?
  ((status != 0)) || return 0
  ((status != 77)) || skip "this machine has not what the bed needs for: $*"
  echo "not ok - the bed did not come up: $*"
  exit 1
}

clean_up() {
  [[ -z ${witness_pid:-} ]] || kill "$witness_pid"
  bed down
  rm -rf "$work"
}

# in_server CMD..., in_client CMD...: in the background these are the process itself, so
# that $! can be stopped and ended.
in_server() { exec ip netns exec "tsb-$TESTBED-server" "$@"; }
in_client() { exec ip netns exec "tsb-$TESTBED-client" "$@"; }

wait_for_listener() {
  local i
  for ((i = 0; i < 250; i++)); do
    [[ -z $(bed exec server ss -Hltn "sport = :2345") ]] || return 0
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.02
  done
  echo "not ok - the server does not listen: $(cat "$work/server.log")"
  exit 1
}

# serve [OPTION...]: tspam server on IPv4 and IPv6; its report will be in $work/server.json
serve() {
  (in_server "$TSPAM" server -l 0.0.0.0 -l :: -p 2345 --json "$work/server.json" --quiet "$@") \
    >"$work/server.log" 2>&1 &
  server_pid=$!
  wait_for_listener
}

# serve_probe [OPTION...]: the reference server instead
serve_probe() {
  (in_server "$probe" server "$@") >"$work/server.log" 2>&1 &
  server_pid=$!
  wait_for_listener
}

# Ends the server; its exit status.
end_server() {
  kill -CONT "$server_pid" 2>/dev/null
  kill -TERM "$server_pid" 2>/dev/null
  wait "$server_pid"
}

# rate NAME OPTION...: runs tspam rate against the bed's server (-H among the options
# replaces the IPv4 address); keeps the exit status in $status.
rate() {
  local name=$1
  shift
  [[ " $* " == *" -H "* ]] || set -- -H "$server4" "$@"
  bed exec client "$TSPAM" rate -p 2345 --json "$work/$name.json" --quiet "$@" \
    >"$work/$name.log" 2>&1
  status=$?
  if [[ ! -s $work/$name.json ]]; then
    no "tspam rate $* wrote no result (exit $status): $(tail -n 3 "$work/$name.log")"
    echo '{}' >"$work/$name.json"
  fi
}

# start_rate NAME OPTION...: the same in the background; $! is tspam itself
start_rate() {
  local name=$1
  shift
  (in_client "$TSPAM" rate -p 2345 --json "$work/$name.json" --quiet "$@") \
    >"$work/$name.log" 2>&1 &
}

# probe_rate NAME OPTION...: the reference client instead
probe_rate() {
  local name=$1
  shift
  [[ " $* " == *" -h "* ]] || set -- -h "$server4" "$@"
  bed exec client "$probe" rate -o "$work/$name.csv" "$@" >"$work/$name.json"
}

# figure NAME EXPR...: values out of $work/NAME.json, one a line
figure() {
  local name=$1
  shift
  "$TSPAM" "$bed_dir/figure.lua" "$work/$name.json" "$@"
}

# stat NAME: one of the bed's counts, 0 where it has none
stat() { bed stats | awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }'; }

# The same for several of one moment: counts takes them, counted NAME reads one.
counts() { bed stats >"$work/counts"; }
counted() { awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }' "$work/counts"; }

# calc EXPR: arithmetic in awk, printed with enough digits
calc() { awk "BEGIN { v = $1; printf \"%.6g\n\", v }"; }

yes() {
  passed=$((passed + 1))
  echo "ok - $*"
}

no() {
  failed=$((failed + 1))
  echo "not ok - $*"
}

# fits FIGURE CONDITION: awk decides the condition over x, the figure
fits() { [[ $1 =~ ^-?[0-9.]+(e[-+]?[0-9]+)?$ ]] && awk -v x="$1" "BEGIN { exit !($2) }"; }

# check SENTENCE FIGURE CONDITION WANTED
check() {
  if fits "$2" "$3"; then
    yes "$1: $2 ($4)"
  else
    no "$1: $2 ($4)"
  fi
}

is() { if [[ $2 == "$3" ]]; then yes "$1: $2"; else no "$1: $2 (want $3)"; fi; }
near() { check "$1" "$2" "x >= ($3) - ($4) && x <= ($3) + ($4)" "want $3 +- $4"; }
at_most() { check "$1" "$2" "x <= ($3)" "at most $3"; }
at_least() { check "$1" "$2" "x >= ($3)" "at least $3"; }
matches() { if [[ $2 =~ $3 ]]; then yes "$1: $2"; else no "$1: '$2' (want /$3/)"; fi; }

# is_share WHAT COUNT OF SHARE: COUNT of OF drawn with probability SHARE, within 3 sigma
is_share() {
  near "$1, of $3, within 3 sigma" "$2" "$(calc "$3 * $4")" "$(calc "3 * sqrt($3 * $4 * (1 - $4))")"
}

# accounted NAME: the identities that hold at the end of every run
accounted() {
  is "$1: every due connection is accounted for" \
    "$(figure "$1" 'due == started + capped + not_started')" true
  is "$1: every started connection is accounted for" \
    "$(figure "$1" 'started == ok + failed + aborted')" true
  is "$1: the causes add up to the failures" "$(figure "$1" 'sum(failures) == failed')" true
  is "$1: every good connection is in the histograms" \
    "$(figure "$1" 'phases.latency.count == ok and phases.service.count == ok and
                    phases.connect.count == ok')" true
}

valid() {
  is "$1: the verdict is valid" "$(figure "$1" verdict)" valid
  is "$1: no reasons against it" "$(figure "$1" 'text(reasons)')" ""
}

# agree WHAT OK: the router, the server's kernel and the server itself, which is ended for
# its report, saw as many connections since the bed came up as tspam says ended well.
agree() {
  counts
  # A SYN that was sent again passes again, unless the first was taken for a part of the
  # connection that had its port before (ports are reused at once).
  check "$1: the router let as many through" "$(counted nft.syn_passed)" \
    "x >= $2 && x <= $2 + $(counted client.TcpExtTCPSynRetrans)" \
    "want $2, $(counted client.TcpExtTCPSynRetrans) SYNs sent again"
  is "$1: the server's kernel took as many" "$(counted server.TcpPassiveOpens)" "$2"
  end_server
  is "$1: the server answered as many" "$(figure server top.stats.answered)" "$2"
}

# scenarios QUICK SLOW [SCENARIO...]: runs the scenarios named on the command line; else the
# quick ones, and the slow ones too where the figures are to be full.
scenarios() {
  local quick=$1 slow=$2 scenario
  shift 2
  full && quick="$quick $slow"
  # shellcheck disable=SC2086 # lists of words
  for scenario in ${@:-$quick}; do
    $scenario
  done
}

# Nothing judged is nothing shown.
finish() {
  echo "$passed passed, $failed failed"
  ((failed == 0 && passed > 0))
  exit
}

need_root_and_nft
# The machine is shared, and times are looked at: a compiler beside must not show in them.
renice -n -15 $$ >/dev/null
trap clean_up EXIT
trap 'exit 130' INT TERM
