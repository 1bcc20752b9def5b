"""The example agent in every language: on the same bug, with the same model, all leave the same in the store but for ids, times
and folders. An agent that lies in examples/ and is not built is an error. Standard library only."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from coding_agent_test import KEY, good_model
from openai_server import Raw, Server, calls, says

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import coding_agents  # noqa: E402

TRACE = ("name", "group_id", "foreign_id", "status", "error_type", "error_message", "stop_reason", "metadata", "span_count",
         "error_count", "input_tokens", "output_tokens", "total_tokens", "dropped_attributes", "flags", "kinds")
SPAN = ("kind", "kind_name", "name", "status", "model", "input_tokens", "output_tokens", "total_tokens",
        "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "score", "score_name", "step", "input", "input_type",
        "output", "output_type", "error_type", "error_message", "foreign_id", "attributes", "dropped_attributes", "flags")
JSON = ("metadata", "attributes", "input", "output")  # compared as what it says


def read(value, member):
    try:
        return json.loads(value) if member in JSON and isinstance(value, str) else value
    except ValueError:
        return value  # text


def story(store, folder):
    """What a store tells of its one trace, without what differs from run to run: the trace, its spans as they ended, each with
    its parent and when among the others it began, and what happened in them."""
    rows = sqlite3.connect(store)
    rows.row_factory = sqlite3.Row
    traces = rows.execute("SELECT * FROM traces").fetchall()
    spans = rows.execute("SELECT * FROM spans ORDER BY rowid").fetchall()
    rows.close()
    if len(traces) != 1:
        raise AssertionError(f"{len(traces)} traces")
    place = {span["span_id"]: number for number, span in enumerate(spans)}
    begun = {span["span_id"]: number for number, span in enumerate(sorted(spans, key=lambda span: span["start_ns"]))}
    told = [{"trace": {member: read(traces[0][member], member) for member in TRACE}}]
    for span in spans:
        events = [{member: event[member] for member in event if member != "time_ns"} for event in json.loads(span["events"])]
        told.append({"parent": place.get(span["parent_id"]), "begun": begun[span["span_id"]], "events": events,
                     **{member: read(span[member], member) for member in SPAN}})
    # The folder's name, and how long the tests of the program under repair took.
    text = json.dumps(told, sort_keys=True).replace(folder, "FOLDER")
    return json.loads(re.sub(r"\d+\.\d{3}s", "0.000s", text))


class CodingAgents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agents = coding_agents.agents()

    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="coding_agents_test-")
        self.addCleanup(shutil.rmtree, self.base)

    def run_agent(self, agent, number, *arguments, server=None):
        """The exit code, the last line it printed, and the store. Folders have names of one length, for the counts of tokens."""
        base = os.path.join(self.base, f"agent{number}")
        os.mkdir(base)
        environment = {"PATH": os.environ["PATH"], "TRUNKLINE_DIR": os.path.join(base, "traces"),
                       "PYTHONDONTWRITEBYTECODE": "1", **agent.variables}
        if server is not None:
            environment.update(OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY, OPENAI_MODEL="fake")
        command = [*agent.command, "--dir", os.path.join(base, "work"), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        self.assertIn(done.returncode, (0, 1), f"{agent.language}: {done.stdout}{done.stderr}")
        self.assertNotIn(KEY, done.stdout + done.stderr)
        return done.returncode, done.stdout.splitlines()[-1], os.path.join(base, "traces", "traces.db"), base

    def compare(self, *arguments, decide=None):
        expected = None
        for number, agent in enumerate(self.agents):
            if decide is None:
                *outcome, store, base = self.run_agent(agent, number, *arguments)
            else:
                with Server(decide) as server:
                    *outcome, store, base = self.run_agent(agent, number, *arguments, server=server)
            found = story(store, base)
            with self.subTest(language=agent.language):
                self.assertGreater(len(found), 5)
                expected = expected or (outcome, found)
                self.assertEqual(outcome, expected[0])
                self.assertEqual(len(found), len(expected[1]))
                for one, other in zip(expected[1], found):
                    self.assertEqual(one, other)

    def test_those_in_the_tree_are_compared(self):
        folders = [folder for folder, _ in coding_agents.LANGUAGES if os.path.isdir(os.path.join(ROOT, folder))]
        self.assertEqual(len(self.agents), len(folders))
        self.assertGreaterEqual(len(self.agents), 2, "one alone is compared with nothing")

    def test_the_first_bug(self):
        self.compare("--bug", "1")

    def test_the_second_bug(self):
        self.compare("--bug", "2")

    def test_the_third_bug(self):
        self.compare("--bug", "3")

    def test_too_few_steps(self):
        self.compare("--bug", "3", "--max-steps", "4")

    def test_a_model_that_fails_once(self):
        self.compare("--bug", "1", decide=lambda number, messages: Raw(503, b"later") if number == 1 else
                     good_model(number, messages))

    def test_a_model_that_calls_wrongly(self):
        wrong = (("read_file", {"path": "../x"}), ("no_such_tool", {}), ("edit_file", "broken"), ("list_files", {}))
        self.compare("--bug", "1", decide=lambda number, messages: calls(*wrong) if number == 1 else says("done"))

    def test_the_comparison_sees_a_difference(self):
        *_, store, base = self.run_agent(self.agents[0], 0, "--bug", "1")
        expected = story(store, base)
        copy = os.path.join(self.base, "copy.db")
        second = "WHERE rowid = (SELECT rowid FROM spans ORDER BY rowid LIMIT 1 OFFSET 1)"
        first = "WHERE rowid = (SELECT rowid FROM spans WHERE kind_name = 'generation' ORDER BY rowid LIMIT 1)"
        changes = (f"UPDATE spans SET name = name || '!' {second}", f"UPDATE spans SET kind = 99 {second}",
                   f"UPDATE spans SET parent_id = NULL {second}", f"UPDATE spans SET status = 'error' {second}",
                   f"UPDATE spans SET start_ns = 1 {second}", f"UPDATE spans SET step = 77 {second}",
                   f"UPDATE spans SET attributes = json_set(attributes, '$.more', 1) {second}",
                   f"UPDATE spans SET attributes = '{{}}' {second}",
                   f"UPDATE spans SET input = replace(input, 'repair', 'mend') {first}",
                   f"UPDATE spans SET output_tokens = output_tokens + 1 {first}",
                   f"DELETE FROM spans {second}", "UPDATE spans SET rowid = -rowid",
                   "UPDATE traces SET metadata = json_set(metadata, '$.bug', 2)", "UPDATE traces SET status = 'error'")
        for change in ("SELECT 1", *changes):
            shutil.copy(store, copy)
            rows = sqlite3.connect(copy)
            rows.execute(change)
            rows.commit()
            rows.close()
            with self.subTest(change=change):
                (self.assertEqual if change == "SELECT 1" else self.assertNotEqual)(story(copy, base), expected)


if __name__ == "__main__":
    unittest.main()
