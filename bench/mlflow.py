#!/usr/bin/env python3
"""Measures the MLflow processor beside MLflow's own SDK against one real server and writes docs/benchmarks_mlflow.md from
one run. See bench/README.md."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import mlflow_page, mlflow_runs, tracker_bench  # noqa: E402

MLFLOW = tracker_bench.Tracker("benchmarks_mlflow.md", "tests/peers/mlflow_requirements.txt", "MLflow, server and SDK",
                               "import mlflow.version; print(mlflow.version.VERSION)", mlflow_runs, mlflow_page)

if __name__ == "__main__":
    sys.exit(tracker_bench.main(MLFLOW, __doc__))
