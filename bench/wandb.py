#!/usr/bin/env python3
"""Measures the W&B processor beside W&B's own SDK against a stand-in of its server and writes docs/benchmarks_wandb.md from
one run. See bench/README.md."""
import argparse
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import machine, peers, tracker_runs, wandb_page, wandb_runs  # noqa: E402


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", help="where to write the page; default: docs/benchmarks_wandb.md for five repetitions or "
                                      "more, else nowhere")
    options = parser.parse_args()
    if options.repetitions < 1:
        parser.error("nothing to do")
    if not options.out and options.repetitions >= 5:
        options.out = str(peers.ROOT / "docs" / "benchmarks_wandb.md")
    return options


def versions(interpreter):
    said = "import wandb, platform; print(wandb.__version__, platform.python_version())"
    wandb, python = subprocess.run([interpreter, "-c", said], cwd=os.sep, stdout=subprocess.PIPE, text=True,
                                   check=True).stdout.split()
    library = subprocess.run([peers.ROOT / "build" / "bin" / "trunkline", "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.split()[1]
    return {"W&B's SDK": f"{wandb} in Python {python}", "libtrunkline": library}


def main():
    options = parse()
    interpreter = tracker_runs.python("tests/peers/wandb_requirements.txt")
    scratch_root = peers.BUILT / "scratch"
    scratch_root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch_root) as scratch:
        outcomes, failures = wandb_runs.measure(interpreter, options.repetitions, scratch)
    absent = {f"{writer} {mode}": reason for (writer, mode), reason in failures.items()}
    text = wandb_page.whole(outcomes, absent, machine.describe(peers.ROOT), versions(interpreter))
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(text)
    print(text)
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())
