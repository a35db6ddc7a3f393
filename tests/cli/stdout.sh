#!/usr/bin/env bash
# A result that cannot be written is never lost in silence.
. "$(dirname "$0")/helpers.sh"

"$TSPAM" rate -r 50 -l 0.1 --quiet >&- 2>"$dir/err"
status=$?
check "stdout closed: status 1" status_is 1
check "  said in one line" eval 'one_line && err_has "cannot write to stdout"'
"$TSPAM" rate -r 50 -l 0.1 --quiet --json "$dir/json" >&- 2>"$dir/err"
check "  and the JSON is in its file" jq -e '.runs[0].ok == 5' "$dir/json"

# 12 reports are more than stdout keeps back until the end.
mapfile -t rates < <(printf -- '-r50\n%.0s' {1..12})
rm "$dir/json"
"$TSPAM" rate "${rates[@]}" -l 0.1 --quiet --json "$dir/json" >/dev/full 2>"$dir/err"
status=$?
check "a long report that cannot be written: status 1" status_is 1
check "  said in one line" eval 'one_line && err_has "No space left on device"'
check "  and the JSON is in its file all the same" \
    eval '[ -s "$dir/json" ] && jq -e ".runs | length == 12" "$dir/json"'

for words in "rate -r 50 -l 0.1 --quiet" "rate -r 50 -l 0.1 --quiet --json -" "--help" "-V" "-l" \
    "rate --help" "doctor" "ramp -l 0.2 --to 50 --quiet"; do
    # shellcheck disable=SC2086
    "$TSPAM" $words >/dev/full 2>"$dir/err"
    status=$?
    check "tspam $words >/dev/full: status 1" status_is 1
    check "  said in one line" eval 'one_line && err_has "No space left on device"'
done

run rate -r 50 -l 0.1 --quiet --json /dev/full
check "--json /dev/full: status 1" status_is 1
check "  said by name" err_has "cannot write to /dev/full: No space left on device"

echo 'print "text"' >"$dir/print.lua"
"$TSPAM" "$dir/print.lua" >/dev/full 2>"$dir/err"
status=$?
check "what a script of the user's prints is not lost either" eval 'status_is 1 && one_line'

"$TSPAM" rate -r 50 -l 0.1 --quiet 2>"$dir/err" | true
status=${PIPESTATUS[0]}
check "a reader that went away gives 1, not a signal" status_is 1

"$TSPAM" rate -r 50 -l 0.1 2>&- >"$dir/out"
status=$?
check "stderr closed: the result is there" eval 'status_is 0 && out_has "90th percentile"'
"$TSPAM" rate -r 50 -l 0.1 <&- >"$dir/out" 2>"$dir/err"
status=$?
check "stdin closed: the result is there" eval 'status_is 0 && out_has "90th percentile"'
finish
