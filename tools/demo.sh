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

bold='' plain=''
[[ -t 1 ]] && bold=$'\033[1m' plain=$'\033[0m'
say() { printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"; }

say "coding_agent --bug 1"
"$bin/coding_agent" --bug 1 --dir "$workplace/one"

say "python3 examples/python/coding_agent/main.py --bug 2"
site=$(tools/python_package.py site)
PYTHONPATH=$site python3 examples/python/coding_agent/main.py --bug 2 --dir "$workplace/two"

say "trunkline ls"
"$bin/trunkline" ls

trace=$("$bin/trunkline" ls --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["id"])')
say "trunkline show $trace"
"$bin/trunkline" show "$trace"
echo
echo "The traces are in build/demo/.trunkline; look again with TRUNKLINE_DIR=build/demo/.trunkline build/bin/trunkline ls"
