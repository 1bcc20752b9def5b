#!/usr/bin/env bash
# Runs the example agent on a small bug in a fresh folder and shows the trace it left.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD
bin=$root/build/bin
for program in coding_agent trunkline; do
  if [[ ! -x $bin/$program ]]; then
    echo "build/bin/$program is not there: run make build" >&2
    exit 1
  fi
done

rm -rf build/demo
mkdir -p build/demo
export TRUNKLINE_DIR=$root/build/demo/.trunkline
workplace=$(mktemp -d)
trap 'rm -rf "$workplace"' EXIT

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }

say "coding_agent --bug 1"
(cd "$workplace" && "$bin/coding_agent" --bug 1)

say "trunkline ls"
listing=$("$bin/trunkline" ls)
echo "$listing"

trace=$(grep -oE '\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b' <<<"$listing" | head -1 || true)
[[ -n $trace ]] || trace=$(grep -oE '\b[0-9a-f]{6,}\b' <<<"$listing" | head -1 || true)
if [[ -z $trace ]]; then
  echo "the agent left no trace" >&2
  exit 1
fi

say "trunkline show $trace"
"$bin/trunkline" show "$trace"
echo
echo "The traces are in build/demo/.trunkline; look again with TRUNKLINE_DIR=build/demo/.trunkline build/bin/trunkline ls"
