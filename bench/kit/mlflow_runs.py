"""One real MLflow server, and the programs that write to it in turn: ours, the same without the processor, MLflow's own
SDK, and prepared HTTP bodies for the server's own limit."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass

from kit import machine, peers
from kit.runner import Outcome, lines_of_json, progress

AGENT = peers.ROOT / "build" / "bench" / "mlflow_agent"
FOLDER = peers.ROOT / "bench" / "peers" / "mlflow_sdk"
EXPERIMENT = "benchmark"
TIMEOUT_S = 600
LOOK_EVERY_S = 0.005
# The SDK is given less of what it needs seconds for; all figures are per record or per second.
OURS = {"numbers": 10_000, "calls": 2_000, "traces": 30, "joined": 30, "first": 1, "short": 1}
SDK = {"numbers": 300, "calls": 300, "joined": 30, "first": 1, "short": 1, "nothing": 1}
RAW = {"numbers": 10_000, "traces": 30}
WITHOUT = {"numbers": 10_000, "calls": 2_000}
MODES = ("nothing", "numbers", "calls", "traces", "joined", "first", "short")


def python():
    """The interpreter of the environment that has MLflow; made when it is not there."""
    done = subprocess.run([sys.executable, peers.ROOT / "tools" / "python_environment.py",
                           "tests/peers/mlflow_requirements.txt"], stdout=subprocess.PIPE, text=True, check=True)
    return os.path.join(done.stdout.strip(), "bin", "python")


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


@dataclass
class Writer:
    """A program that writes to the server: the modes that it has, and how much of each."""
    name: str
    command: list
    modes: dict
    environment: dict


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


def arrival(process, server, since_ms):
    """Until the server shows a number, and when it was logged, as the process says it."""
    deadline = time.monotonic() + TIMEOUT_S
    while not server.newest_run_has_a_number(since_ms):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the first number does not come")
        time.sleep(LOOK_EVERY_S)
    return time.monotonic_ns()


def run(writer, mode, server, scratch):
    """One run in a process and directory of its own."""
    folder = tempfile.mkdtemp(dir=scratch)
    word = "traces" if mode == "joined" else mode
    since_ms, before, begin = time.time_ns() // 1_000_000, machine.load(), time.monotonic_ns()
    process = subprocess.Popen([*writer.command, word, str(writer.modes[mode])], cwd=folder, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                               env=environment(writer, server, mode, folder))
    try:
        arrived = arrival(process, server, since_ms) if mode == "first" else 0
        out, err = process.communicate(timeout=TIMEOUT_S)
        ended = time.monotonic_ns()
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"more than {TIMEOUT_S} s") from None
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    if process.returncode:
        raise RuntimeError(f"ended with {process.returncode}: {err[-500:]}")
    row = lines_of_json(out)[0]
    row.update(load=before, process_s=(ended - begin) / 1e9)
    if arrived:
        row.update(arrival_s=(arrived - row["logged_ns"]) / 1e9, from_start_s=(arrived - begin) / 1e9)
    if row.get("seconds"):
        row["per_s"] = row["records"] / row["seconds"]
    return row


def measure(interpreter, repetitions, scratch):
    """{(writer, mode): Outcome}, and failures as texts."""
    outcomes, failures = {}, {}
    server = Server(interpreter, scratch)
    try:
        everybody = writers(interpreter)
        for writer in everybody:  # what the server and the disk do the first time only
            if "numbers" in writer.modes:
                run(Writer(writer.name, writer.command, {"numbers": 10}, writer.environment), "numbers", server, scratch)
        for repetition in range(repetitions):
            for mode in MODES:
                for writer in everybody:
                    if mode not in writer.modes or (writer.name, mode) in failures:
                        continue
                    try:
                        row = run(writer, mode, server, scratch)
                    except RuntimeError as error:
                        failures[writer.name, mode] = str(error)
                        continue
                    progress(f"{writer.name} {mode}: {row['process_s']:.1f} s")
                    outcomes.setdefault((writer.name, mode), Outcome([])).rows.append(row)
            progress(f"MLflow: repetition {repetition + 1} of {repetitions}, load {machine.load():.1f}")
    finally:
        server.close()
    return outcomes, failures
