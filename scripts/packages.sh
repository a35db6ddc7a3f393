# Sourced by quickstart.sh and tests/run.sh: installs Debian packages that are missing.
#   need build-essential cmake …

need() {
  local missing=() package
  for package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
      missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  echo "installing: ${missing[*]}" >&2
  local sudo=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || {
      echo "not root, and no sudo: as root, run  apt-get install ${missing[*]}" >&2
      return 1
    }
    sudo=(sudo)
  fi
  # An old package list is the commonest reason for an install to fail: refresh it first.
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
