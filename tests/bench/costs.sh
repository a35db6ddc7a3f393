# shellcheck shell=bash
# Part of run.sh: what one connection costs, and what an open one keeps.

# So that a count repeats: both ends on one processor, and none interrupts the other when it is
# woken (SCHED_BATCH). An end then works until it waits, and how often it wakes for how many
# connections is no longer up to the scheduler: counts of one build differ by 0.2 %.
in_turn() {
  local first
  first=$(awk '/^Cpus_allowed_list/ { split($2, cpu, /[,-]/); print cpu[1] }' /proc/self/status)
  inside chrt -b 0 taskset -c "$first" "$@"
}

# per_connection COUNTER: what counted.lua costs a connection, by a counter that prints one number
# or more for so many connections: the difference of two counts, so that starting costs nothing.
per_connection() {
  local counter=$1 count=1000
  echo "$("$counter" "$count") $("$counter" $((3 * count)))" | awk -v count=$((2 * count)) '
    { n = NF / 2; for (i = 1; i <= n; i++) printf "%.1f\n", ($(i + n) - $i) / count }'
}

# Of both ends. How often an end waits, and asks in vain (EAGAIN), hangs on how many come at once:
# apart.
syscalls() {
  local work_done waits
  has strace || return 0
  { read -r work_done && read -r waits; } < <(per_connection strace_of)
  held "syscalls per connection, both ends, that do something" "$work_done"
  echo "| - besides: epoll_wait, and EAGAIN | $waits | |"
  awk '$4 ~ /^[0-9]+$/ && $4 / 3000 > 0.05 && $NF != "total" {
    printf "| - %s | %.2f | |\n", $NF, $4 / 3000 }' "$work/strace"
}

strace_of() {
  in_turn strace -f -c -o "$work/strace" "$TSPAM" "$here/counted.lua" "$1"
  awk '
    $4 ~ /^[0-9]+$/ && NF > 4 { vain = /accept4|recvfrom/ ? $5 + 0 : 0 }
    $NF == "epoll_wait" { vain = $4 }
    $4 ~ /^[0-9]+$/ && $NF != "total" { work += $4 - vain; waits += vain; vain = 0 }
    END { print work, waits }' "$work/strace"
}

# In user space, of the threads that make connections and answer them.
instructions() {
  local all own lua
  has valgrind || return 0
  { read -r all && read -r own && read -r lua; } < <(per_connection callgrind_of)
  held "user-space instructions per connection, both ends" "${all%.*}"
  held "of them in tspam itself, not in libev and libc" "${own%.*}"
  held "instructions per connection in Lua" "$lua"
}

# All instructions of those threads (the first is Lua's, and the last waits), those of tspam in
# them, and those of liblua anywhere. Costs of calls, which callgrind gives a second time,
# inclusive, in the line after each "calls=", are left out.
callgrind_of() {
  rm -f "$work"/callgrind*
  in_turn valgrind --fair-sched=yes --tool=callgrind --separate-threads=yes \
    --callgrind-out-file="$work/callgrind" "$TSPAM" "$here/counted.lua" "$1" >/dev/null 2>&1
  awk '
    FNR == 1 { delete object; ours = FILENAME ~ /-0[23]$/ }
    /^c?ob=/ { split($0, p, /[()]/); if (p[3] != "") object[p[2]] = p[3] }
    /^ob=/ { ob = object[p[2]] }
    /^calls=/ { getline; next }
    /^[-+*0-9]/ {
      if (ours) all += $2
      if (ours && ob ~ /\/tspam$/) own += $2
      if (ob ~ /liblua/) lua += $2
    }
    END { printf "%d %d %d\n", all, own, lua }' "$work"/callgrind-0*
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
  echo "| $open open at once of $n, $ok ok | | |"
  held "memory at $n connections open, client, MiB" "$(mebibytes "$client")"
  held "memory at $n connections open, server, MiB" "$(mebibytes "$server")"
}

mebibytes() { awk "BEGIN { printf \"%.1f\", $1 / 1024 }"; }

costs() {
  printf '\n| cost | figure | bound |\n|---|---|---|\n'
  syscalls
  instructions
  held "one histogram record, ns" "$("$TSPAM_BUILD/tests/bench/hist_ns")"
  memory_at 1000
  [[ $short ]] || memory_at 15000
}
