#!/usr/bin/env bash
# Tests the checkers: each gets a sound sample, which it must accept, and broken ones, which it must refuse.
set -uo pipefail
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export TRUNKLINE_CACHE=$place/cache PYTHONDONTWRITEBYTECODE=1
area=selftest
. "$tools/check.sh"

# accepts NAME COMMAND...   refuses NAME PATTERN COMMAND...: a refusal must say why, in words that match PATTERN.
accepts() { check "$@"; }
refuses() {
  local name=$1 pattern=$2 output
  shift 2
  if output=$("$@" 2>&1); then
    echo "FAILED selftest: $name was accepted"
    failed=1
  elif ! grep -Eq -- "$pattern" <<<"$output"; then
    echo "FAILED selftest: $name was refused for another reason"
    sed 's/^/    /' <<<"$output" | head -30
    failed=1
  else
    echo "ok selftest: $name"
  fi
}
# in_folder FOLDER COMMAND...
in_folder() { (cd "$1" && shift && "$@"); }

. "$tools/selftest/header.sh"
. "$tools/selftest/bindings.sh"
. "$tools/selftest/tree.sh"
. "$tools/selftest/library.sh"
. "$tools/selftest/summary.sh"
exit "$failed"
