"""Runs the workloads of all peers, interleaved: a repetition goes through all workloads and in each through all
peers, so that what disturbs the machine disturbs them alike."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from kit import machine, peers

TIMEOUT_S = 300


@dataclass
class Outcome:
    """The repetitions of one workload of one peer."""
    rows: list

    def values(self, figure):
        return [row[figure] for row in self.rows if figure in row]

    def median(self, figure):
        return statistics.median(self.values(figure))

    def least(self, figure):
        return min(self.values(figure))


def progress(text):
    print(text, file=sys.stderr, flush=True)


def lines_of_json(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def start(program, arguments, scratch, prefix=(), **environment):
    """One run in a directory of its own; its lines of JSON, or what went wrong."""
    folder = tempfile.mkdtemp(dir=scratch)
    values = dict(os.environ, **program.environment, TRUNKLINE_DIR=os.path.join(folder, "trunkline"), **environment)
    try:
        done = subprocess.run([*prefix, *program.command, *arguments], cwd=folder, env=values, capture_output=True,
                              text=True, errors="replace", timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"more than {TIMEOUT_S} s") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if done.returncode:
        raise RuntimeError(f"ended with {done.returncode}: {done.stderr[-500:]}")
    return lines_of_json(done.stdout)


def arguments_of(workload):
    name, _, threads = workload.partition("x")
    return [name, threads or "1"]


def measure(programs, workloads, repetitions, scratch):
    """{(peer, workload): Outcome}, and failures as texts."""
    outcomes, failures = {}, {}
    for repetition in range(repetitions):
        for workload in workloads:
            for name, program in programs.items():
                if workload not in peers.by_name(name).workloads or (name, workload) in failures:
                    continue
                before = machine.load()
                try:
                    rows = start(program, arguments_of(workload), scratch)
                except RuntimeError as error:
                    failures[name, workload] = str(error)
                    continue
                for row in rows:
                    outcomes.setdefault((name, workload), Outcome([])).rows.append(dict(row, load=before))
        progress(f"repetition {repetition + 1} of {repetitions}, load {machine.load():.1f}")
    return outcomes, failures
