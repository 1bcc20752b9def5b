"""One real MLflow server, and the programs that write to it in turn: ours, the same without the processor, MLflow's own
SDK, and prepared HTTP bodies for the server's own limit."""
import json
import os
import subprocess
import time
import urllib.request

from kit import peers, tracker_runs
from kit.tracker_runs import AGENT, Writer

FOLDER = peers.ROOT / "bench" / "peers" / "mlflow_sdk"
EXPERIMENT = "benchmark"
# The SDK is given less of what it needs seconds for; all figures are per record or per second.
OURS = {"numbers": 10_000, "calls": 2_000, "traces": 30, "joined": 30, "first": 1, "short": 1}
SDK = {"numbers": 300, "calls": 300, "joined": 30, "first": 1, "short": 1, "nothing": 1}
RAW = {"numbers": 10_000, "traces": 30}
WITHOUT = {"numbers": 10_000, "calls": 2_000}
MODES = ("nothing", "numbers", "calls", "traces", "joined", "first", "short")


class Server:
    """Ends with this object; knows one experiment."""

    def __init__(self, interpreter, scratch):
        folder = os.path.join(scratch, "server")
        os.mkdir(folder)
        self.process = subprocess.Popen([interpreter, peers.ROOT / "tests" / "peers" / "mlflow_server.py", folder],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = self.process.stdout.readline().strip()
        if not self.port:
            raise RuntimeError("the MLflow server does not start")
        self.experiment = self.ask("experiments/create", name=EXPERIMENT)["experiment_id"]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)

    def ask(self, call, **body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/2.0/mlflow/{call}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def new_run(self):
        return self.ask("runs/create", experiment_id=self.experiment, run_name="joined")["run"]["info"]["run_id"]

    def newest_run_has_a_number(self, since_ms):
        found = self.ask("runs/search", experiment_ids=[self.experiment], max_results=1,
                         filter=f"attributes.start_time >= {since_ms}").get("runs", [])
        return bool(found) and "metrics" in found[0].get("data", {})


def writers(interpreter):
    ours = {"TRUNKLINE_PROCESSORS": "mlflow"}
    return [Writer("trunkline", [AGENT], OURS, ours),
            Writer("without", [AGENT], WITHOUT, {"TRUNKLINE_PROCESSORS": "none"}),
            Writer("sdk", [interpreter, FOLDER / "agent.py"], SDK, {}),
            Writer("raw", [interpreter, FOLDER / "raw.py"], RAW, {})]


def environment(writer, server, mode, folder):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "TRUNKLINE_"))}
    kept.update(writer.environment, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{server.port}", TRUNKLINE_DIR=folder,
                MLFLOW_EXPERIMENT_NAME=EXPERIMENT, MLFLOW_ENABLE_ASYNC_TRACE_LOGGING="true",
                MLFLOW_DISABLE_TELEMETRY="true")
    if mode == "joined" and writer.name == "trunkline":  # the SDK's traces all belong to one run, too
        kept["MLFLOW_RUN_ID"] = server.new_run()
    return kept


def run(writer, mode, server, scratch):
    word, since_ms = "traces" if mode == "joined" else mode, time.time_ns() // 1_000_000
    return tracker_runs.run([*writer.command, word, str(writer.modes[mode])],
                            lambda folder: environment(writer, server, mode, folder), scratch,
                            (lambda: server.newest_run_has_a_number(since_ms)) if mode == "first" else None)


def measure(interpreter, repetitions, scratch):
    """{(writer, mode): Outcome}, and failures as texts."""
    server = Server(interpreter, scratch)
    try:
        everybody = writers(interpreter)
        for writer in everybody:  # what the server and the disk do the first time only
            if "numbers" in writer.modes:
                run(Writer(writer.name, writer.command, {"numbers": 10}, writer.environment), "numbers", server, scratch)
        return tracker_runs.take_turns(everybody, MODES, repetitions,
                                       lambda writer, mode: run(writer, mode, server, scratch), "MLflow")
    finally:
        server.close()
