#!/usr/bin/env bash
# An installed tree works where it was not built, and still after it was moved.
. "$(dirname "$0")/helpers.sh"

installed() { cmake --install "$TSPAM_BUILD" --prefix "$dir/here" >/dev/null 2>"$dir/err"; }
check "the build installs" installed
check "the reference of the Lua interface is installed where the README points to it" \
    test -s "$dir/here/share/doc/tspam/lua/README.md"
check "so is the page about standards" test -s "$dir/here/share/doc/tspam/docs/standards.md"
mkdir "$dir/elsewhere"
mv "$dir/here" "$dir/elsewhere/tspam"
TSPAM=$dir/elsewhere/tspam/bin/tspam

run --list
check "a moved tree lists its scripts" eval 'status_is 0 && out_has "saturate"'
cd "$dir" || exit 1
run rate -r 50 -l 0.2
check "a moved tree runs a shipped script by its bare name" eval 'status_is 0 && out_has "due"'
run --copy ramp "$dir"
check "a moved tree copies a script" test -s "$dir/ramp.lua"
run ramp.lua --from 10 --to 50 -l 0.4
check "the copy runs" status_is 0
run --copy ramp --with-modules "$dir/own"
run own/ramp.lua --from 10 --to 50 -l 0.4
check "a copy with its modules runs" eval 'status_is 0 && test -s "$dir/own/tspam/job.lua"'

# The path alone does not find them: the modules are in the executable.
LUA_PATH="$dir/nowhere/?.lua" run rate -r 50 -l 0.2
check "a missing package is named with its mend: 1" \
    eval 'status_is 1 && one_line && err_has "apt-get install lua-argparse"'
finish
