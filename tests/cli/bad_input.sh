#!/usr/bin/env bash
# Bad input gets one line on stderr that names thing and value; nothing is begun.
. "$(dirname "$0")/helpers.sh"
export RES_OPTIONS="attempts:1 timeout:1"

# refused STATUS "words of the line" arguments…
refused() {
    local want=$1 words=$2
    shift 2
    run "$@"
    check "tspam $*: status $want" status_is "$want"
    check "  one line on stderr, nothing on stdout" eval 'one_line && nothing_out'
    check "  which says: $words" err_has "$words"
}

truncate -s 65M "$dir/large"
echo 'local = 5' >"$dir/syntax.lua"

refused 2 "unknown option '--rat': did you mean '--rate'?" rate --rat 5
refused 2 "unexpected argument '5k'" rate 5k
refused 2 "option '--rate'" rate -r 0
refused 2 "got '-5'" rate -r -5
refused 2 "got 'nan'" rate -r nan
refused 2 "got 'inf'" rate -r inf
refused 2 "above 0 and at most 10,000,000, got '10000001'" rate -r 10000001
refused 2 "option '--length'" rate -l 0
refused 2 "0.001 .. 1,000,000, got '1e300'" rate -l 1e300
refused 2 "1 .. 65535, got '0'" rate -p 0
refused 2 "1 .. 65535, got '65536'" rate -p 65536
refused 2 "0 .. 65535, got '65536'" server -p 65536
refused 2 "options '--length' and '--count' cannot be used together" rate -l 5 --count 5
refused 2 "cannot be used together" rate -r 5 --concurrency 5
refused 2 "options '--concurrency' and '--arrivals' cannot be used together" \
    rate --concurrency 2 --arrivals poisson
refused 2 "options '--from' and '--to' are both 0" ramp --from 0 --to 0
refused 2 "option '--hold': seconds or a time like" capacity --hold 0
refused 2 "option '--local-ip'" rate -I foo
refused 2 "its port by -p 3000" rate -H 127.0.0.1:3000
refused 2 "unknown metric 'p101'" rate --require 'p101<5'
refused 2 "one of < <= > >= ==" rate --require 'p99'
refused 1 "no-such-host.invalid" rate -H no-such-host.invalid
refused 1 "127.0.0.1" rate -6 -H 127.0.0.1
refused 1 "cannot read '$dir/none': No such file or directory" rate -c "$dir/none"
refused 1 "cannot read '$dir': Is a directory" rate -c "$dir"
refused 1 "'$dir/large' is too large, at most 64 MiB are sent" rate -c "$dir/large"
refused 1 "203.0.113.9" rate -H 127.0.0.1 -p 1 -I 203.0.113.9
refused 1 "cannot write to $dir/none/x: No such file or directory" rate --json "$dir/none/x"
refused 1 "203.0.113.9" server -l 203.0.113.9 -p 0

# A run that fails has no result: no file, not even an empty one, and an old one stays.
mkdir "$dir/results"
echo old >"$dir/results/old.json"
for json in new.json old.json; do
    refused 1 "203.0.113.9" rate -H 127.0.0.1 -p 1 -I 203.0.113.9 --json "$dir/results/$json"
    refused 1 "203.0.113.9" server -l 203.0.113.9 -p 0 --json "$dir/results/$json"
    check "  a failed run leaves no JSON file behind, and no old one changed" \
        [ "$(ls -A "$dir/results"):$(cat "$dir/results/old.json")" = old.json:old ]
done
refused 1 "cannot write to $dir/results: Is a directory" rate --json "$dir/results"
refused 1 "cannot write to $dir/results/no/x: No such file" server --json "$dir/results/no/x"
refused 1 "cannot write to $dir/results/no/x: No such file" doctor --json "$dir/results/no/x"

refused 2 "no script 'rat': did you mean 'rate'?" rat
refused 1 "no such file './rat'" ./rat
refused 1 "syntax.lua:1: <name> expected near '='" "$dir/syntax.lua"
refused 2 "unknown option '--lst': did you mean '--list'?" --lst

begin server -l 127.0.0.1 -p 0
until_said "listening on"
port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/err")
server=$pid
refused 1 ":$port" server -l 127.0.0.1 -p "$port"
kill -INT "$server"
wait "$server"

# Root gives up the right to it, in a namespace that has the kernel's own settings.
if [ "$(id -u)" != 0 ]; then
    refused 1 "Permission denied" server -l 127.0.0.1 -p 80
elif unshare -n true; then
    tspam=$TSPAM TSPAM=$dir/ordinary
    printf '#!/bin/sh\nexec unshare -n setpriv --bounding-set=-net_bind_service "%s" "$@"\n' \
        "$tspam" >"$TSPAM"
    chmod +x "$TSPAM"
    refused 1 "Permission denied" server -l 127.0.0.1 -p 80
    TSPAM=$tspam
fi

echo 'tspam.run { port = 1, rate = 50, length = 5, interval = 0.1,
  on_interval = function() error("stop here") end }' >"$dir/error.lua"
run "$dir/error.lua"
check "an error in on_interval ends the run: status 1" status_is 1
check "  with message and traceback" eval \
    'err_has "error.lua:2: stop here" && err_has "stack traceback"'

echo 'print(pcall(tspam.histogram.decode, "garbage"))' >"$dir/decode.lua"
run "$dir/decode.lua"
check "a decode of garbage is refused, not fatal" status_is 0
finish
