# Holds the container file and the systemd unit against the rest of the repository, without building an image. Needs
# common.sh and install.sh.
# shellcheck shell=bash

# stage_packages FILE STAGE: what apt-get installs in the stage of that name, `-` for the last one, one a line.
stage_packages() {
  awk -v wanted="$2" '
    /^FROM / { name = ($3 == "AS") ? $4 : "-" }
    name == wanted && /apt-get install/ { listing = 1; next }
    listing && /&&/ { listing = 0 }
    listing { gsub(/\\/, ""); for (i = 1; i <= NF; i++) print $i }
  ' "$1" | sort
}

# same WHAT EXPECTED FOUND
same() {
  [[ $2 == "$3" ]] || { warn "$1: expected $(tr '\n' ' ' <<<"$2"), found $(tr '\n' ' ' <<<"$3")"; return 1; }
}

check_containerfile() {
  local file="$ROOT/Containerfile" compiler
  compiler=$(sed -n 's/^channel = "\([0-9]*\.[0-9]*\)\..*"$/\1/p' "$ROOT/rust-toolchain.toml")
  same "packages of the build stage" "$(printf '%s\n' "${COMPILE_PACKAGES[@]}" | sort)" "$(stage_packages "$file" build)" || return
  same "packages of the last stage" "$(printf '%s\n' "${RUN_PACKAGES[@]}" | sort)" "$(stage_packages "$file" -)" || return
  same "compiler" "$compiler" "$(sed -n 's/^FROM .*\/rust:\([0-9.]*\)-.*/\1/p' "$file")" || return
  # One Debian everywhere: a program built on a newer one does not start on an older one.
  same "Debian" bookworm "$(sed -n 's/^FROM .*\(bookworm\|trixie\|forky\).*/\1/p' "$file" | sort -u)" || return
  say "Containerfile: packages, compiler and Debian are those of the scripts"
}

# The highest exposure that is accepted, times ten; systemd calls up to 20 OK.
EXPOSURE_MAX=15

check_unit() {
  local unit said status=0
  unit=$(mktemp -d)
  # The programs need not be installed for their unit to be right.
  sed -E 's#^(ExecStart|ExecStartPre)=-?[^ ]*#\1=/bin/true#' "$ROOT/config/shopcast.service" >"$unit/shopcast.service"
  # A key it does not know is only a warning to it.
  said=$(systemd-analyze verify --man=no "$unit/shopcast.service" 2>&1) || status=$?
  [[ -z $said ]] || { warn "$said"; status=1; }
  systemd-analyze security --offline=true --no-pager --threshold=$EXPOSURE_MAX "$unit/shopcast.service" | tail -n 1 || status=$?
  rm -rf "$unit"
  return "$status"
}

# The transcoder ends where the unit refuses it the calls of its fence, which older groups of calls do not have.
check_fence_calls() {
  local call
  for call in seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self; do
    grep -q "^SystemCallFilter=@system-service .*\b$call\b" "$ROOT/config/shopcast.service" \
      || { warn "config/shopcast.service: SystemCallFilter= must name $call"; return 1; }
  done
}

check_packaging() { check_containerfile && check_unit && check_fence_calls; }
