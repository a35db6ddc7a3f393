#!/usr/bin/env bash
# Each call of a short dry run that can fail fails in turn (tests/bed/fault.so): whatever
# comes of it, tspam ends by itself within 10 s, by no signal, with a status of its own,
# and with a report or a sentence.
#   torture.sh [STEP]     every STEP-th call of each kind (5)
. "$(dirname "$0")/helpers.sh"

fault=$TSPAM_BUILD/tests/bed/fault.so
[ -e "$fault" ] || { echo "skipped: $fault is not built"; exit 77; }
step=${1:-5}

# The errors a call is made to fail with, where its commonest is not all there is to try.
declare -A errors=(
    [socket]="EMFILE ENOBUFS" [connect]="EADDRNOTAVAIL ECONNREFUSED EINTR EPROTO"
    [accept4]="EMFILE ECONNABORTED ENOMEM" [bind]="EADDRINUSE EACCES" [listen]="EADDRINUSE"
    [setsockopt]="ENOPROTOOPT" [getsockopt]="ENOTCONN" [shutdown]="ENOTCONN"
    [read]="EIO EINTR" [write]="EINTR" [send]="EPIPE EINTR EPROTO short"
    [recv]="ECONNRESET EINTR EPROTO short" [epoll_ctl]="ENOMEM" [epoll_wait]="EINTR"
    [epoll_create1]="EMFILE" [timerfd_create]="EMFILE" [open]="EMFILE ENOMEM"
    [malloc]="ENOMEM" [calloc]="ENOMEM" [realloc]="ENOMEM"
)

# With ASan its library goes first, and memory is its own; leaks are then seen. The other
# sanitizers have calls of their own in between.
preload=$fault
case $TSPAM_SANITIZE in
'') ;;
*address*) preload="$(ldd "$TSPAM" | awk '/libasan/ { print $3 }') $fault" ;;
*) echo "skipped: not with -fsanitize=$TSPAM_SANITIZE"; exit 77 ;;
esac

# Where a listener could not be watched (libev tells that after its next wake-up), its
# connections time out: in good order, if after 2 s.
load=(rate -r 200 -l 0.05 -t 2 --quiet)

counted() {
    LD_PRELOAD=$preload FAULT_COUNT=$dir/calls "$TSPAM" "${load[@]}" >"$dir/out" 2>"$dir/err"
}

# round CALL ERROR N: as a status of its own, and with words.
round() {
    LD_PRELOAD=$preload FAULT="$1=$2@$3" timeout -k 2 10 "$TSPAM" "${load[@]}" \
        >"$dir/out" 2>"$dir/err"
    status=$?
    ended="exit $status"
    [ "$status" -lt 124 ] || return 1
    ! grep -qE 'Sanitizer|runtime error:|assertion' "$dir/err" || return 1
    [ -s "$dir/out" ] || [ -s "$dir/err" ]
}

# Rounds of one call: each of its numbers, or a few hundred samples of very many.
torture() {
    local call=$1 made=$2 by=$step n error bad=0
    [ "$made" -le 400 ] || by=$((made * step / 200))
    for error in ${errors[$call]}; do
        for ((n = 1; n <= made; n += by)); do
            rounds=$((rounds + 1))
            round "$call" "$error" "$n" && continue
            bad=$((bad + 1))
            echo "  $call=$error@$n: $ended; $(grep -vm 1 '^$' "$dir/err")"
        done
    done
    [ "$bad" = 0 ]
}

rounds=0
check "the command ends well by itself" counted
while read -r call made; do
    [ -n "$made" ] || continue # the sum of all
    check "whichever of $made calls of $call fails, it ends in good order" torture "$call" "$made"
done <"$dir/calls"

# Refused for good, not once: the connections fail, and nothing spins while they would wait.
refused_for_good() {
    LD_PRELOAD=$preload FAULT="epoll_ctl=ENOSPC@40+100000" timeout -k 2 10 "$TSPAM" rate \
        -r 100 -l 1 -t 5 --quiet --require 'failed>0' --require 'due==100' >"$dir/out" 2>"$dir/err"
    status=$?
    [ "$status" = 0 ] && out_has "no-memory/reply"
}
check "connections that epoll has no room for fail as no-memory" refused_for_good

# What is asked for is more than 40 MB of addresses hold; with more and more of them, until
# there is enough. What was measured is told, also where it is cut short.
short_of_memory() {
    local kib short=0
    for ((kib = 40000; kib < 400000; kib += 4000)); do
        (
            ulimit -v "$kib"
            timeout -k 2 20 "$TSPAM" rate -r 6000 -l 0.5 --hold 0.4 -w 2 -t 3 --quiet \
                >"$dir/out" 2>"$dir/err"
        )
        status=$?
        echo "  $kib KiB: exit $status" >>"$dir/err"
        [ "$status" -lt 124 ] || return 1
        [ -s "$dir/out" ] || continue # it could not begin
        out_has "own memory: " || break
        short=$((short + 1))
    done
    echo "  up to $kib KiB; in $short of the runs connections found no memory"
    [ "$short" -gt 0 ]
}
case $TSPAM_SANITIZE in
'') check "a run that is short of memory ends with a report, by no signal" short_of_memory ;;
*) echo "not tried with -fsanitize=$TSPAM_SANITIZE: a run that is short of memory" ;;
esac

echo "$rounds rounds"
check "there were rounds for the calls of both sides" [ "$rounds" -gt 50 ]
finish
