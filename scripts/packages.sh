# Sourced by quickstart.sh and tests/run.sh: installs Debian packages that are missing.
#   need build          those of scripts/packages.txt that building takes
#   need build test     and those that testing takes

need() {
  local table=${BASH_SOURCE[0]%/*}/packages.txt missing=() sudo=() package purpose rest
  while read -r package purpose rest; do
    [[ $package != '#'* && " $* " == *" $purpose "* ]] || continue
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
      missing+=("$package")
  done <"$table"
  ((${#missing[@]})) || return 0
  echo "installing: ${missing[*]}" >&2
  if ((EUID != 0)); then
    command -v sudo >/dev/null || {
      echo "not root, and no sudo: as root, run  apt-get install ${missing[*]}" >&2
      return 1
    }
    sudo=(sudo)
  fi
  # No service (nginx) is to be started because a test wants its program: policy-rc.d says so
  # meanwhile. An old package list is the commonest reason for an install to fail.
  "${sudo[@]}" sh -c '
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
      trap "rm -f $policy" EXIT
      trap "exit 1" HUP INT TERM
      printf "#!/bin/sh\nexit 101\n" >$policy
      chmod +x $policy
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null' need "${missing[@]}"
}
