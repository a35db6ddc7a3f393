#!/usr/bin/env bash
# clang-tidy over src, with the tree's .clang-tidy and the build's compile commands.
#   tidy.sh [FILE...]       else every file of src that the build compiles
set -uo pipefail

command -v clang-tidy >/dev/null || { echo "skipped: no clang-tidy"; exit 77; }
commands=${TSPAM_BUILD:?}/compile_commands.json
[[ -s $commands ]] || { echo "skipped: no $commands"; exit 77; }
cd "${TSPAM_SOURCE:?}" || exit 1
files=("$@")
((${#files[@]} > 0)) || mapfile -t files < <(find src -name '*.c')
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy -p "$TSPAM_BUILD" --quiet 2>/dev/null || exit 1
echo "${#files[@]} files passed, 0 failed"
