"""The example agents of two languages beside each other: run on the same bug with the same model, they leave the same
records but for ids and times. Standard library only."""

import json
import os
import re
import subprocess

from coding_agent_test import KEY, good_model
from openai_server import Raw, Server, calls, says

TIMEOUT = 300

# Models, by what they do wrong.
MODELS = {
    "good": good_model,
    "one failure": lambda number, messages: Raw(503, b"later") if number == 1 else good_model(number, messages),
    "no choice": lambda number, messages: Raw(200, b'{"choices": []}') if number == 2 else good_model(number, messages),
    "liar": lambda number, messages: says("All tests pass."),
    "wrong calls": lambda number, messages: calls(
        ("read_file", {"path": "../x"}), ("no_such_tool", {}), ("edit_file", "broken"),
        ("edit_file", {"path": "test_shop.py", "old": "import", "new": ""}),
        ("list_files", {})) if number == 1 else says("done"),
    "down": lambda number, messages: Raw(500, b"down"),
}


def run_agent(command, base, *arguments, server=None):
    """What came of it, and the records of its trace."""
    base.mkdir()
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
    environment.update(TRUNKLINE_PROCESSORS="jsonl", TRUNKLINE_DIR=str(base / "traces"), PYTHONDONTWRITEBYTECODE="1")
    if server is not None:
        environment.update(OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY, OPENAI_MODEL="fake")
    done = subprocess.run([*command, "--dir", str(base / "work"), *arguments], env=environment, capture_output=True,
                          text=True, timeout=TIMEOUT)
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


def beside_each_other(commands, folder, *arguments, decide=None):
    """[(what came of it, what it told)] of several programs. The names of their folders have one length, for the counts
    of tokens."""
    results = []
    for number, command in enumerate(commands):
        base = folder / f"agent{number}"
        if decide is None:
            done, records = run_agent(command, base, *arguments)
        else:
            with Server(decide) as server:
                done, records = run_agent(command, base, *arguments, server=server)
        results.append((done, told(records, base)))
    return results
