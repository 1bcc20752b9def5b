"""The example agent in Go is held to what the one in C++ is held to. That both leave the same spans is shown by
tests/e2e/coding_agents_test.py. TRUNKLINE_TEST_GO_AGENT names the program. Standard library only."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import coding_agent_test  # noqa: E402
from openai_server import Server, calls, says  # noqa: E402

coding_agent_test.PROGRAM = os.environ["TRUNKLINE_TEST_GO_AGENT"]


class CodingAgent(coding_agent_test.CodingAgent):
    """Every test of the agent in C++, of the one in Go, which asks a model by itself."""

    by_curl = False

    def shown_by(self, program):
        """What the model is told of tests that run `program`, and how long that took."""
        edit = ("edit_file", {"path": "money.py", "old": "# Amounts", "new": program + "\n# Amounts"})

        def decide(number, messages):
            return calls(edit, ("run_tests", {})) if number == 1 else says("done")

        began = time.monotonic()
        with Server(decide) as server:
            self.run_agent("--bug", "1", server=server)
            return self.tool_results(server)[1], time.monotonic() - began

    def test_output_without_end_is_stopped(self):
        shown, _ = self.shown_by("while True:\n    print('flood' * 1000)")
        self.assertTrue(shown.startswith("exit code 137\n"), shown[:100])
        self.assertTrue(shown.endswith("stopped after 32768 bytes of output"), shown[-100:])
        self.assertLess(len(shown), 33000)

    def test_what_outlives_the_tests_holds_up_nobody(self):
        shown, took = self.shown_by("import subprocess\n"
                                    "subprocess.Popen(['sleep', '50'], start_new_session=True)\nprint('started')")
        self.assertIn("started", shown)
        self.assertLess(took, 40)


if __name__ == "__main__":
    unittest.main()
