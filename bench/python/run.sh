#!/usr/bin/env bash
# The Python package beside OpenTelemetry's, in one run. usage: run.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
venv=$(tools/python_environment.py bench/python/requirements.txt)
site=$(tools/python_package.py site)
PYTHONPATH=$site exec "$venv/bin/python" bench/python/bench.py "$@"
