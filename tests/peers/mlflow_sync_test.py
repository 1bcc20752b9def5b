"""What a process could not deliver to MLflow before it died, `trunkline sync` delivers to a real server."""
import json
import os
import subprocess
import unittest

from mlflow_support import AGENT, BIN, TIMEOUT_S, MlflowTest, history, read_back, variables

NOBODY_ANSWERS = {"http_proxy": "http://127.0.0.1:1", "no_proxy": ""}
ENDED = 3


class MlflowSyncTest(MlflowTest):
    def sync(self, experiment, *options, away=None, url=None):
        environment = dict(variables(experiment, self.folder, url), **away or {})
        done = subprocess.run([os.path.join(BIN, "trunkline"), "sync", "--to", "mlflow", "--json", "--timeout",
                               "5" if away else "60", *options], env=environment, capture_output=True, text=True,
                              timeout=TIMEOUT_S)
        return done.returncode, json.loads(done.stdout)

    def killed_agent_without_a_server(self, experiment, url=None):
        agent = subprocess.Popen([AGENT, "endless"], env=dict(variables(experiment, self.folder, url), **NOBODY_ANSWERS),
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(ENDED):
            agent.stdout.readline()
        agent.kill()
        agent.communicate()

    def test_what_a_dead_process_left_is_delivered_once(self):
        self.killed_agent_without_a_server("left")
        status, said = self.sync("left", away=NOBODY_ANSWERS)
        self.assertEqual((status, said["complete"], said["spans"]), (1, False, 0))
        status, said = self.sync("left", url="http://127.0.0.1:1")  # not the server that it was recorded for
        self.assertEqual((status, said["spans"], said["waiting"]), (0, 0, 1))
        status, said = self.sync("left")
        self.assertEqual((status, said["complete"], said["waiting"]), (0, True, 0))
        self.assertGreaterEqual(said["spans"], ENDED * 10)
        status, said = self.sync("left")
        self.assertEqual((status, said["runs"], said["spans"]), (0, 0, 0))
        self.check_runs("left")

    def test_what_waits_for_another_server_can_be_delivered_to_this_one(self):
        self.killed_agent_without_a_server("moved", "http://127.0.0.1:1")
        status, said = self.sync("moved", "--from", "http://127.0.0.1:1 moved")
        self.assertEqual((status, said["complete"], said["waiting"]), (0, True, 0))
        self.assertGreaterEqual(said["spans"], ENDED * 10)
        self.check_runs("moved")

    def check_runs(self, experiment):
        found = read_back(experiment)
        finished = [run for run in found["runs"] if run["status"] == "FINISHED"]
        self.assertIn(len(finished), (ENDED, ENDED + 1))  # one may end unheard
        self.assertEqual({run["status"] for run in found["runs"]} - {"FINISHED", "KILLED"}, set())
        for run in finished:
            self.assertEqual(history(run, "step/number"), [(i, float(i)) for i in range(10)])
        self.assertEqual(len(found["traces"]), len(found["runs"]))


if __name__ == "__main__":
    unittest.main()
