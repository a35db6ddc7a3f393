#!/usr/bin/env bash
# Machines that are not like ours: where the decimal point is a comma the scripts count right,
# and where there is no /dev/net/tun (most containers) a scenario with delay is skipped.
source "$(dirname "$0")/../bed/lib.sh"

# A German's shell, with a locale made here.
german() { LOCPATH=$work LC_ALL=de_DE.UTF-8 "$@"; }

# clock FILE: what the shell's clock says once FILE has been read
clock() {
  # shellcheck disable=SC2016 # the inner shell's
  german bash -c '. "$0"; echo "$EPOCHREALTIME"' "$1"
}

localedef -i de_DE -f UTF-8 "$work/de_DE.UTF-8"
echo : >"$work/nothing"
matches "a German's clock has a comma" "$(clock "$work/nothing")" '^[0-9]+,[0-9]+$'
matches "in a scenario of the bed it has a point" "$(clock "$bed_dir/lib.sh")" '^[0-9]+\.[0-9]+$'
matches "in a test of the command line too" "$(clock "$bed_dir/../cli/helpers.sh")" \
  '^[0-9]+\.[0-9]+$'

# The same scenario in a mount namespace of its own, without the device.
unshare -m bash -c 'mount -t tmpfs none /dev/net && exec bash "$0"' "$bed_dir/rate_delay.sh" \
  >"$work/out" 2>&1
is "without /dev/net/tun: exit status" "$?" 77
matches "without /dev/net/tun: the sentence" "$(tail -n 1 "$work/out")" "^skipped: "
finish
