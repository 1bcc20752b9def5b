#!/usr/bin/env bash
# Runs the example agent, in each language it is written in, on small bugs: with the local store, a processor of its own, a real MLflow
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

# Each language's agent mends another bug, and gets a line in the table at the end.
table=()
spans_of_newest() { "$bin/trunkline" ls --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["span_count"])'; }
run_agent() { # LANGUAGE FOLDER COMMAND
  local bug=$((${#table[@]} % 3 + 1)) result="the tests pass"
  say "${3//$root\//} --bug $bug"
  bash -c "$3 --bug $bug --dir '$workplace/$1'" </dev/null || result="failed: exit code $?"
  table+=("$(printf '%-10s %-30s %5s  %s' "$1" "$2" "$(spans_of_newest)" "$result")")
}
languages=$(tools/coding_agents.py)
while IFS=$'\t' read -r language folder command; do run_agent "$language" "$folder" "$command"; done <<<"$languages"

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
title "$(printf '%-10s %-30s %5s  %s' language agent spans result)"
printf '%s\n' "${table[@]}"
echo
echo "The traces are in build/demo/.trunkline; look again with TRUNKLINE_DIR=build/demo/.trunkline build/bin/trunkline ls"
! grep -q 'failed: exit code' <<<"${table[*]}"
