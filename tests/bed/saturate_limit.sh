#!/usr/bin/env bash
# G4, G5, G8: saturate finds the rate of a limiter that drops, one that refuses, and
# of a limit of open connections.
source "$(dirname "$0")/saturate_lib.sh"

drop() {
  saturate s
  within "G4 drops above 300/s" 300 5
  matches "G4 the reason" "$(figure s answer.reason)" "timeout/connect"
}

refuse() {
  saturate s
  within "G5 refuses above 300/s" 300 5
  matches "G5 the reason" "$(figure s answer.reason)" "refused/connect"
}

limit_open() {
  saturate s
  within "G8 at most 20 open, 100 ms each" 200 5
}

dropping() {
  bed_up --new-rate 300
  serve
  repeated 10 drop
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
