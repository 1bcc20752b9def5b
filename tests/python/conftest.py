"""What the tests share: a directory of their own for each, the library ended after each, and a processor that keeps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import trunkline

LIMIT = 60  # seconds: every child has a limit; a deadlock is a failure and not a hang
ROOT = Path(__file__).resolve().parents[2]


class Keeper(trunkline.TraceProcessor):
    """Keeps every record it is given."""

    span_starts = False

    def __init__(self):
        self.records = []
        self.ended = threading.Event()
        self.endings = 0

    def on_trace_start(self, record):
        self.records.append(record)

    def on_span_end(self, record):
        self.records.append(record)

    def on_trace_end(self, record):
        self.records.append(record)

    def on_run(self, record):
        self.records.append(record)

    def shutdown(self):
        self.endings += 1
        self.ended.set()

    def spans(self):
        return [each for each in self.records if each.type == trunkline.RecordType.SPAN_END]

    def span(self, name):
        found = [each for each in self.spans() if each.name == name]
        assert len(found) == 1, f"{len(found)} spans named {name}: {[each.name for each in self.spans()]}"
        return found[0]

    def traces(self):
        return [each for each in self.records if each.type == trunkline.RecordType.TRACE_END]

    def parent_name(self, name):
        parent = self.span(name).parent_id
        return next((each.name for each in self.spans() if each.span_id == parent), None)


def eventually(done, limit=LIMIT):
    deadline = time.monotonic() + limit
    while not done():
        if time.monotonic() > deadline:
            return done()
        time.sleep(0.001)
    return True


@pytest.fixture
def directory(tmp_path):
    yield tmp_path / "store"
    trunkline.shutdown(LIMIT)


@pytest.fixture
def keeper(directory):
    """A session whose only processor keeps."""
    keeper = Keeper()
    trunkline.init(directory, processors=[keeper])
    return keeper


def flush():
    assert trunkline.force_flush(LIMIT)


def run_child(code, *arguments, limit=LIMIT, check=True, **variables):
    """Runs a program; it must end by itself within the limit."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    # A slow machine may need more than the usual for what a program leaves to its exit.
    environment.update(TRUNKLINE_EXIT_TIMEOUT_MS=str(1000 * limit // 2))
    environment.update(variables)
    child = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    try:
        out, err = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
        pytest.fail(f"did not end within {limit} s\n{out}\n{err}")
    if check:
        assert child.returncode == 0, f"ended with {child.returncode}\n{out}\n{err}"
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


def program(*arguments, directory):
    """The program `trunkline` of the build."""
    binary = os.path.join(os.environ["TRUNKLINE_TEST_BIN"], "trunkline")
    done = subprocess.run([binary, *arguments, "--dir", str(directory)], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_spans(path):
    """The spans that the processor jsonl wrote."""
    records = [json.loads(line) for line in Path(path).read_text().splitlines()]
    return [each for each in records if each["type"] == "span_end"]


@pytest.fixture
def session(directory):
    """Without any processor."""
    trunkline.init(directory, processors="none")
    return directory
