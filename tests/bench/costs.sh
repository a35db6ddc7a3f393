# shellcheck shell=bash
# Part of run.sh: what one connection costs, and what an open one keeps.

# Syscalls of both ends per connection, from one closed loop.
syscalls() {
  local out calls
  has strace || return 0
  out=$(inside strace -f -c -o "$work/strace" "$TSPAM" "$here/closed.lua" 0 1 1 68 5424)
  calls=$(awk '$NF == "total" { print $4 }' "$work/strace")
  echo "| syscalls, both ends, per connection |" \
    "$(awk "BEGIN { printf \"%.1f\", $calls / $(field connections "$out") }") |"
  awk -v n="$(field connections "$out")" '$4 ~ /^[0-9]+$/ && $4 / n > 0.05 && $NF != "total" {
    printf "| - %s | %.2f |\n", $NF, $4 / n }' "$work/strace"
}

# Instructions in user space, both ends: the difference of two counts, so that starting
# costs nothing.
instructions() {
  local few few_lua many many_lua count=$1
  has valgrind || return 0
  read -r few few_lua < <(callgrind_of "$count")
  read -r many many_lua < <(callgrind_of $((2 * count)))
  echo "| user-space instructions, both ends, per connection |" $(((many - few) / count)) "|"
  echo "| - of them in Lua and its binding |" \
    "$(awk "BEGIN { printf \"%.2f\", ($many_lua - $few_lua) / $count }") |"
}

# All instructions, and those of liblua and src/bind. Costs of calls, which callgrind gives a
# second time, inclusive, in the line after each "calls=", are left out.
callgrind_of() {
  inside valgrind --tool=callgrind --callgrind-out-file="$work/callgrind" "$TSPAM" \
    "$here/counted.lua" "$1" >/dev/null 2>&1
  awk '
    /^c?ob=/ { split($0, p, /[()]/); if (p[3] != "") object[p[2]] = p[3] }
    /^ob=/ { ob = object[p[2]] }
    /^c?(fl|fi|fe)=/ { split($0, p, /[()]/); if (p[3] != "") file[p[2]] = p[3] }
    /^(fl|fi|fe)=/ { fl = file[p[2]] }
    /^calls=/ { getline; next }
    /^[-+*0-9]/ { all += $2; if (ob ~ /liblua/ || fl ~ /\/src\/bind\//) lua += $2 }
    END { printf "%d %d\n", all, lua }' "$work/callgrind"
}

# Memory at n open connections, client and server each in a process of its own.
memory_at() {
  local n=$1 ok open client server
  begin 81 "$TSPAM" server -l 127.0.0.1 -p 81 --quiet
  (
    while read -r kib < <(awk '/^VmRSS/ { print $2 }' "/proc/$begun/status" 2>/dev/null); do
      echo "$kib"
      sleep 0.1
    done >"$work/rss"
  ) &
  read -r ok open client < <(inside "$TSPAM" "$here/hold.lua" 81 "$n")
  finish "$begun"
  wait $! 2>/dev/null
  server=$(sort -n "$work/rss" | tail -n 1)
  echo "| memory at $open open ($ok ok) | client ${client:-?} KiB, server ${server:-?} KiB," \
    "bound $((16384 + n)) KiB |"
}

costs() {
  printf '\n| cost | figure |\n|---|---|\n'
  syscalls
  instructions "$([[ $short ]] && echo 50 || echo 2000)"
  echo "| one histogram record | $("$TSPAM_BUILD/tests/bench/hist_ns") ns |"
  memory_at 1000
  if [[ ! $short ]]; then
    memory_at 5000
    memory_at $(($(ulimit -n) - 100))
  fi
}
