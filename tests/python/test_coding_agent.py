"""The example agent in Python beside the one in C++: the same repairs, and the same spans in the trace."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import LIMIT, ROOT

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from agent_comparison import MODELS, beside_each_other, told  # noqa: E402
from coding_agent_test import KEY  # noqa: E402

IN_PYTHON = [sys.executable, str(ROOT / "examples" / "python" / "coding_agent" / "main.py")]
IN_CPP = [os.path.join(os.environ["TRUNKLINE_TEST_BIN"], "coding_agent")]


@pytest.mark.parametrize("bug", ["1", "2", "3"])
def test_the_planner_leaves_the_same_spans(tmp_path, bug):
    (in_cpp, expected), (in_python, found) = beside_each_other((IN_CPP, IN_PYTHON), tmp_path, "--bug", bug)
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


@pytest.mark.parametrize("decide", MODELS.values(), ids=MODELS.keys())
def test_a_server_gets_and_gives_the_same(tmp_path, decide):
    programs = (IN_CPP, IN_PYTHON)
    (in_cpp, expected), (in_python, found) = beside_each_other(programs, tmp_path, "--bug", "1", decide=decide)
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
