#!/usr/bin/env bash
# G4, G5, G8: saturate finds the rate of a limiter that drops, one that refuses, and
# of a limit of open connections.
source "$(dirname "$0")/saturate_lib.sh"

dropping() {
  bed mark
  saturate s
  within "G4 drops above 300/s" 300 5
  matches "G4 the reason" "$(figure s answer.reason)" "timeout/connect"
}

refusing() {
  saturate s
  within "G5 refuses above 300/s" 300 5
  matches "G5 the reason" "$(figure s answer.reason)" "refused/connect"
}

open_limit() {
  saturate s
  within "G8 at most 20 open, 100 ms each" 200 5
}

bed_up --new-rate 300; serve; repeated 3 dropping
finish
