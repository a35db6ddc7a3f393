#!/usr/bin/env bash
# The lint scripts find what they are for: each breach, made on purpose, is named.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
passed=0 failed=0

# A small tree with nothing wrong in it.
fresh() {
  rm -rf "${tree:?}"/* "$tree/.ci"
  mkdir -p "$tree"/{src/base,src/load,src/bind,lua,scripts,cmake,tests}
  printf '#include "base/err.h"\n#include <math.h>\nint f(int a)\n{\n    return a;\n}\n' \
    >"$tree/src/load/stages.c"
  echo 'return 1' >"$tree/lua/one.lua"
  mkdir "$tree/.ci"
  echo 'exec tests/run.sh' >"$tree/.ci/run"
  printf '# PACKAGE FOR COMMANDS\nbash test bash\nsed test sed\nsudo maybe sudo\n' \
    >"$tree/scripts/packages.txt"
  printf 'bash -c "sudo sed -n 1p; inner"\ninner() { :; }\n' >"$tree/tests/a.sh"
}

# finds SCRIPT WANTED WHAT: the script fails on the tree, and says WANTED
finds() {
  local output
  if output=$("${TSPAM:?}" "$here/$1" "$tree" 2>&1); then
    echo "not ok - $3: $1 is content"
    failed=$((failed + 1))
  elif [[ $output != *"$2"* ]]; then
    echo "not ok - $3: $1 says: $output"
    failed=$((failed + 1))
  else
    echo "ok - $3"
    passed=$((passed + 1))
  fi
}

content() {
  if "$TSPAM" "$here/$1" "$tree" >/dev/null; then
    passed=$((passed + 1))
  else
    echo "not ok - $1 complains about a clean tree"
    failed=$((failed + 1))
  fi
}

# into FILE LINE...: adds lines to a file of the tree
into() {
  local file=$tree/$1
  shift
  printf '%s\n' "$@" >>"$file"
}

repeat() { printf "%.0s$2" $(seq "$1"); }

fresh
content layers.lua
content limits.lua
content commands.lua

into src/load/stages.c '#include "net/sock.h"'
finds layers.lua "load must not include from net" "a layer that includes one it must not"
fresh
into src/load/stages.c '#include <time.h>'
finds layers.lua "load must not include <time.h> (clock)" "a pure layer that reads the clock"
fresh
into src/load/stages.c '#include <sha2.h>'
finds layers.lua "load must not include <sha2.h> (libmd)" "libmd outside of net"
fresh
into src/load/stages.c '#include "base/clock.h"'
finds layers.lua "load must not read the clock" "a pure layer that borrows the clock"
fresh
into src/bind/lua_run.c '#include <sys/socket.h>'
finds layers.lua "(sockets)" "a binding that makes system calls"
fresh
into src/load/stages.c '#include "err.h"'
finds layers.lua 'not of the form "layer/file.h"' "an include without its folder"
fresh
mkdir "$tree/src/extra" && into src/extra/x.c '#include <math.h>'
finds layers.lua "not in the table of layers" "a folder nobody planned"

fresh
into src/base/long.c 'int g(void)' '{' "$(repeat 60 '    f();\n')" '}'
finds limits.lua "function of 6" "a function past 60 lines"
fresh
into src/base/wide.c 'int g(int a, int b, int c, int d, int e, int f, int g)' '{' '}'
finds limits.lua "7 parameters, limit 6" "a function of seven parameters"
fresh
into src/base/deep.c 'int g(void)' '{' '                if (a)' '}'
finds limits.lua "4 levels of nesting, limit 3" "a condition four levels in"
fresh
into src/base/file.c "$(repeat 400 'y\n')" y
finds limits.lua "limit 400" "a C file past 400 lines"
fresh
into src/base/file.h "$(repeat 120 'y\n')" y
finds limits.lua "limit 120" "a header past 120 lines"
fresh
into scripts/rate.lua "$(repeat 80 'y\n')" y
finds limits.lua "limit 80" "a script past 80 lines"
fresh
into lua/one.lua "-- $(repeat 100 x)"
finds limits.lua "columns, limit 100" "a line past 100 columns"
fresh
into lua/one.lua 'local function g()' "$(repeat 60 '  f()\n')" 'end'
finds limits.lua "function of 6" "a Lua function past 60 lines"
fresh
into lua/one.lua "$(printf 'x = 1\t')"
finds limits.lua "tab" "a tab"

# calls TEXT: a script of this text is found to call frobnicate
calls() {
  fresh
  into tests/new.sh "$1"
  finds commands.lua "tests/new.sh: calls 'frobnicate'" "a new command in: $1"
}
calls 'x=$(if true; then frobnicate --now; fi)'
calls 'sed -n 1p <<<"$(frobnicate)" | sed p'
calls 'timeout -k 2 --signal INT 10 frobnicate'
calls 'exec ip netns exec "$ns" frobnicate'
calls '"${sudo[@]}" frobnicate'
calls 'sed p || xargs -P "$(sed p)" frobnicate'
calls "eval '[ 1 = 1 ] && frobnicate'"
calls 'command -v frobnicate >/dev/null'
fresh
into tests/new_test.lua 'local _, out = t.shell("sed p | frobnicate " .. name)'
finds commands.lua "tests/new_test.lua: calls 'frobnicate'" "a new command in Lua"
fresh
into cmake/new.cmake 'execute_process(COMMAND frobnicate --version)'
finds commands.lua "cmake/new.cmake: calls 'frobnicate'" "a new command in CMake"
fresh
into scripts/packages.txt 'frobnicator test frobnicate'
finds commands.lua "nothing calls 'frobnicate'" "a listed command that nothing calls"
into tests/new.sh frobnicate
finds commands.lua "'frobnicate' is not installed" "a listed command that its package did not bring"
fresh
into tests/new.sh 'if then'
finds commands.lua "shfmt cannot parse it" "a script that is none"

echo "$passed passed, $failed failed"
((failed == 0))
