#!/usr/bin/env bash
# The second step of the action: the check, its summary and annotations. Ends with its exit code.
set -uo pipefail

reports=$(mktemp -d "${RUNNER_TEMP:-/tmp}/pretok-reports-XXXXXX")
# Data of a change may come from anyone: what crashes a decoder shall not end the check.
command=("$PRETOK_BIN/pretok" check --engine processes --report "$reports/report.json" --report "$reports/report.md")
[ -z "$PRETOK_CONTRACT" ] || command+=(--contract "$PRETOK_CONTRACT")
[ -z "$PRETOK_SARIF" ] || command+=(--report "$PRETOK_SARIF")

# Adds the lines of an input to the command, without empty ones. Nothing in them is evaluated.
add_lines() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    [[ $line =~ ^[[:space:]]*$ ]] || command+=("$line")
  done <<< "$1"
}
add_lines "$PRETOK_ARGUMENTS"
command+=(--)
add_lines "$PRETOK_PATHS"

# The log shows names that come from data: none of its lines shall be a command to the runner.
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '::stop-commands::%s\n' "$token"
"${command[@]}"
code=$?
printf '\n::%s::\n' "$token"

if [ -s "$reports/report.json" ]; then
  "$PRETOK_BIN/python" -m pytest_pretok.report.annotations "$reports/report.json"
else
  printf '::error title=pretok::nothing was checked, see the log (exit code %s)\n' "$code"
fi

if [ "$PRETOK_SUMMARY" = true ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  if [ -s "$reports/report.md" ]; then
    cat "$reports/report.md" >> "$GITHUB_STEP_SUMMARY"
  else
    printf '## pretok: nothing was checked\n\nExit code %s, see the log.\n' "$code" \
      >> "$GITHUB_STEP_SUMMARY"
  fi
fi

printf 'exit-code=%s\n' "$code" >> "$GITHUB_OUTPUT"
# All reports are written together: without the one, a file of this name is an older one.
if [ -n "$PRETOK_SARIF" ] && [ -s "$reports/report.json" ]; then
  # With a delimiter nothing in a file name is read as another output.
  printf 'sarif-file<<%s\n%s\n%s\n' "$token" "$PRETOK_SARIF" "$token" >> "$GITHUB_OUTPUT"
fi
exit "$code"
