#!/usr/bin/env bash
# The commit that a build carries: right after every build, and nobody's trouble.
. "$(dirname "$0")/helpers.sh"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
repo=$dir/repo out=$dir/out
mkdir "$repo"
in_repo() { git -C "$repo" -c user.name=x -c user.email=x@y -c init.defaultBranch=main "$@"; }
committed() { in_repo add -A && in_repo commit -qm "$1" && head=$(in_repo rev-parse HEAD); }
build() { cmake --build "$out" >"$dir/build" 2>"$dir/err"; }
says() { [ "$("$out/says")" = "$1" ]; }
rebuilt() { grep -qE 'Building|Linking' "$dir/build"; }

# A small tree that takes its commit as tspam does.
mkdir "$repo/bind"
cp "${TSPAM_SOURCE:?}/src/bind/commit.h" "$repo/bind/"
cat >"$repo/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(says LANGUAGES C)
include($TSPAM_SOURCE/src/bind/commit.cmake)
add_executable(says says.c)
target_include_directories(says PRIVATE .)
tspam_add_commit(says \${CMAKE_CURRENT_SOURCE_DIR})
CMAKE
cat >"$repo/says.c" <<'C'
#include "bind/commit.h"
#include <stdio.h>
int main(void) { puts(tsp_commit ? tsp_commit : "unknown"); return 0; }
C

cmake -S "$repo" -B "$out" >"$dir/configure" 2>&1
build
check "a tree that is no checkout has no commit" says unknown

in_repo init -q && committed first
build
check "the commit is there after a build, without another configure" says "$head"
committed_before=$head
echo more >"$repo/note" && committed second
check "  (the next one is another)" [ "$head" != "$committed_before" ]
build
check "a new commit is there after the next build" says "$head"
build
check "a build where nothing changed compiles and links nothing" eval '! rebuilt'
echo changed >>"$repo/note"
build
check "a tree with changes that are not committed is told from its commit" says "$head-dirty"
in_repo checkout -q note
echo new >"$repo/untracked"
build
check "files that git does not track are no changes" says "$head"

mkdir "$repo/inner"
cmake -DROOT="$repo/inner" -DOUT="$dir/inner.c" -P "$TSPAM_SOURCE/src/bind/commit_generate.cmake"
check "a tarball unpacked inside another checkout does not have its commit" \
    grep -q "tsp_commit = NULL" "$dir/inner.c"

# As a container sees a checkout that is mounted into it.
if [ "$(id -u)" = 0 ]; then
    chown -R 12345 "$repo"
    in_repo -c safe.directory=* commit -q --allow-empty -m third
    head=$(in_repo -c safe.directory=* rev-parse HEAD)
    build
    check "a checkout that belongs to another user is read as well" says "$head"
fi

cmake -DROOT="$repo" -DOUT="$dir/none.c" -DGIT_EXECUTABLE=/none \
    -P "$TSPAM_SOURCE/src/bind/commit_generate.cmake" 2>"$dir/err"
status=$?
check "a git that does not run is no failure" status_is 0
check "  and no commit" grep -q "tsp_commit = NULL" "$dir/none.c"
finish
