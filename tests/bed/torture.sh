#!/usr/bin/env bash
# Fails each fallible call of a command in turn, by fault.so:
#   torture.sh [-p FAULT_SO] [-s STEP] [-t SECONDS] -- CMD...
# The command first runs whole, and its fallible calls are counted; then the 1st fails, the
# 2nd, ... A round is bad if the command ends by a signal, runs past SECONDS, or a sanitizer
# reports. Round N is repeated by hand with  FAULT_NTH=N LD_PRELOAD=fault.so CMD...
set -uo pipefail

preload=${TSPAM_BUILD:-.}/tests/bed/fault.so step=1 limit=10
while getopts p:s:t: option; do
  case $option in
    p) preload=$OPTARG ;;
    s) step=$OPTARG ;;
    t) limit=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[[ ${1:-} != -- ]] || shift

counts=$(mktemp) errors=$(mktemp)
trap 'rm -f "$counts" "$errors"' EXIT
reports='ERROR: (Address|Leak|Thread|Undefined)|runtime error:|SUMMARY: .*Sanitizer'

LD_PRELOAD=$preload FAULT_COUNT=$counts timeout "$limit" "$@" >/dev/null 2>&1 || {
  echo "torture: the command fails by itself"
  exit 2
}

calls=$(head -n 1 "$counts") bad=0 ran=0
declare -A statuses
for ((n = 1; n <= calls; n += step)); do
  LD_PRELOAD=$preload FAULT_NTH=$n timeout "$limit" "$@" >/dev/null 2>"$errors"
  status=$?
  ran=$((ran + 1))
  statuses[$status]=$((${statuses[$status]:-0} + 1))
  if ((status >= 124)) || grep -qE "$reports" "$errors"; then
    bad=$((bad + 1))
    echo "round $n: exit $status $(grep -m 1 -E "$reports" "$errors")"
  fi
done
for status in "${!statuses[@]}"; do
  echo "exit $status: ${statuses[$status]} of $ran"
done
echo "$((ran - bad)) passed, $bad failed"
((bad == 0))
