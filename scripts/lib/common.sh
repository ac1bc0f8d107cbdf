# Shared by the scripts: words, questions, and an orderly end.
# shellcheck shell=bash

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE="$ROOT/.cache"
ASSUME_YES=${ASSUME_YES:-}

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
  warn "error: $*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# confirm QUESTION: asks on a terminal; without one, in CI and with --yes the answer is yes.
confirm() {
  if [[ -n $ASSUME_YES || ${CI:-} == true || ! -t 0 || ! -t 1 ]]; then return 0; fi
  local answer
  read -r -p "$1 [Y/n] " answer || return 1
  [[ -z $answer || $answer == [Yy]* ]]
}

# Background processes of this script, ended by their own pids, whatever way the script ends.
PIDS=()
end_background() {
  local pid
  for pid in "${PIDS[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${PIDS[@]}"; do wait "$pid" 2>/dev/null || true; done
  PIDS=()
}

# http_status HOST:PORT PATH: the status of a GET, without needing curl; nothing when nobody answers.
http_status() {
  local address=$1 path=$2 line
  local host=${address%:*} port=${address##*:}
  {
    exec 9<>"/dev/tcp/$host/$port" || return 0
  } 2>/dev/null
  printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$path" "$address" >&9
  IFS=' ' read -r -t 40 _ line _ <&9 || true
  exec 9>&- 9<&-
  printf '%s' "${line:-}"
}
