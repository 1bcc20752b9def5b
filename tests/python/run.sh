#!/usr/bin/env bash
# The tests of the Python package. usage: run.sh test [arguments of pytest] | types | wheel
# types: mypy --strict. wheel: `pip install .` into an environment of its own, which is then used without this folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
what=${1:-test}
shift || true
venv=$(tools/python_package.py venv)

area=python
. tools/check.sh
case $what in
  test)
    site=$(tools/python_package.py site)
    export PYTHONPATH=$site TRUNKLINE_TEST_BIN=$PWD/build/bin TRUNKLINE_TEST_LIBRARY=$PWD/build/lib/libtrunkline.so
    exec "$venv/bin/python" -m pytest -q "$@"
    ;;
  types)
    check "types" "$venv/bin/mypy" --cache-dir=build/python/mypy
    export MYPYPATH=examples/python/coding_agent
    check "types of the example" "$venv/bin/mypy" --cache-dir=build/python/mypy-example -m main
    ;;
  wheel)
    place=$(mktemp -d)
    trap 'rm -rf "$place"' EXIT
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    check "the wheel is built from the root" tools/python_package.py wheel "$place/out"
    check "it is for the stable ABI" bash -c "ls '$place'/out/*-cp311-abi3-linux_*.whl"
    python3 -m venv --without-pip "$place/venv"
    check "it is installed without anything else" "$venv/bin/pip" --python "$place/venv/bin/python" install --no-index \
      "$place"/out/*.whl
    cd "$place"
    check "it records and reads back" env TRUNKLINE_PROCESSORS=jsonl "$place/venv/bin/python" -c '
import json, pathlib, trunkline
trunkline.init(pathlib.Path("store"))
with trunkline.trace("t"), trunkline.span("s"):
    pass
assert trunkline.shutdown()
lines = [json.loads(line) for line in pathlib.Path("store/traces.jsonl").read_text().splitlines()]
assert any(line.get("name") == "s" for line in lines), lines'
    check "the library lies beside the module" bash -c "
      readelf -d '$place'/venv/lib/python3*/site-packages/trunkline/_trunkline.abi3.so | grep -F '[\$ORIGIN]' &&
      ls '$place'/venv/lib/python3*/site-packages/trunkline/libtrunkline.so.0"
    ;;
  *)
    echo "usage: run.sh test|types|wheel" >&2
    exit 2
    ;;
esac
exit "$failed"
