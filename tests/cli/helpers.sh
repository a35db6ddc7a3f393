# Sourced by the tests of the command line: a scratch folder, checks, a summary.
set -u
export LC_ALL=C # messages and figures as they are written here
TSPAM=${TSPAM:?set by ctest}
dir=$(mktemp -d)
started=()
failures=0 checks=0

# `again time_lost run …` where a status tells whether this machine was late.
probe=$TSPAM_BUILD/tests/bed/probe work=$dir
. "${BASH_SOURCE[0]%/*}/../bed/again.sh"
renice -n -15 $$ >/dev/null 2>&1 # the machine is shared; not root: as it is

clean_up() {
    [ -z "${witness_pid:-}" ] || kill "$witness_pid"
    for pid in "${started[@]}"; do
        kill -KILL "$pid" 2>/dev/null
    done
    rm -rf "$dir"
}
trap clean_up EXIT

# check "sentence" command…: the command must succeed.
check() {
    local sentence=$1
    shift
    checks=$((checks + 1))
    if "$@"; then
        echo "ok      $sentence"
    else
        echo "FAILED  $sentence"
        failures=$((failures + 1))
        echo "  status ${status:-}; stderr:"
        sed 's/^/    /' "$dir/err" 2>/dev/null | head -20
    fi
}

# run words…: runs tspam; then $status, $dir/out and $dir/err are what came of it.
run() {
    timeout 60 "$TSPAM" "$@" >"$dir/out" 2>"$dir/err"
    status=$?
}

# begin words…: starts tspam in the background, as $pid, without waiting. It hears SIGHUP,
# also where the test was started by nohup.
begin() {
    : >"$dir/err" # now, for until_said: the child comes to it when it may
    env --default-signal=HUP "$TSPAM" "$@" >"$dir/out" 2>"$dir/err" &
    pid=$!
    started+=("$pid")
}

# until_said words: waits for up to 20 s until stderr has these words.
until_said() {
    for _ in $(seq 400); do
        grep -q -- "$1" "$dir/err" && return 0
        sleep 0.05
    done
    return 1
}

one_line() { [ "$(wc -l <"$dir/err")" = 1 ]; }
nothing_out() { [ ! -s "$dir/out" ]; }
err_has() { grep -qF -- "$1" "$dir/err"; }
out_has() { grep -qF -- "$1" "$dir/out"; }
status_is() { [ "$status" = "$1" ]; }

finish() {
    [ "$failures" = 0 ] && [ "$checks" -gt 0 ]
    exit
}
