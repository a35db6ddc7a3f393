#!/usr/bin/env bash
# Progress: plain lines into a file, one line written over on a terminal.
. "$(dirname "$0")/helpers.sh"

run rate -r 50 -l 3
check "into a file: about a plain line a second" eval \
    'n=$(grep -c "  opened [45]" "$dir/err"); [ "$n" -ge 2 ] && [ "$n" -le 4 ]'
check "  without control characters" eval '! grep -q $'"'"'[\r\033]'"'"' "$dir/err"'
check "  and stdout has the result alone" eval '! grep -q "  opened " "$dir/out"'

run rate -r 50 -l 1.5 --quiet
check "--quiet: not a byte on stderr" eval '[ ! -s "$dir/err" ]'

on_terminal() { # its stdout and stderr are one terminal, kept in $dir/tty
    script -qec "'$TSPAM' $*" "$dir/tty" </dev/null >/dev/null 2>&1
    status=$?
}

check "there is a terminal to be had (script, of bsdutils)" command -v script
on_terminal rate -r 50 -l 2.5
check "on a terminal the line is written over and taken away" eval \
    'grep -q $'"'"'\r50/s  .*\033\[K'"'"' "$dir/tty"'
on_terminal rate -H 127.0.0.1 -p 1 -r 50 -l 1.5
check "  failures are red" eval 'grep -q $'"'"'\033\[31m'"'"' "$dir/tty"'
NO_COLOR=1 on_terminal rate -H 127.0.0.1 -p 1 -r 50 -l 1.5
check "  but not with NO_COLOR" eval \
    'grep -q "failed" "$dir/tty" && ! grep -q $'"'"'\033\[31m'"'"' "$dir/tty"'
TERM=dumb on_terminal rate -r 50 -l 1.5
check "  a dumb terminal gets plain lines" eval \
    'grep -q "opened" "$dir/tty" && ! grep -q $'"'"'\033'"'"' "$dir/tty"'
finish
