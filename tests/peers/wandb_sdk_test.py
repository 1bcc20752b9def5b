"""W&B's own client against what the processor writes: `wandb sync` takes its files to a server (fake_wandb.py), whole, of
killed processes and cut short, and `wandb.Api` reads the runs back. Run by the environment of wandb_requirements.txt."""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
AGENT = os.path.abspath(os.path.join(os.environ.get("TRUNKLINE_TEST_BIN", "build/bin"), "tracker_agent"))
ORACLE = os.path.join(HERE, "..", "unit", "data", "qitos_wandb.json")
SAME_AS_QITOS = ("all_kinds_flat", "nested_end_order", "stop_reason_set_before_end", "body_raises")
KEY = "0123456789abcdef" * 3
TIMES = ("_timestamp", "_runtime")
KILLS = 4


class Peer:
    """fake_wandb.py beside a test."""

    def __init__(self, *options):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "fake_wandb.py"), *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data), timeout=60) as answer:
            return json.loads(answer.read())

    def runs(self):
        return self.ask("/_state")["runs"]

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)


def without_times(row):
    return {key: value for key, value in row.items() if key not in TIMES}


def expected_of(timeline):
    """What QitOS logged: rows with their steps, config, summary."""
    rows, config, summary = [], {"model": "gpt-4o"}, {}
    for call, arguments, options in timeline:
        if call == "run.log":
            rows.append(dict(arguments[0], _step=options["step"]))
        elif call == "wandb.config.update":
            config.update(arguments[0])
        elif call == "run.summary.update":
            summary.update(arguments[0])
    return rows, config, summary


class WandbTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.start_server()

    def start_server(self, *options):
        self.server = Peer("--key", KEY, *options)
        self.addCleanup(self.server.stop)

    def variables(self, **more):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "TRUNKLINE_"))}
        return dict(kept, WANDB_BASE_URL=self.server.url, WANDB_API_KEY=KEY, WANDB_PROJECT="proj", WANDB_TAGS="t",
                    WANDB_DIR=self.folder, WANDB_CACHE_DIR=self.folder, WANDB_CONFIG_DIR=self.folder,
                    WANDB_DATA_DIR=self.folder, HOME=self.folder, TRUNKLINE_DIR=os.path.join(self.folder, "trunkline"),
                    TRUNKLINE_PROCESSORS="wandb", **more)

    def agent(self, *arguments, **more):
        done = subprocess.run([AGENT, *arguments], env=self.variables(**more), capture_output=True, text=True,
                              timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def sdk(self, *command):
        done = subprocess.run([sys.executable, *command], env=self.variables(), capture_output=True, text=True,
                              timeout=300, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        return done.stdout + done.stderr

    def sync(self, *logs):
        return self.sdk("-m", "wandb", "sync", *(os.path.dirname(log) for log in logs))

    def read_back(self):
        """The runs of the project as wandb.Api tells them, by name."""
        return json.loads(self.sdk(os.path.join(HERE, "verify_wandb.py"), "fake-entity/proj").splitlines()[-1])

    def logs(self):
        return sorted(glob.glob(os.path.join(self.folder, "wandb", "offline-run-*", "run-*.wandb")))

    def check_oracle(self, run, timeline):
        rows, config, summary = expected_of(timeline)
        self.assertEqual([without_times(row) for row in run["history"]], rows)
        # Of the processor's own options, and what the agent says only at the end, the config has nothing.
        self.assertEqual(run["config"], {key: config[key] for key in config if key not in ("model", "stop_reason")})
        self.assertEqual({key: run["summary"].get(key) for key in summary}, summary)
        self.assertEqual((run["state"], run["tags"], run["name"]), ("finished", ["t"], "run-1"))


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
        randomness, ended = random.Random(11), 0
        for _ in range(KILLS):
            agent = subprocess.Popen([AGENT, "endless"], env=self.variables(WANDB_MODE="offline"),
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            time.sleep(0.3 + randomness.random())
            agent.send_signal(signal.SIGKILL)
            ended += len(agent.communicate()[0].splitlines())
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
