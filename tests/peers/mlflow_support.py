"""What the tests against MLflow's own server share: one server of a kind for all of a process, the agent, and reading back by
MLflow's own client. Run by the environment of mlflow_requirements.txt."""
import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.path.abspath(os.environ.get("TRUNKLINE_TEST_BIN", "build/bin"))
AGENT = os.path.join(BIN, "tracker_agent")
TIMEOUT_S = 300


@functools.cache
def server_url(*options):
    """It is started when first asked for, which takes its time, and ends with this process."""
    server = subprocess.Popen([sys.executable, os.path.join(HERE, "mlflow_server.py"), *options],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop():
        server.stdin.close()
        server.stdout.close()
        server.wait(60)

    atexit.register(stop)
    port = server.stdout.readline().strip()
    if not port:
        raise AssertionError("the MLflow server does not start")
    return f"http://127.0.0.1:{port}"


def variables(experiment, folder, url=None):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "TRUNKLINE_"))}
    return dict(kept, MLFLOW_TRACKING_URI=url or server_url(), MLFLOW_EXPERIMENT_NAME=experiment, TRUNKLINE_DIR=folder,
                MLFLOW_DISABLE_TELEMETRY="true", TRUNKLINE_PROCESSORS="mlflow")


def trace_state(trace_id):
    """What the server says became of a trace."""
    url = f"{server_url()}/api/3.0/mlflow/traces/tr-{trace_id}"
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
        return json.load(response)["trace"]["trace_info"]["state"]


def read_back(experiment, *options, url=None):
    done = subprocess.run([sys.executable, os.path.join(HERE, "verify_mlflow.py"), url or server_url(), experiment,
                           *options], capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    return json.loads(done.stdout)


def history(run, key):
    return [tuple(point[:2]) for point in run["metrics"].get(key, {"history": []})["history"]]


class MlflowTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_program(self, command, experiment, url=None, **more):
        done = subprocess.run(command, env=dict(variables(experiment, self.folder, url), **more), capture_output=True,
                              text=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def agent(self, experiment, *arguments, url=None, **more):
        """`more`: further variables of its environment."""
        return self.run_program([AGENT, *arguments], experiment, url, **more)
