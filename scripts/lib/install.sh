# What the scripts install, listed with its size before anything happens. Needs common.sh.
# shellcheck shell=bash

# What a build needs; the build stage of Containerfile has the same.
COMPILE_PACKAGES=(
  gcc libc6-dev make pkg-config          # Rust crates that build C
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
)
# What a server needs; so has the last stage.
RUN_PACKAGES=(
  gstreamer1.0-plugins-base              # appsrc, audioconvert, audioresample, opusdec, opusenc, videoconvert
  gstreamer1.0-libav                     # avdec_aac, avdec_h264, avenc_aac
  gstreamer1.0-plugins-ugly              # x264enc
  ca-certificates                        # whom webhooks by https trust
)
BUILD_PACKAGES=("${COMPILE_PACKAGES[@]}" "${RUN_PACKAGES[@]}")
# What publishes the demo, and fetches and unpacks its clip.
DEMO_PACKAGES=(ffmpeg python3 python3-pip)
# The real clients of the end-to-end tests.
TEST_PACKAGES=(
  chromium fonts-dejavu-core
  firefox-esr libavcodec59               # a second browser engine, and the H.264 it has not itself
  obs-studio xvfb xauth libgl1-mesa-dri openssl
  nginx                                  # a cache in front; the tests start their own, on loopback, and no other runs
  iproute2 nftables conntrack            # networks that lose packets and change addresses
  systemd                                # systemd-analyze, for config/shopcast.service
  gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice
  python3-gi gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0
  python3-venv                           # for aiortc and FFmpeg 9, see tests/e2e/requirements.txt
)

missing_packages() {
  local name
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || printf '%s\n' "$name"
  done
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

# need_tools: what has to be there already, because a script should not choose it for anyone.
need_tools() {
  local wanted
  have cargo || die "Rust is missing: install it with rustup (https://rustup.rs), then run this again"
  have node || die "Node.js 20 or newer is missing: install it, then run this again"
  have npm || die "npm is missing: it comes with Node.js"
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' \
    || die "Node.js $(node --version) is too old: 20 or newer is needed"
  wanted=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$ROOT/rust-toolchain.toml")
  say "Rust $wanted (pinned; rustup fetches it if it is not there), Node.js $(node --version)"
}

# install_packages PACKAGE...: lists what is missing and its size, asks, installs.
install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then
    say "Debian packages: all there"
    return
  fi
  have apt-get || die "these Debian packages are needed: ${missing[*]}"
  if [[ $(id -u) != 0 ]] && ! have sudo; then
    die "run as root: apt-get install --no-install-recommends ${missing[*]}"
  fi
  # Package lists that never were fetched make every name unknown.
  if ! apt-cache show "${missing[0]}" >/dev/null 2>&1; then as_root apt-get update -q; fi
  say "Debian packages to install: ${missing[*]}"
  package_sizes "${missing[@]}"
  confirm "Install them?" || die "nothing was installed"
  # Lists that are old name files that are gone: fetch them once and try again.
  apt_install "${missing[@]}" || { as_root apt-get update -q && apt_install "${missing[@]}"; } \
    || die "apt-get could not install: ${missing[*]}"
}

# package_sizes PACKAGE...: of all that comes with them. Only asks: `apt-get install --assume-no` installs at once what needs
# nothing else.
package_sizes() {
  local uris simulated names
  uris=$(LC_ALL=C apt-get install --no-install-recommends --print-uris -qq "$@" 2>/dev/null || true)
  simulated=$(LC_ALL=C apt-get install --no-install-recommends --simulate -qq "$@" 2>&1 || true)
  names=$(awk '$1 == "Inst" { print $2 }' <<<"$simulated")
  if [[ -z $names ]]; then
    # Newer lists may help, which `install_packages` fetches when the installation fails.
    warn "  their size is not known:"
    grep '^E:' <<<"$simulated" >&2 || warn "$simulated"
    return 0
  fi
  awk '{ bytes += $3 } END { printf "  %d packages, %.1f MB to download", NR, bytes / 1e6 }' <<<"$uris"
  # shellcheck disable=SC2086 # one word for each name
  apt-cache show --no-all-versions $names 2>/dev/null \
    | awk '$1 == "Installed-Size:" { kib += $2 } END { printf ", %.0f MB on disk\n", kib / 1000 }' || true
}

# apt_install PACKAGE...: in a subshell, so that whatever way it ends no file of it stays.
apt_install() (
  if [[ " $* " == *" nginx "* ]]; then keep_nginx_off || exit 1; fi
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >"$CACHE/apt.log" 2>&1 \
    || { tail -n 5 "$CACHE/apt.log" >&2; exit 1; }
  # Nor at the next start of the machine.
  if [[ " $* " == *" nginx "* ]] && have systemctl; then as_root systemctl --quiet disable nginx.service 2>/dev/null || true; fi
)

# keep_nginx_off: Debian starts a web server on port 80, open to everybody, as soon as it is installed, unless this says no.
# Whatever policy the machine has already stays as it is. For a subshell, which takes it back when it ends.
keep_nginx_off() {
  [[ ! -e $POLICY ]] || return 0
  trap 'as_root rm -f "$POLICY"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # shellcheck disable=SC2016 # for the shell that will run it
  printf '%s\n' '#!/bin/sh' 'for word; do case $word in nginx | nginx.service) exit 101 ;; esac; done' 'exit 0' \
    | as_root tee "$POLICY" >/dev/null && as_root chmod 0755 "$POLICY"
}
POLICY=/usr/sbin/policy-rc.d

# install_npm FOLDER: what its lock file says, when it is not there yet.
install_npm() {
  local folder=$1 done="$1/node_modules/.package-lock.json"
  if [[ -f $done && ! "$folder/package-lock.json" -nt $done ]]; then return; fi
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error)
}

# install_python FILE: the wheels its hashes allow into .cache/python, when they are not there yet.
install_python() {
  local wanted=$1 venv="$CACHE/python"
  if [[ -f "$venv/installed.txt" ]] && cmp --silent "$wanted" "$venv/installed.txt"; then return; fi
  rm -rf "$venv"
  python3 -m venv "$venv" || die "python3 -m venv does not work: install python3-venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --requirement "$wanted" || die "the Python packages of the tests could not be installed"
  cp "$wanted" "$venv/installed.txt"
}

# build_web: the player and the watch page, when anything they are made of is newer.
build_web() {
  local web="$ROOT/web"
  install_npm "$web" || return
  if [[ -f $web/dist/watch.html ]] \
    && [[ -z $(find "$web" -name node_modules -prune -o -path "$web/dist" -prune -o -type f -newer "$web/dist/watch.html" -print -quit) ]]; then
    return
  fi
  (cd "$web" && npm run --silent build)
}
