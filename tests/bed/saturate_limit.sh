#!/usr/bin/env bash
# G4, G5, G8: saturate finds the rate of a limiter that drops, one that refuses, and
# of a limit of open connections.
source "$(dirname "$0")/saturate_lib.sh"

drop() {
  saturate s
  within "G4 drops above 300/s" 300 5
  matches "G4 the reason" "$(figure s answer.reason)" "timeout/connect"
  kind "G4" rate rate 300
  kind "G4" rate burst 30
}

# A start above the limit: the search goes down first.
drop_from_above() {
  saturate s --start 1000 --no-diagnose
  within "G4 from 1,000/s down" 300 5
}

refuse() {
  saturate s
  within "G5 refuses above 300/s" 300 5
  matches "G5 the reason" "$(figure s answer.reason)" "refused/connect"
  kind "G5" rate rate 300
}

# A connection takes 0.4 ms more, and the kernel cleans its count once a tick, 4 ms.
limit_open() {
  saturate s
  within "G8 at most 20 open, 104.4 ms each" 191.6 5
  kind "G8" open connections 20
}

dropping() {
  bed_up --new-rate 300
  serve
  repeated 10 drop
  repeated 3 drop_from_above
}

refusing() {
  bed_up --new-rate 300 --reject
  serve
  repeated 10 refuse
}

open_limit() {
  bed_up --conn-limit 20 --delay 25
  serve
  repeated 10 limit_open
}

scenarios dropping "refusing open_limit" "$@"
finish
