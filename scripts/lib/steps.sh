# Runs named steps, keeps going after a failure, and prints how each went. Needs common.sh.
# shellcheck shell=bash

STEP_NAMES=()
STEP_RESULTS=()
STEP_SECONDS=()
FAILED=0

# step NAME COMMAND...: runs the command and notes how it went; its status is the command's.
step() {
  local name=$1 began=$SECONDS status=0
  shift
  say ""
  say "== $name"
  # In a subshell, so that a command that exits ends the step and not the script.
  ("$@") || status=$?
  STEP_NAMES+=("$name")
  STEP_SECONDS+=($((SECONDS - began)))
  if ((status == 0)); then STEP_RESULTS+=(ok); else
    STEP_RESULTS+=("FAILED ($status)")
    FAILED=$((FAILED + 1))
  fi
  return "$status"
}

# skip NAME REASON
skip() {
  STEP_NAMES+=("$1")
  STEP_SECONDS+=(0)
  STEP_RESULTS+=("skipped: $2")
}

step_table() {
  local i
  say ""
  printf '%-36s %8s  %s\n' step seconds result
  for i in "${!STEP_NAMES[@]}"; do
    printf '%-36s %8d  %s\n' "${STEP_NAMES[i]}" "${STEP_SECONDS[i]}" "${STEP_RESULTS[i]}"
  done
  printf '%-36s %8d  %s\n' total "$SECONDS" "$((${#STEP_NAMES[@]} - FAILED)) of ${#STEP_NAMES[@]} without failure"
}
