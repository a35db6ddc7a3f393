#!/usr/bin/env bash
# Every header under src compiles alone, twice in a row, and its guard is its path.
set -uo pipefail

cd "${TSPAM_SOURCE:?}/src" || exit 1
flags="-std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I. $(pkg-config --cflags lua5.4)"
bad=0 seen=0

for header in */*.h; do
  seen=$((seen + 1))
  guard=TSP_$(tr 'a-z/.' 'A-Z__' <<<"$header")
  if ! printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
    "${CC:-cc}" $flags -x c -; then
    echo "not ok - $header does not compile alone"
    bad=$((bad + 1))
  elif ! grep -q "^#ifndef $guard\$" "$header"; then
    echo "not ok - $header: its guard is not $guard"
    bad=$((bad + 1))
  fi
done
echo "$((seen - bad)) passed, $bad failed"
((seen > 0 && bad == 0))
