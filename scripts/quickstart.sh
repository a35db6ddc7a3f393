#!/usr/bin/env bash
# From a fresh Debian 12 to a measurement: installs the packages that are missing,
# builds tspam into build/, and runs the main job against the embedded server.
# Nothing leaves this machine but the package download.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

need build

echo "== build" >&2
cmake -S . -B build -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build build -j"$(nproc)" >/dev/null

echo "== build/tspam rate -r 1k -l 3" >&2
build/tspam rate -r 1k -l 3

echo "== build/tspam saturate --start 500 --length 1 --precision 10%" >&2
build/tspam saturate --start 500 --length 1 --precision 10%

cat >&2 <<'NEXT'
== that was this machine against itself. Against a device:
     build/tspam server                          on the far side of it
     build/tspam rate -H FAR_SIDE -r 2k -l 30    on the near side
     build/tspam saturate -H FAR_SIDE
NEXT
