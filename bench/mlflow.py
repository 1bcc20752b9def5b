#!/usr/bin/env python3
"""Measures the MLflow processor beside MLflow's own SDK against one real server and writes docs/benchmarks_mlflow.md from
one run. See bench/README.md."""
import argparse
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import machine, mlflow_page, mlflow_runs, peers, tracker_runs  # noqa: E402


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", help="where to write the page; default: docs/benchmarks_mlflow.md for five repetitions or "
                                      "more, else nowhere")
    options = parser.parse_args()
    if options.repetitions < 1:
        parser.error("nothing to do")
    if not options.out and options.repetitions >= 5:
        options.out = str(peers.ROOT / "docs" / "benchmarks_mlflow.md")
    return options


def versions(interpreter):
    said = "import mlflow.version, platform; print(mlflow.version.VERSION, platform.python_version())"
    mlflow, python = subprocess.run([interpreter, "-c", said], cwd=os.sep, stdout=subprocess.PIPE, text=True,
                                    check=True).stdout.split()
    library = subprocess.run([peers.ROOT / "build" / "bin" / "trunkline", "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.split()[1]
    return {"MLflow, server and SDK": f"{mlflow} in Python {python}", "libtrunkline": library}


def main():
    options = parse()
    interpreter = tracker_runs.python("tests/peers/mlflow_requirements.txt")
    scratch_root = peers.BUILT / "scratch"
    scratch_root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch_root) as scratch:
        outcomes, failures = mlflow_runs.measure(interpreter, options.repetitions, scratch)
    absent = {f"{writer} {mode}": reason for (writer, mode), reason in failures.items()}
    text = mlflow_page.whole(outcomes, absent, machine.describe(peers.ROOT), versions(interpreter))
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(text)
    print(text)
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())
