#!/usr/bin/env bash
# Exit statuses of the scripts, each made to happen.
. "$(dirname "$0")/helpers.sh"

run rate -r 50 -l 0.2
check "done: 0" status_is 0
check "the dry run is said on stderr" err_has "dry run: no --host, so a server of our own answers"

again time_lost run rate -H 127.0.0.1 -p 1 -r 50 -l 0.2
check "all refused is a measurement: 0" status_is 0

run rate -r 50 -l 0.2 --require 'failed<1%'
check "a requirement that holds: 0" eval 'status_is 0 && out_has "required: failed<1%: held"'

run rate -r 50 -l 0.2 --require 'p99<1ns'
check "a requirement that does not hold: 3" status_is 3
check "  the text says so, with what was got" out_has "required: p99<1ns: did not hold (got "

again time_lost run rate -H 127.0.0.1 -p 1 -r 50 -l 0.2 --require 'p99<1h'
check "a percentile of an empty histogram fails its requirement: 3" status_is 3

# This machine as the limit, beyond doubt: two source ports, held by connections.
begin server -l 127.0.0.1 -p 0
until_said "listening on"
port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/err")
own_ports=(-H 127.0.0.1 -p "$port" --local-ports 20001-20002 --hold 5 -r 50 -l 0.5)
run rate "${own_ports[@]}" --require 'failed<1%'
check "this machine was the limit: 4, before 3" status_is 4
check "  and the text names it" out_has "Verdict: invalid, this machine was the limit"
kill -INT "$pid"
wait "$pid"

run rate --local-ports 20001-20002 --hold 1 -r 50 -l 0.5
check "a dry run is about this machine, so there it is 0" status_is 0

# A load that the machine refuses: while the first is measured, its one source port is taken.
begin rate --local-ports 20003 -r 5 -r 6 -l 1.5 -o 2 --json "$dir/refused"
until_said "opened"
mv "$dir/err" "$dir/rate.err" && mv "$dir/out" "$dir/rate.out"
rate=$pid
begin server -l 127.0.0.2 -p 20003
until_said "listening on"
wait "$rate"
status=$?
kill -INT "$pid"
wait "$pid"
mv "$dir/rate.err" "$dir/err" && mv "$dir/rate.out" "$dir/out"
check "a refused rate is a failure: 1" status_is 1
check "  said by name" err_has "tspam: 6/s: local_ports 20003-20003: every port is reserved"
check "  the rate before it is in the text" \
    out_has "This machine refused a rate: 1 of 2 rates were measured."
check "  and in the JSON, which names the refused one" jq -e \
    '(.runs | length) == 1 and .error.rate == 6 and (.ok | not)' "$dir/refused"

for script in "saturate --start 50 -l 0.5" "capacity --recover"; do
    # shellcheck disable=SC2086
    run $script -H 127.0.0.1 -p 1
    check "$script of a closed port has no answer about the target: 4" status_is 4
    check "  and asks why" out_has "does anything listen on 127.0.0.1 port 1?"
done

run soak -r 50 -l 1
check "a soak too short to pass has no answer, of a dry run either: 4" status_is 4
check "  it was said before" err_has "note: 50 connections can fail, but not pass:"
check "  and it does not say that it passes" eval \
    'out_has "The soak is inconclusive: " && ! out_has "passes"'

run capacity -r 50 --hold 1 --require 'connections>=1k'
check "a requirement of a script's own figure takes units: 3" status_is 3
check "  and no connection was held for longer than asked" eval '! out_has "holds"'

run rate -H localhost -4 -p 1 -r 20 -l 0.1
check "the address chosen for a name is said" err_has "localhost is 127.0.0.1"
finish
