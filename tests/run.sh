#!/usr/bin/env bash
# Installs what the tests need, builds, runs the tests. From a clean clone:
#   tests/run.sh             all but the long ones: 10 minutes at most on 2 cores
#   tests/run.sh --slow      the long ones too, shortened: 30 minutes at most (.ci/run)
#   tests/run.sh --full      the whole series too: hours, for a machine that is left alone
#   tests/run.sh -R hist     arguments for ctest (first build only): some of them
#
# Three builds: sanitizers (ASan + UBSan) for everything that asserts counts, TSan for
# the tests labelled threads, release for what takes figures (bed, memory, lateness).
#
# Labels. A test's kind: unit integration lua cli fuzz lint bed bench. And besides:
#   threads     runs once more under TSan
#   bed, bench  run in the release build, and only there
#   slow        a shortened series with fixed seeds, minutes: only with --slow or --full
#   full        a whole series (TSPAM_FULL=1): only with --full
#
# After each build tests/ran.lua says how many tests of each label ran and which were skipped.
# Fewer than tests/counts.txt keeps is a failure; so is, as root where CI=true, a skip that
# tests/skips.txt does not give a reason for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

need build test

without='slow|full' counts=default
case ${1:-} in
  --slow) without='full' counts=slow ;;
  --full) without='none' counts=slow ;;
esac
[[ $counts == default ]] || shift
strict=()
[[ ${CI:-} != true || $EUID != 0 ]] || strict=(--strict)
jobs=$(nproc)
failed=()

build() {
  echo "== build: $1" >&2
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" -j"$jobs" | tail -n 1
}

# run NAME PRESET ARGUMENTS…: a failing run does not keep the next from being seen
run() {
  local name=$1 preset=$2 report=build-$2/junit.xml listing=build-$2/tests.json
  shift 2
  echo "== test: $name" >&2
  rm -f "$report"
  ctest --test-dir "build-$preset" --output-on-failure --no-tests=error \
    --output-junit junit.xml --test-output-size-passed 1000000 "$@" || failed+=("$name")
  ctest --test-dir "build-$preset" --show-only=json-v1 "$@" >"$listing"
  "build-$preset/tspam" tests/ran.lua "${strict[@]}" "$name" "$counts" "$report" "$listing" ||
    failed+=("what ran of $name")
}

build dev
if (($#)); then
  run 'as asked' dev "$@"
else
  run sanitizers dev -j"$jobs" -LE "^(bed|bench|$without)\$"
  build tsan
  run threads tsan -L threads -LE "^(bed|bench|$without)\$"
  build release
  # More than processors: the lanes of beds mostly wait.
  run figures release -j"$((jobs + 1))" -L '^(bed|bench)$' -LE "^($without)\$"
fi

if ((${#failed[@]})); then
  printf 'failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
echo "all tests passed" >&2
