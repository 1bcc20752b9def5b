#!/usr/bin/env python3
"""Measures the library beside others and writes docs/benchmarks.md from one run. See bench/README.md."""
import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import bindings, callgrind, machine, page, peers, probes, runner  # noqa: E402

QUICK = ("trunkline", "floor", "fastrace")


def parse():
    names = [peer.name for peer in peers.TABLE]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only trunkline, floor and fastrace, only costs per span")
    parser.add_argument("--peers", help=f"comma-separated, of {','.join(names)}")
    parser.add_argument("--workloads", help=f"comma-separated, of {','.join(peers.ALL)}")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", help="where to write the page; default: docs/benchmarks.md for a whole run, else nowhere")
    options = parser.parse_args()
    options.whole = not (options.quick or options.peers or options.workloads)
    options.peers = chosen(options.peers, QUICK if options.quick else names, names)
    options.workloads = chosen(options.workloads, peers.ALL, peers.ALL)
    if not options.peers or not options.workloads or options.repetitions < 1:
        parser.error("nothing to do; see --help")
    if options.whole and not options.out:
        options.out = str(peers.ROOT / "docs" / "benchmarks.md")
    return options


def chosen(text, default, known):
    wanted = text.split(",") if text else default
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    return [name for name in known if name in wanted]


def measure(options, programs):
    scratch_root = peers.BUILT / "scratch"
    scratch_root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch_root) as scratch:
        outcomes, failures = runner.measure(programs, options.workloads, options.repetitions, scratch)
        costs, unmeasured = bindings.measure(programs, options.repetitions, scratch)
        failures.update(unmeasured)
        counted, found = {}, {}
        if options.whole:
            counted, uncounted = callgrind.measure(programs, options.workloads, scratch)
            failures.update(uncounted)
            found = probes.measure(scratch, options.repetitions)
    return outcomes, failures, counted, found, costs


def main():
    options = parse()
    programs, absent = peers.build(options.peers)
    outcomes, failures, counted, found, costs = measure(options, programs)
    absent.update({f"{name} {workload}": reason for (name, workload), reason in failures.items()})
    loads = [row["load"] for outcome in outcomes.values() for row in outcome.rows]
    text = page.whole([
        page.goal_section(outcomes, counted, found, costs),
        page.workloads(outcomes, options.peers, options.workloads),
        bindings.section(costs) if costs else "",
        page.instructions(counted) if counted else "",
        page.spread(found) if found else "",
        page.rest(found) if found else "",
        page.conditions(machine.describe(peers.ROOT), loads),
        page.missing(absent) if absent else "",
    ])
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(text)
    print(text)
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())
