#!/usr/bin/env python3
"""Measures the W&B processor beside W&B's own SDK against a stand-in of its server and writes docs/benchmarks_wandb.md from
one run. See bench/README.md."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import tracker_bench, wandb_page, wandb_runs  # noqa: E402

WANDB = tracker_bench.Tracker("benchmarks_wandb.md", "tests/peers/wandb_requirements.txt", "W&B's SDK",
                              "import wandb; print(wandb.__version__)", wandb_runs, wandb_page)

if __name__ == "__main__":
    sys.exit(tracker_bench.main(WANDB, __doc__))
