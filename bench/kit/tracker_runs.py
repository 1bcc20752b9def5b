"""What is shared by the benchmarks of the processors for trackers: the environment of the tracker's own SDK, one run of a
program beside a server, and repetitions in which all writers take turns."""
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from kit import machine, peers
from kit.runner import Outcome, lines_of_json, progress

AGENT = peers.ROOT / "build" / "bench" / "runs_agent"
TIMEOUT_S = 600
LOOK_EVERY_S = 0.005


@dataclass
class Writer:
    """A program that writes to the server: the modes that it has, and how much of each."""
    name: str
    command: list
    modes: dict
    environment: dict


def python(requirements):
    """The interpreter of the environment that has a tracker's SDK; made when it is not there."""
    done = subprocess.run([sys.executable, peers.ROOT / "tools" / "python_environment.py", requirements],
                          stdout=subprocess.PIPE, text=True, check=True)
    return os.path.join(done.stdout.strip(), "bin", "python")


def processes_of(pid):
    """The process and those it has started, and so on."""
    found = [pid]
    for each in found:
        for task in os.listdir(f"/proc/{each}/task"):
            with open(f"/proc/{each}/task/{task}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    return found


def arrival(process, has_arrived):
    """Until the server shows what the process logged."""
    deadline = time.monotonic() + TIMEOUT_S
    while not has_arrived():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the first number does not come")
        time.sleep(LOOK_EVERY_S)
    return time.monotonic_ns()


def run(command, environment, scratch, has_arrived=None, look_at=lambda folder: {}):
    """One run in a process and directory of its own. `environment` is made for the directory, `look_at` tells something
    of what is left in it as figures, and `has_arrived` asks the server for the first number."""
    folder = tempfile.mkdtemp(dir=scratch)
    before, begin = machine.load(), time.monotonic_ns()
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, errors="replace", env=environment(folder))
    try:
        arrived = arrival(process, has_arrived) if has_arrived else 0
        started = len(processes_of(process.pid)) if has_arrived else 0
        out, err = process.communicate(timeout=TIMEOUT_S)
        ended = time.monotonic_ns()
        left = look_at(folder)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"more than {TIMEOUT_S} s") from None
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
        shutil.rmtree(folder, ignore_errors=True)
    if process.returncode:
        raise RuntimeError(f"ended with {process.returncode}: {err[-500:]}")
    row = lines_of_json(out)[0]
    row.update(left, load=before, process_s=(ended - begin) / 1e9)
    if arrived:
        row.update(processes=started, arrival_s=(arrived - row["logged_ns"]) / 1e9, from_start_s=(arrived - begin) / 1e9)
    if row.get("seconds"):
        row["per_s"] = row["records"] / row["seconds"]
    return row


def take_turns(writers, modes, repetitions, run_one, tracker):
    """{(writer, mode): Outcome}, and failures as texts."""
    outcomes, failures = {}, {}
    for repetition in range(repetitions):
        for mode in modes:
            for writer in writers:
                if mode not in writer.modes or (writer.name, mode) in failures:
                    continue
                try:
                    row = run_one(writer, mode)
                except RuntimeError as error:
                    failures[writer.name, mode] = str(error)
                    continue
                progress(f"{writer.name} {mode}: {row['process_s']:.1f} s")
                outcomes.setdefault((writer.name, mode), Outcome([])).rows.append(row)
        progress(f"{tracker}: repetition {repetition + 1} of {repetitions}, load {machine.load():.1f}")
    return outcomes, failures
