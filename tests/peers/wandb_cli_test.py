"""`trunkline sync --to wandb`: runs that are files, ours and of W&B's own client, arrive as `wandb sync` brings them; and
what a process could not deliver before it died. Run by the environment of wandb_requirements.txt."""
import glob
import json
import os
import subprocess
import unittest

from wandb_support import AGENT, ORACLE, WandbTest

PROGRAM = os.path.join(os.path.dirname(AGENT), "trunkline")
SDK_RUN = """
import math, wandb
run = wandb.init(project="proj", name="theirs", mode="offline", config={"lr": 0.5, "deep": {"x": [1]}}, tags=["a"])
for i in range(50):
    run.log({"loss": 1 / (i + 1), "text": "x" * 40, "nan": math.nan})
run.summary["best"] = 3
run.finish(exit_code=2)
"""
KEPT = ("history", "config", "tags", "state", "exitcode", "display_name", "gaps")


class CliTest(WandbTest):
    def sync(self, *arguments, expect=0, **more):
        done = subprocess.run([PROGRAM, "sync", "--to", "wandb", "--json", "--timeout", "60", *arguments],
                              env=self.variables(**more), capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, expect, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def log(self):
        return glob.glob(os.path.join(self.folder, "wandb", "offline-run-*", "run-*.wandb"))[0]

    def uploaded(self):
        run = next(iter(self.server.runs().values()))
        summary = {key: value for key, value in run["summary"].items() if not key.startswith("_")}
        return {key: run[key] for key in KEPT} | {"summary": summary}

    def check_as_wandb_sync(self):
        log = self.log()
        said = self.sync(os.path.dirname(log))
        self.assertEqual((said[0]["already"], said[0]["ended"]), (False, True))
        ours = self.uploaded()
        self.assertEqual(self.sync(log)[0]["already"], True)
        self.start_server()
        os.remove(log + ".synced")
        self.sdk("-m", "wandb", "sync", os.path.dirname(log))
        theirs = self.uploaded()
        for run in (ours, theirs):  # what a float becomes on its way through Go
            for row in run["history"]:
                row["_timestamp"], row["_runtime"] = round(row["_timestamp"], 4), round(row["_runtime"], 4)
        for key in ours:
            self.assertEqual(ours[key], theirs[key], key)
        self.assertGreater(len(ours["history"]), 4)

    def test_a_file_of_ours(self):
        self.agent("replay", ORACLE, "all_kinds_flat", WANDB_MODE="offline")
        self.check_as_wandb_sync()

    def test_a_file_of_the_sdk(self):
        self.sdk("-c", SDK_RUN)
        self.check_as_wandb_sync()

    def test_an_upload_that_is_interrupted_goes_on_where_it_began(self):
        self.agent("threads", "1", "30", WANDB_MODE="offline")
        self.server.ask("/_faults", [{"match": "file_stream", "times": -1, "fault": ["reset"], "after": True}])
        self.sync(self.log(), "--timeout", "1", expect=1)
        self.server.ask("/_faults", [])
        self.assertEqual(self.sync(self.log())[0]["rows"], 30)
        run = self.uploaded()
        self.assertEqual([row["_step"] for row in run["history"]], list(range(30)))
        self.assertEqual(glob.glob(self.log() + ".*"), [self.log() + ".synced"])

    def killed_agent(self, traces, **away):
        agent = subprocess.Popen([AGENT, "endless"], env=dict(self.variables(), **away), stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
        for _ in range(traces):
            agent.stdout.readline()
        agent.kill()
        agent.communicate()

    def check_runs(self, traces):
        runs = self.server.runs().values()
        self.assertGreaterEqual(sum(run["state"] == "finished" for run in runs), traces)
        for run in runs:
            self.assertEqual([row["_step"] for row in run["history"]], list(range(len(run["history"]))))

    def test_what_a_dead_process_left_is_delivered_once(self):
        self.killed_agent(3, http_proxy="http://127.0.0.1:1", no_proxy="")
        said = self.sync()[0]
        self.assertEqual((said["complete"], said["waiting"]), (True, 0))
        self.assertGreaterEqual(said["spans"], 30)
        self.assertEqual(self.sync()[0]["spans"], 0)
        self.check_runs(3)

    def test_what_waits_for_another_server_is_told_and_delivered(self):
        self.killed_agent(1, WANDB_BASE_URL="http://127.0.0.1:1")
        said = self.sync()[0]
        self.assertEqual((said["spans"], said["waiting"], said["destination"]), (0, 1, self.server.url + " /proj"))
        waiting, = self.sync("--list")[0]
        self.assertEqual(waiting["destination"], "http://127.0.0.1:1 /proj")
        self.sync("--from", "http://127.0.0.1:2 /proj", expect=1)
        self.assertEqual(self.server.runs(), {})
        said = self.sync("--from", waiting["destination"])[0]
        self.assertEqual((said["delivered"], said["waiting"]), (waiting["records"], 0))
        self.check_runs(1)
        self.assertEqual(self.sync("--list"), [[]])

    def test_what_cannot_be(self):
        for arguments in ((self.folder,), (ORACLE,)):
            self.sync(*arguments, expect=1)
        done = subprocess.run([PROGRAM, "sync", "--to", "mlflow", self.folder], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
