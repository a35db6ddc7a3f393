#!/usr/bin/env bash
# Every C file looks as clang-format, with the tree's .clang-format, would write it.
set -uo pipefail

command -v clang-format >/dev/null || { echo "skipped: no clang-format"; exit 77; }
cd "${TSPAM_SOURCE:?}" || exit 1
mapfile -t files < <(find src tests -name '*.[ch]')
((${#files[@]} > 0)) || { echo "no C file found"; exit 1; }
clang-format --dry-run -Werror "${files[@]}" || exit 1
echo "${#files[@]} files passed, 0 failed"
