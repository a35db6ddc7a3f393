#!/usr/bin/env bash
# SIGINT, SIGTERM and SIGHUP: a full report of what was measured, within a second.
. "$(dirname "$0")/helpers.sh"
limit=1000
[ -n "${TSPAM_SANITIZE:-}" ] && limit=3000 # sanitizers and their leak check take time

# signalled SIGNAL: sends it to $pid; $status and $took (ms) are what came of it.
signalled() {
    local from
    from=$(date +%s%N)
    kill "-$1" "$pid"
    wait "$pid"
    status=$?
    took=$((($(date +%s%N) - from) / 1000000))
}

in_time() { [ "$took" -le "$limit" ]; }
json_says() { [ -s "$dir/out" ] && jq -e "$1" "$dir/out" >/dev/null; } # jq takes nothing for true

for row in INT:130 TERM:143 HUP:129; do
    begin rate -r 200 -l 60 --json -
    until_said "opened"
    signalled "${row%:*}"
    check "SIG${row%:*} ends rate with ${row#*:}" status_is "${row#*:}"
    check "  within $limit ms ($took)" in_time
    check "  with a report marked interrupted" json_says '.interrupted and .runs[0].interrupted'
    check "  whose counts add up" json_says \
        '.runs[0] | .due > 0 and .due == .started + .capped + .not_started
         and .started == .ok + .failed + .aborted'
done

begin rate -r 200 -r 300 -l 60
until_said "opened"
signalled INT
check "the text report is complete after an interrupt" eval \
    'out_has "90th percentile" && out_has "Interrupted: this is what was measured until then."'
check "  and the rates after it are not begun" eval '[ "$(grep -c "^phase" "$dir/out")" = 1 ]'

begin ramp --from 100 --to 200 -l 60 --quiet
sleep 1.5
signalled INT
check "ramp ends with 130 and its report" eval 'status_is 130 && out_has "90th percentile"'
check "  which compares with what was asked until then" \
    grep -q "^achieved.*asked 10[0-9].* until then" "$dir/out"

begin rate -r 50 -l 0.5 -o 20 -r 60 --quiet
sleep 2.5
signalled INT
check "an interrupt between two rates ends rate with 130" status_is 130
check "  and says that one was not measured" out_has "Interrupted: 1 of 2 rates were measured."

begin soak -r 50 -l 60 --json -
until_said "opened"
signalled INT
check "an interrupted soak has no verdict" json_says '.answer.pass == null and .interrupted'
check "  but the rate of the time it ran" json_says \
    '.answer.criteria[] | select(.name == "rate") | .value > -0.2 and .pass == null'

# A terminal that closes sends SIGHUP twice: from its shell, and then from the kernel.
begin soak -r 50 -l 60 --json -
until_said "opened"
kill -HUP "$pid"
signalled HUP
check "a second SIGHUP does not end soak before its report" eval \
    'status_is 129 && json_says ".interrupted and .runs[0].ok > 0"'

saved() {
    [ -s "$dir/json" ] && jq -e '.interrupted and .runs[0].ok > 0' "$dir/json" >/dev/null 2>&1
}

# until_saved: waits for up to 10 s for a whole document.
until_saved() {
    for _ in $(seq 200); do
        saved && return 0
        sleep 0.05
    done
    return 1
}

if command -v script >/dev/null; then
    : >"$dir/err"
    script -qec "env --default-signal=HUP '$TSPAM' soak -r 50 -l 60 --json '$dir/json' \
        2>'$dir/err'" /dev/null </dev/null >/dev/null &
    terminal=$!
    until_said "opened"
    kill -KILL "$terminal"
    wait "$terminal" 2>/dev/null
    check "a soak whose terminal is closed saves its JSON, though nobody reads its text" \
        until_saved
else
    echo "skipped: no script"
fi

env --ignore-signal=HUP "$TSPAM" rate -r 200 -l 2 --json - >"$dir/out" 2>"$dir/err" &
pid=$!
started+=("$pid")
until_said "opened"
signalled HUP
check "under nohup SIGHUP stops nothing" eval '! json_says .interrupted'
check "  and the load is whole" json_says '.runs[0].due == 400'

for signal in INT TERM HUP; do
    begin server -l 127.0.0.1 -p 0
    until_said "listening on"
    port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/err")
    "$TSPAM" rate -H 127.0.0.1 -p "$port" -r 100 -l 0.5 --quiet >/dev/null
    signalled "$signal"
    check "SIG$signal is server's normal end: status 0" status_is 0
    check "  within $limit ms ($took)" in_time
    check "  with its final report" eval 'grep -q "^answered  *50$" "$dir/out"'
done

echo 'io.stderr:write("ready\n") tspam.sleep(30) return 0' >"$dir/plain.lua"
begin "$dir/plain.lua"
until_said ready
signalled INT
check "a script that was interrupted and would end with 0 ends with 130" status_is 130

echo 'io.stderr:write("ready\n") tspam.sleep(30) return 9' >"$dir/nine.lua"
begin "$dir/nine.lua"
until_said ready
signalled TERM
check "a script's own status above 4 stays" status_is 9

echo 'io.stderr:write("ready\n") while true do end' >"$dir/busy.lua"
begin "$dir/busy.lua"
until_said ready
kill -INT "$pid"
sleep 0.2
signalled INT
check "the second Ctrl-C ends a script that does not listen" status_is 130
finish
