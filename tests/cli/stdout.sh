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

# A disk that is full before the file is whole, as a limit of the shell: 1 kB.
mkdir "$dir/disk"
echo old >"$dir/disk/json"
(
    trap '' XFSZ
    ulimit -f 1
    exec "$TSPAM" rate -r 50 -l 0.1 --quiet --json "$dir/disk/json" 2>&1 >/dev/null
) | cat >"$dir/err"
status=${PIPESTATUS[0]}
check "a disk that gets full: status 1" status_is 1
check "  said in one line" eval \
    'one_line && err_has "cannot write to $dir/disk/json: File too large"'
check "  the old file is as it was, and no other is there" \
    [ "$(ls -A "$dir/disk"):$(cat "$dir/disk/json")" = json:old ]

ln -s disk/json "$dir/link"
run rate -r 50 -l 0.1 --quiet --json "$dir/link"
check "a link is followed, its file is replaced by a whole one" eval \
    'status_is 0 && [ -L "$dir/link" ] && jq -e ".runs[0].ok == 5" "$dir/disk/json" >"$dir/null"'

mkfifo "$dir/pipe"
jq .schema "$dir/pipe" >"$dir/read" &
reader=$!
started+=("$reader")
run rate -r 50 -l 0.1 --quiet --json "$dir/pipe"
wait "$reader"
check "a pipe with a reader gets the JSON, once and whole" eval \
    'status_is 0 && [ "$(cat "$dir/read")" = "\"tspam.rate/1\"" ]'

"$TSPAM" rate -r 50 -l 0.1 --quiet --json /dev/stdout >"$dir/out" 2>"$dir/err"
status=$?
sed '1,/^Verdict/d' "$dir/out" >"$dir/after"
check "--json /dev/stdout: the text first, then the JSON, nothing over the other" eval \
    'status_is 0 && out_has "90th percentile" && jq -e .ok "$dir/after" >"$dir/null"'

# A plot is part of the result, which stdout is; --quiet is about stderr.
search=(saturate --start 50 --max-rate 80 -l 0.2 -o 0 --no-calibrate --goal 0.2/0.2/0.5%/0/5%)
run "${search[@]}" --quiet
check "--quiet keeps the plots of saturate on stdout" out_has "median latency (o pass"
check "  and nothing is on stderr" [ ! -s "$dir/err" ]

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
