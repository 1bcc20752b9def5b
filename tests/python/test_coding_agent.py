"""The example agent in Python beside the one in C++: the same repairs, and the same spans in the trace."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import LIMIT, ROOT

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from coding_agent_test import KEY, good_model  # noqa: E402
from openai_server import Raw, Server, calls, says  # noqa: E402

IN_PYTHON = [sys.executable, str(ROOT / "examples" / "python" / "coding_agent" / "main.py")]
IN_CPP = [os.path.join(os.environ["TRUNKLINE_TEST_BIN"], "coding_agent")]


def run_agent(command, base, *arguments, server=None):
    """Exit code, what it printed, and the records of its trace."""
    base.mkdir()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ["PYTHONPATH"], "TRUNKLINE_PROCESSORS": "jsonl",
                   "TRUNKLINE_DIR": str(base / "traces"), "PYTHONDONTWRITEBYTECODE": "1"}
    if server is not None:
        environment.update(OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY, OPENAI_MODEL="fake")
    done = subprocess.run([*command, "--dir", str(base / "work"), *arguments], env=environment, capture_output=True,
                          text=True, timeout=5 * LIMIT)
    assert KEY not in done.stdout + done.stderr
    records = [json.loads(line) for line in (base / "traces" / "traces.jsonl").read_text().splitlines()]
    return done, records


def told(records, base):
    """What does not differ from run to run: no ids, no times."""
    ids = {record["span"]: i for i, record in enumerate(records) if record["type"] == "span_end"}
    out = []
    for record in records:
        kept = {key: value for key, value in record.items()
                if key not in ("run", "seq", "trace", "span", "start_ns", "end_ns", "resource")}
        kept["parent"] = ids.get(record.get("parent"))
        text = json.dumps(kept, sort_keys=True).replace(str(base), "BASE")
        out.append(json.loads(re.sub(r"\d+\.\d{3}s", "0.000s", text)))
    return out


def both(tmp_path, *arguments, decide=None):
    """Runs both; their folders have names of one length, for the counts of tokens."""
    results = []
    for name, command in (("cpp", IN_CPP), ("pyt", IN_PYTHON)):
        base = tmp_path / name
        if decide is None:
            done, records = run_agent(command, base, *arguments)
        else:
            with Server(decide) as server:
                done, records = run_agent(command, base, *arguments, server=server)
        results.append((done, told(records, base)))
    return results


@pytest.mark.parametrize("bug", ["1", "2", "3"])
def test_the_planner_leaves_the_same_spans(tmp_path, bug):
    (in_cpp, expected), (in_python, found) = both(tmp_path, "--bug", bug)
    assert in_cpp.returncode == in_python.returncode == 0, in_python.stdout + in_python.stderr
    assert len(found) > 10
    for one, other in zip(expected, found):
        assert one == other
    assert len(found) == len(expected)
    totals = [re.findall("meter: total of.*", done.stdout) for done in (in_cpp, in_python)]
    assert totals[0] == totals[1] and len(totals[0]) == 1


def test_the_comparison_sees_a_difference():
    records = [{"type": "span_end", "span": "1", "name": "a", "output": "Ran 3 tests in 0.002s", "start_ns": 5},
               {"type": "span_end", "span": "2", "parent": "1", "name": "b", "usage": {"input": 3}}]
    assert told(records, "base") == told([{**records[0], "output": "Ran 3 tests in 0.001s"}, records[1]], "base")
    for change in ({"name": "c"}, {"parent": "2"}, {"usage": {"input": 4}}, {"kind": "tool"}):
        assert told(records, "base") != told([records[0], {**records[1], **change}], "base")


@pytest.mark.parametrize("decide", [
    good_model,
    lambda number, messages: Raw(503, b"later") if number == 1 else good_model(number, messages),
    lambda number, messages: Raw(200, b'{"choices": []}') if number == 2 else good_model(number, messages),
    lambda number, messages: says("All tests pass."),
    lambda number, messages: calls(("read_file", {"path": "../x"}), ("no_such_tool", {}), ("edit_file", "broken"),
                                   ("edit_file", {"path": "test_shop.py", "old": "import", "new": ""}),
                                   ("list_files", {})) if number == 1 else says("done"),
    lambda number, messages: Raw(500, b"down"),
], ids=["good", "one failure", "no choice", "liar", "wrong calls", "down"])
def test_a_server_gets_and_gives_the_same(tmp_path, decide):
    (in_cpp, expected), (in_python, found) = both(tmp_path, "--bug", "1", decide=decide)
    assert in_cpp.returncode == in_python.returncode
    for one, other in zip(expected, found):
        assert one == other
    assert len(found) == len(expected)
    assert in_cpp.stdout.splitlines()[-1] == in_python.stdout.splitlines()[-1]


def test_a_key_is_not_sent_in_the_clear(tmp_path):
    environment = dict(os.environ, OPENAI_BASE_URL="http://models.example/v1", OPENAI_API_KEY=KEY)
    done = subprocess.run([*IN_PYTHON, "--bug", "1", "--dir", str(tmp_path / "w")], env=environment,
                          capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 2 and KEY not in done.stderr and not Path(tmp_path / "w").exists()
