#!/usr/bin/env bash
# G2, G3: lost packets alone are no saturation; a limiter behind loss is found.
source "$(dirname "$0")/saturate_lib.sh"

loss_alone() {
  saturate s --max-rate 500
  is "G2 3 % of the SYNs lost: limited by" "$(figure s answer.limited_by)" "none found"
  figure s answer.reason
  is "G2: exit status" "$status" 0
}

both_ways() {
  saturate s --max-rate 300
  is "G3 1 % lost both ways: limited by" "$(figure s answer.limited_by)" "none found"
}

limiter() {
  saturate s
  within "3 % SYN loss and a limiter of 520/s" 520 8
}

bed_up --syn-loss 3; serve; repeated 4 loss_alone
finish
