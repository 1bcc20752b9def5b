#!/usr/bin/env bash
# Runs the example agent, in C++ and in Python, on small bugs: with the local store, a processor of its own, a real MLflow
# server and W&B (its server with WANDB_API_KEY, else files) at once. Shows what they left in the store, what MLflow's own
# client reads back, and the runs that `wandb sync` takes.
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
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { title "\$ $*"; }

title "an MLflow server on this machine (the first time it is installed, which takes a while)"
mlflow=$(tools/python_environment.py tests/peers/mlflow_requirements.txt)/bin/python
coproc server { exec "$mlflow" tests/peers/mlflow_server.py; } # it ends with its standard input
read -r port <&"${server[0]}"
export MLFLOW_TRACKING_URI=http://127.0.0.1:$port MLFLOW_EXPERIMENT_NAME=demo
export WANDB_PROJECT=${WANDB_PROJECT:-trunkline-demo} WANDB_DIR=$root/build/demo
[[ -n ${WANDB_API_KEY:-} ]] || export WANDB_MODE=offline
export TRUNKLINE_PROCESSORS=local,mlflow,wandb
echo "$MLFLOW_TRACKING_URI"

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

say "trunkline sync --to mlflow" # what a slow server had not taken when the agents ended
"$bin/trunkline" sync --to mlflow

title "what MLflow's own client reads back"
"$mlflow" tools/show_mlflow.py

if [[ -z ${WANDB_API_KEY:-} ]]; then
  title "runs for W&B, as files: 'wandb sync' or 'trunkline sync --to wandb FOLDER...' takes them there"
  (cd build/demo && du -b wandb/*/*.wandb)
else
  title "runs at W&B, project $WANDB_PROJECT"
  "$bin/trunkline" sync --to wandb
fi
echo
echo "The traces are in build/demo/.trunkline; look again with TRUNKLINE_DIR=build/demo/.trunkline build/bin/trunkline ls"
