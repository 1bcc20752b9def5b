#!/usr/bin/env python3
"""Measures the library beside others and writes docs/benchmarks.md from one run. See bench/README.md."""
import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import goals, machine, peers, report, runner  # noqa: E402

QUICK = ("trunkline", "floor", "fastrace")


def parse():
    names = [peer.name for peer in peers.TABLE]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only trunkline, floor and fastrace; prints, writes nothing")
    parser.add_argument("--peers", default=",".join(names), help="comma-separated; default: all")
    parser.add_argument("--workloads", default=",".join(peers.ALL), help="comma-separated; default: all")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", help="the page; default: docs/benchmarks.md")
    options = parser.parse_args()
    options.peers = [name for name in names if name in (QUICK if options.quick else options.peers.split(","))]
    options.workloads = [name for name in peers.ALL if name in options.workloads.split(",")]
    if not options.peers or not options.workloads:
        parser.error(f"peers are {', '.join(names)}; workloads are {', '.join(peers.ALL)}")
    return options


def main():
    options = parse()
    programs, missing = peers.build(options.peers)
    for name, reason in missing.items():
        runner.progress(f"without {name}: {reason}")
    scratch_root = peers.BUILT / "scratch"
    scratch_root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch_root) as scratch:
        outcomes, failures = runner.measure(programs, options.workloads, options.repetitions, scratch)
    for (name, workload), reason in failures.items():
        runner.progress(f"{name} {workload} failed: {reason}")
    loads = [row["load"] for outcome in outcomes.values() for row in outcome.rows]
    print(report.conditions(machine.describe(peers.ROOT), loads), end="\n\n")
    print(report.workload_table(outcomes, options.peers, options.workloads), end="\n\n")
    print(goals.goal_table(goals.caller_goals(outcomes)))
    return 1 if missing or failures else 0


if __name__ == "__main__":
    sys.exit(main())
