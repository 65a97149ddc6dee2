#!/usr/bin/env bash
# The first step of the action: an environment of its own with pytest-pretok.
set -euo pipefail

fail() {
  printf '::error title=pretok::%s\n' "$1"
  exit 1
}

# What goes into a requirement is a version and names, never a URL or an option.
[[ $PRETOK_VERSION =~ ^[0-9A-Za-z.!+_-]*$ ]] || fail "the input version is no version"
[[ $PRETOK_EXTRAS =~ ^[0-9A-Za-z._-]*(,[0-9A-Za-z._-]+)*$ ]] || fail "the input extras is no list of names"

python=${PRETOK_PYTHON:-$(command -v python3 || command -v python || true)}
[ -n "$python" ] || fail "there is no Python here: put actions/setup-python before this step"

environment=$(mktemp -d "${RUNNER_TEMP:-/tmp}/pretok-XXXXXX")
"$python" -m venv "$environment"
bin=$environment/bin
[ -d "$bin" ] || bin=$environment/Scripts # Windows

extras=${PRETOK_EXTRAS:+[$PRETOK_EXTRAS]}
if [ -n "$PRETOK_VERSION" ]; then
  requirement=pytest-pretok$extras==$PRETOK_VERSION
else
  requirement=$GITHUB_ACTION_PATH$extras
fi
"$bin/python" -m pip install --quiet --disable-pip-version-check "$requirement"
printf 'bin=%s\n' "$bin" >> "$GITHUB_OUTPUT"
