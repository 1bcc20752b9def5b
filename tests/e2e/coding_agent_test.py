"""The example agent from outside: with its planner, with a good model, and with models that answer badly.

TRUNKLINE_TEST_BIN names the folder of the program. Standard library only."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from openai_server import Raw, Server, calls, says

PROGRAM = os.path.join(os.environ.get("TRUNKLINE_TEST_BIN", "build/bin"), "coding_agent")
KEY = "sk-canary-0123456789abcdef"
FIX = ("edit_file", {"path": "shop.py", "old": "range(1, len(amounts))", "new": "range(len(amounts))"})


def good_model(number, messages):
    """Repairs bug 1 by what the tools return."""
    last = messages[-1]
    if last["role"] != "tool":
        return calls(("run_tests", {}))
    if last["content"].startswith("exit code 0"):
        return says("range began at 1.")
    if last["content"].startswith("exit code 1"):
        return calls(("read_file", {"path": "shop.py"}))
    if "def total" in last["content"]:
        return calls(FIX, ("run_tests", {}))
    return says("lost")


class CodingAgent(unittest.TestCase):
    by_curl = True  # who asks the server

    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="coding_agent_test-")
        self.addCleanup(shutil.rmtree, self.base)
        self.folder = os.path.join(self.base, "work")

    def run_agent(self, *arguments, server=None, **variables):
        environment = {"PATH": os.environ["PATH"], "TRUNKLINE_DIR": os.path.join(self.base, "traces"), **variables}
        if "LD_LIBRARY_PATH" in os.environ:
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        if server is not None:
            environment.update(OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY, OPENAI_MODEL="fake")
        command = [PROGRAM, "--dir", self.folder, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        self.assertIn(done.returncode, (0, 1, 2), done.stderr)
        self.assertNotIn(KEY, done.stdout + done.stderr)
        return done

    def folder_passes(self):
        command = ["python3", "-B", "-m", "unittest"]
        return subprocess.run(command, cwd=self.folder, capture_output=True).returncode == 0

    def records(self):
        """The spans of the one trace, and its end, from the JSON lines of the run."""
        with open(os.path.join(self.base, "traces", "traces.jsonl")) as file:
            rows = [json.loads(line) for line in file]
        self.assertEqual([row["type"] for row in rows].count("trace_end"), 1)
        self.assertEqual(len({row["trace"] for row in rows}), 1)
        return [row for row in rows if row["type"] == "span_end"], rows[-1]

    def tool_results(self, server):
        return [m["content"] for m in server.requests[-1]["messages"] if m["role"] == "tool"]

    def test_planner_repairs_every_bug(self):
        programs = set()
        for bug in ("1", "2", "3"):
            done = self.run_agent("--bug", bug)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("deterministic planner", done.stdout)
            self.assertIn("meter: total of", done.stdout)
            self.assertTrue(self.folder_passes())
            programs.add(done.stdout.split("The tests pass. ")[1].split("\n")[0])
            shutil.rmtree(self.folder)
        self.assertEqual(len(programs), 3, "three different repairs")

    def test_too_few_steps_are_a_failure(self):
        done = self.run_agent("--bug", "3", "--max-steps", "4")
        self.assertEqual(done.returncode, 1)
        self.assertIn("(max_steps)", done.stdout)
        self.assertFalse(self.folder_passes())

    def test_good_model(self):
        with Server(good_model) as server:
            done = self.run_agent("--bug", "1", server=server)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertTrue(self.folder_passes())
            self.assertEqual(len(server.requests), 4)
            for before, after in zip(server.requests, server.requests[1:]):
                self.assertEqual(after["messages"][: len(before["messages"])], before["messages"])
                self.assertGreater(len(after["messages"]), len(before["messages"]))
            for body, headers, lines in zip(server.requests, server.headers, server.command_lines):
                self.assertEqual(body["model"], "fake")
                self.assertEqual(len(body["tools"]), 4)
                self.assertEqual(headers["Authorization"], "Bearer " + KEY)
                self.assertTrue(b"curl" in lines or not self.by_curl)
                self.assertNotIn(KEY.encode(), lines)
            self.assertIn("meter: total of 4 generations, 400 tokens in, 40 out", done.stdout)
            self.assertIn("$0.000084", done.stdout)

    def test_bad_answers_are_survived(self):
        bad = [
            Raw(500, b"oops"),
            Raw(200, b"<html>"),
            None,
            Raw(200, b'{"choices": []}'),
            Raw(200, b'{"choices": [{"message": {"role": "assistant", "tool_calls": [{"id": 7}]}}]}'),
            None,
            Raw(200, b'{"choices": [{"message": "text"}]}'),
            Raw(200, b""),
        ]

        def decide(number, messages):
            answer = bad[number - 1] if number <= len(bad) else None
            return answer or good_model(number, messages)

        with Server(decide) as server:
            done = self.run_agent("--bug", "1", server=server)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(done.stdout.count("the model failed"), 6)
            self.assertEqual(done.stdout.count(", failed"), 6, "as the spans say")

    def test_a_model_that_only_fails_ends_the_run(self):
        for answer in (Raw(500, b"down"), Raw(200, b"[" * 100000), Raw(200, b"\xff\xfe\0"), Raw(302, b"")):
            with Server(lambda number, messages: answer) as server:
                done = self.run_agent("--bug", "1", server=server)
                self.assertEqual(done.returncode, 1)
                self.assertIn("(unrecoverable_error)", done.stdout)
                self.assertEqual(len(server.requests), 3)
            shutil.rmtree(self.folder)

    def test_no_server(self):
        done = self.run_agent("--bug", "1", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("(unrecoverable_error)", done.stdout)

    def test_wrong_tool_calls_are_answered_with_errors(self):
        outside = os.path.join(self.base, "outside.py")
        with open(outside, "w") as file:
            file.write("secret outside\n")
        wrong = [
            ("no_such_tool", {}),
            ("read_file", "not json"),
            ("read_file", "[1]"),
            ("read_file", {"path": 7}),
            ("read_file", {"path": "../outside.py"}),
            ("read_file", {"path": outside}),
            ("read_file", {"path": "link.py"}),
            ("read_file", {"path": "nul\0.py"}),
            ("read_file", {"path": "."}),
            ("edit_file", {"path": "../outside.py", "old": "secret", "new": "x"}),
            ("edit_file", {"path": "test_shop.py", "old": "import unittest", "new": ""}),
            ("edit_file", {"path": "shop.py", "old": "", "new": "x"}),
            ("edit_file", {"path": "shop.py", "old": "return", "new": "x"}),
        ]

        def decide(number, messages):
            if number == 1:
                os.symlink(outside, os.path.join(self.folder, "link.py"))
                return calls(*wrong)
            return good_model(number, [{"role": "user"}] if number == 2 else messages)

        with Server(decide) as server:
            done = self.run_agent("--bug", "1", server=server)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            results = self.tool_results(server)
            for (name, arguments), result in zip(wrong, results):
                self.assertTrue(result.startswith("error: "), (name, arguments, result))
            self.assertFalse(results[len(wrong)].startswith("error: "), "the control: a right call")
            self.assertNotIn("secret outside", str(server.requests))
        with open(outside) as file:
            self.assertEqual(file.read(), "secret outside\n")

    def test_a_model_that_lies_is_not_believed(self):
        with Server(lambda number, messages: says("All tests pass.")) as server:
            done = self.run_agent("--bug", "2", server=server)
            self.assertEqual(done.returncode, 1)
            self.assertIn("(final)", done.stdout)
            self.assertEqual(len(server.requests), 2)
            self.assertIn("do not pass", server.requests[1]["messages"][-1]["content"])

    def test_the_loop_is_bounded(self):
        with Server(lambda number, messages: calls(*[("list_files", {})] * 20)) as server:
            done = self.run_agent("--bug", "2", "--max-steps", "3", server=server)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(len(server.requests), 3)
            self.assertEqual(self.tool_results(server).count("error: too many calls"), 8)

    def test_the_program_under_repair_does_not_see_the_key(self):
        spy = ("edit_file", {"path": "money.py", "old": "# Amounts",
                             "new": "import os\nprint('spy', sorted(os.environ.items()), os.listdir('/proc/self/fd'))\n# Amounts"})

        def decide(number, messages):
            return calls(spy, ("run_tests", {})) if number == 1 else says("done")

        with Server(decide) as server:
            self.run_agent("--bug", "1", server=server)
            shown = self.tool_results(server)[1]
            self.assertIn("spy", shown)
            self.assertIn("HOME", shown)
            self.assertNotIn(KEY, shown)
            self.assertNotIn("OPENAI", shown)

    def test_the_trace_tells_the_run(self):
        with Server(good_model) as server:
            self.run_agent("--bug", "1", server=server, TRUNKLINE_PROCESSORS="jsonl")
        spans, trace = self.records()
        self.assertEqual(trace["attributes"]["stop_reason"], "success")
        by_id = {span["span"]: span for span in spans}

        def path(span):
            parent = by_id.get(span.get("parent"))
            return (path(parent) + " " if parent else "") + span["kind"]

        paths = [path(span) for span in spans]
        expected = {"agent": 1, "agent step": 4, "agent step generation": 4, "agent step tool": 4, "agent step critic": 1}
        self.assertEqual({each: paths.count(each) for each in paths}, expected)
        generations = [span for span in spans if span["kind"] == "generation"]
        for sent, span in zip(server.requests, generations):
            self.assertEqual(span["input"], sent["messages"])
            self.assertEqual(span["usage"], {"input": 100, "output": 10, "total": 110, "cache_read": 40})
            self.assertEqual(span["model"], "fake")
            self.assertEqual(span["attributes"]["gen_ai.response.model"], "fake-served")
            self.assertEqual(span["output"]["role"], "assistant")
        tools = [span for span in spans if span["kind"] == "tool"]
        self.assertEqual([span["name"] for span in tools], ["run_tests", "read_file", "edit_file", "run_tests"])
        self.assertEqual(tools[2]["input"], FIX[1])
        self.assertIn("def total", tools[1]["output"])

    def test_errors_are_on_the_spans(self):
        answers = [Raw(503, b"later"), calls(("read_file", "{broken"), ("nothing", {})), says("done"), says("done")]
        with Server(lambda number, messages: answers[number - 1]) as server:
            self.run_agent("--bug", "1", server=server, TRUNKLINE_PROCESSORS="jsonl")
        spans, trace = self.records()
        self.assertEqual(trace["status"], "error")
        failed = {span["name"]: span["error"] for span in spans if span["status"] == "error"}
        self.assertEqual({name: error["type"] for name, error in failed.items()},
                         {"chat fake": "http_503", "step 1": "http_503", "read_file": "bad_arguments",
                          "nothing": "unknown_tool", "coding_agent": "final"})
        self.assertEqual(failed["chat fake"]["message"], "later")
        broken = [span for span in spans if span["name"] == "read_file"][0]
        self.assertEqual(broken["input"], "{broken", "what is not JSON is kept as text")

    def test_what_cannot_begin(self):
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, "mine.txt"), "w") as file:
            file.write("keep")
        for arguments, variables in (
            (["--bug", "1"], {}),
            (["--bug", "4"], {}),
            (["--bug", "1", "--wrong", "x"], {}),
            (["--bug", "1"], {"OPENAI_BASE_URL": "ftp://127.0.0.1/"}),
            (["--bug", "1"], {"OPENAI_BASE_URL": "http://models.example/v1", "OPENAI_API_KEY": KEY}),
            (["--bug", "1"], {"OPENAI_BASE_URL": "http://127.0.0.1.example/v1", "OPENAI_API_KEY": KEY}),
            (["--bug", "1"], {"OPENAI_BASE_URL": "http://127.0.0.1:1@models.example/v1", "OPENAI_API_KEY": KEY}),
            (["--bug", "1"], {"OPENAI_BASE_URL": "http://127.0.0.1/", "OPENAI_API_KEY": 'k"\nurl = "http://evil'}),
        ):
            done = self.run_agent(*arguments, **variables)
            self.assertEqual(done.returncode, 2, (arguments, variables, done.stdout))
        self.assertEqual(os.listdir(self.folder), ["mine.txt"])


if __name__ == "__main__":
    unittest.main()
