"""What the tests with W&B's own client share: the server (fake_wandb.py), the agent, the client in a process of its own,
and QitOS's recorded events. Run by the environment of wandb_requirements.txt."""
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
AGENT = os.path.abspath(os.path.join(os.environ.get("TRUNKLINE_TEST_BIN", "build/bin"), "tracker_agent"))
ORACLE = os.path.join(HERE, "..", "unit", "data", "qitos_wandb.json")
SAME_AS_QITOS = ("all_kinds_flat", "nested_end_order", "stop_reason_set_before_end", "body_raises")
KEY = "0123456789abcdef" * 3
TIMES = ("_timestamp", "_runtime")


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
