#!/usr/bin/env bash
# G2, G3: lost packets alone are no saturation; a limiter behind loss is found.
source "$(dirname "$0")/saturate_lib.sh"

lossy() {
  saturate s --max-rate 500
  is "G2 3 % of the SYNs lost: limited by" "$(figure s answer.limited_by)" "none found"
  is "G2: exit status" "$status" 0
}

lossy_both_ways() {
  saturate s --max-rate 300
  is "G3 1 % lost both ways: limited by" "$(figure s answer.limited_by)" "none found"
  is "G3: exit status" "$status" 0
}

limited() {
  saturate s --no-diagnose
  within "3 % SYN loss and a limiter of 520/s" 520 8
}

loss_alone() {
  bed_up --syn-loss 3
  serve
  repeated 20 lossy
}

both_ways() {
  bed_up --loss 1 --delay 5
  serve
  repeated 5 lossy_both_ways
}

limiter() {
  bed_up --syn-loss 3 --new-rate 520
  serve
  repeated 10 limited
}

scenarios loss_alone "limiter both_ways" "$@"
finish
