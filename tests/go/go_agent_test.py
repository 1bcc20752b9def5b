"""The example agent in Go: held to what the one in C++ is held to, and beside it: the same repairs, the same spans.

TRUNKLINE_TEST_GO_AGENT names the program, TRUNKLINE_TEST_BIN the folder of the one in C++. Standard library only."""

import os
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import coding_agent_test  # noqa: E402
from agent_comparison import MODELS, beside_each_other  # noqa: E402

IN_CPP = [coding_agent_test.PROGRAM]
IN_GO = [os.environ["TRUNKLINE_TEST_GO_AGENT"]]
coding_agent_test.PROGRAM = IN_GO[0]


class CodingAgent(coding_agent_test.CodingAgent):
    """Every test of the agent in C++, of the one in Go, which asks a model by itself."""

    by_curl = False


class BesideTheOther(unittest.TestCase):
    def beside(self, *arguments, **options):
        with tempfile.TemporaryDirectory(prefix="coding_agent_go-") as folder:
            (in_cpp, expected), (in_go, found) = beside_each_other((IN_CPP, IN_GO), Path(folder), *arguments, **options)
        self.assertEqual(in_cpp.returncode, in_go.returncode, in_go.stdout + in_go.stderr)
        for one, other in zip(expected, found):
            self.assertEqual(one, other)
        self.assertEqual(len(found), len(expected))
        self.assertGreater(len(found), 5)
        return in_cpp.stdout, in_go.stdout

    def test_the_planner_leaves_the_same_spans(self):
        for bug in "123":
            with self.subTest(bug=bug):
                totals = [re.findall("meter: total of.*", text) for text in self.beside("--bug", bug)]
                self.assertEqual(totals[0], totals[1])
                self.assertEqual(len(totals[0]), 1)

    def test_a_server_gets_and_gives_the_same(self):
        for name, decide in MODELS.items():
            with self.subTest(model=name):
                last = [text.splitlines()[-1] for text in self.beside("--bug", "1", decide=decide)]
                self.assertEqual(last[0], last[1])


if __name__ == "__main__":
    unittest.main()
