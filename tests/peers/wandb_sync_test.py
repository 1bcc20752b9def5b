"""W&B's own client against the files that the processor writes: `wandb sync` takes them to a server (fake_wandb.py), whole,
of killed processes and cut short, and `wandb.Api` reads the runs back. Run by the environment of
wandb_requirements.txt."""
import glob
import json
import os
import random
import shutil
import unittest

from kills import killed_at_random
from wandb_support import AGENT, ORACLE, SAME_AS_QITOS, WandbTest

KILLS = 4


class OfflineTest(WandbTest):
    def agent(self, *arguments):
        return super().agent(*arguments, WANDB_MODE="offline")

    def test_what_qitos_logs_is_what_sync_brings_to_the_server(self):
        with open(ORACLE, encoding="utf-8") as file:
            oracle = json.load(file)
        for scenario in SAME_AS_QITOS:
            with self.subTest(scenario):
                shutil.rmtree(os.path.join(self.folder, "wandb"), ignore_errors=True)
                self.start_server()
                self.agent("replay", ORACLE, scenario)
                self.assertEqual(len(self.logs()), 1)
                self.assertIn("Finished syncing", self.sync(self.logs()[0]))
                run, timeline = self.read_back()["run-1"], oracle[scenario]["timeline"]
                self.check_oracle(run, timeline)
                # The control: a number that is another is seen.
                other = json.loads(json.dumps(timeline))
                next(call for call in other if call[0] == "run.summary.update")[1][0]["total_steps"] = 99
                self.assertRaises(AssertionError, self.check_oracle, run, other)

    def test_a_run_of_the_host(self):
        self.agent("run")
        self.sync(self.logs()[0])
        run = self.read_back()["training"]
        self.assertEqual([row["loss"] for row in run["history"]], [1.0, 0.5, 1 / 3])
        self.assertEqual((run["state"], run["tags"]), ("failed", ["t", "team:a"]))
        self.assertEqual(next(iter(self.server.runs().values()))["exitcode"], 3)

    def test_whoever_is_killed_leaves_files_that_can_be_synced(self):
        """As they are, of processes that nobody recovers; and when the next process has."""
        ended = killed_at_random(KILLS, AGENT, self.variables(WANDB_MODE="offline"), random.Random(11))
        last = self.logs()[-1]
        self.sync(last)
        run = next(iter(self.server.runs().values()))
        self.assertEqual([row["_step"] for row in run["history"]], list(range(len(run["history"]))))
        self.agent("recover")
        self.start_server()  # sync brings a run to a server once
        for mark in glob.glob(last + ".*"):
            os.remove(mark)
        self.sync(*self.logs())
        runs = self.server.runs().values()
        finished = [run for run in runs if run["state"] == "finished"]
        self.assertGreaterEqual(ended, KILLS)
        self.assertGreaterEqual(len(finished), ended)
        self.assertLessEqual(len(finished), ended + KILLS)  # the end of one that nobody heard of
        for run in runs:
            steps = [row["step/number"] for row in run["history"]]
            self.assertEqual(steps, list(range(10 if run in finished else len(steps))))
            self.assertEqual(run["gaps"], {})
        self.assertLessEqual(len(runs) - len(finished), KILLS)

    def test_a_file_that_is_cut_short(self):
        self.agent("threads", "1", "100")
        log = self.logs()[0]
        size = os.path.getsize(log)
        with open(log, "r+b") as file:
            file.truncate(size * 2 // 3)
        self.sync(log)
        run = next(iter(self.server.runs().values()))
        steps = [row["_step"] for row in run["history"]]
        self.assertEqual(steps, list(range(len(steps))))
        self.assertGreater(len(steps), 30)
        self.assertEqual(run["state"], "failed")  # nobody knows how it ended


if __name__ == "__main__":
    unittest.main()
