#!/usr/bin/env bash
# G4, G5: a limiter of N new connections a second, met at 1.25 N with a time-out too short
# for a second SYN. What fails is what the router says it dropped, to the connection.
source "$(dirname "$0")/lib.sh"

# At this rate a last SYN that leaves 5 ms late lets two more through: within the bound. What
# a machine that stood still for longer does to the bucket is no truth about the limiter.
limit=400 seconds=4
full && seconds=20

offered=$((limit * 5 / 4))

# met HOST [OPTION...]: a new limiter, and the run over it
met() {
  bed_up --new-rate "$limit" "${@:2}"
  serve
  rate over -H "$1" -r "$offered" -l "$seconds" -t 0.9
}

# over CAUSE HOST [OPTION...]: what it does
over() {
  local cause=$1 host=$2
  local what="$cause $host"
  again 'held_up 5' met "${@:2}"
  accounted over
  is "$what: due" "$(figure over due)" $((offered * seconds))
  is "$what: failed as the router counted" "$(figure over failed)" "$(stat nft.rate_over)"
  near "$what: failed as the formula says" "$(figure over failed)" \
    $((offered * seconds - limit * seconds - limit / 10)) 3
  is "$what: the cause of all" "$(figure over "failures['$cause']")" "$(figure over failed)"
  valid over # a limiter is not this machine's fault
  agree "$what: of the others" "$(figure over ok)"
}

IPv4() {
  over timeout/connect "$server4"
  over refused/connect "$server4" --reject
}

IPv6() {
  over timeout/connect "$server6"
  over refused/connect "$server6" --reject
}

scenarios IPv4 IPv6 "$@"
finish
