"""The example agent in Go is held to what the one in C++ is held to. That both leave the same spans is shown by
tests/e2e/coding_agents_test.py. TRUNKLINE_TEST_GO_AGENT names the program. Standard library only."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import coding_agent_test  # noqa: E402

coding_agent_test.PROGRAM = os.environ["TRUNKLINE_TEST_GO_AGENT"]


class CodingAgent(coding_agent_test.CodingAgent):
    """Every test of the agent in C++, of the one in Go, which asks a model by itself."""

    by_curl = False


if __name__ == "__main__":
    unittest.main()
