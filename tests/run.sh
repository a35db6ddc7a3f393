#!/usr/bin/env bash
# Installs what the tests need, builds, runs every test. From a clean clone:
#   tests/run.sh             all but the long ones (label slow): some minutes on 2 cores
#   tests/run.sh --slow      the long ones too
#   tests/run.sh -R hist     arguments for ctest (first build only): some of them
#
# Three builds: sanitizers (ASan + UBSan) for everything that asserts counts, TSan for
# the tests labelled threads, release for what takes figures (bed, memory, lateness).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

need build-essential cmake pkg-config git liblua5.4-dev libev-dev libcmocka-dev libssl-dev \
  zlib1g-dev lua-argparse lua-dkjson clang-format iproute2 nftables conntrack procps tcpdump \
  strace valgrind

slow='slow'
if [[ "${1:-}" == --slow ]]; then
  slow='none'
  shift
fi
jobs=$(nproc)
failed=()

build() {
  echo "== build: $1" >&2
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" -j"$jobs" | tail -n 1
}

# run NAME PRESET ARGUMENTS…: a failing run does not keep the next from being seen
run() {
  local name=$1 preset=$2
  shift 2
  echo "== test: $name" >&2
  ctest --test-dir "build-$preset" --output-on-failure --no-tests=error "$@" || failed+=("$name")
}

build dev
if (($#)); then
  run 'as asked' dev "$@"
else
  run 'sanitizers' dev -j"$jobs" -LE "^(bed|bench|$slow)\$"
  build tsan
  run 'threads' tsan -L threads -LE "^(bed|bench|$slow)\$"
  build release
  run 'figures' release -j"$jobs" -L '^(bed|bench)$' -LE "^$slow\$"
fi

if ((${#failed[@]})); then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
echo "all tests passed" >&2
