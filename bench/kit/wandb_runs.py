"""A stand-in of W&B's server for each run, and the programs that write to it in turn: ours, the same without the processor,
W&B's own SDK, and prepared HTTP bodies for the server's own limit."""
import json
import os
import subprocess
import sys
import urllib.request

from kit import peers, tracker_runs
from kit.tracker_runs import AGENT, Writer

FOLDER = peers.ROOT / "bench" / "peers" / "wandb_sdk"
KEY = "0123456789" * 4
# The SDK is given less of what it needs seconds for; all figures are per record or per second.
OURS = {"numbers": 10_000, "calls": 2_000, "offline": 10_000, "first": 1, "short": 1}
SDK = {"numbers": 2_000, "calls": 2_000, "offline": 2_000, "first": 1, "short": 1, "nothing": 1}
RAW = {"numbers": 10_000}
WITHOUT = {"numbers": 10_000, "calls": 2_000}
MODES = ("nothing", "numbers", "calls", "offline", "first", "short")


class Server:
    """Ends with its block."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, peers.ROOT / "tests" / "peers" / "fake_wandb.py", "--key", KEY],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)

    def runs(self):
        with urllib.request.urlopen(self.url + "/_state", timeout=60) as answer:
            return json.load(answer)["runs"].values()

    def has_a_row(self):
        return any(run["history"] for run in self.runs())

    def rows(self):
        return sum(len(run["history"]) for run in self.runs())


def writers(interpreter):
    return [Writer("trunkline", [AGENT], OURS, {"TRUNKLINE_PROCESSORS": "wandb"}),
            Writer("without", [AGENT], WITHOUT, {"TRUNKLINE_PROCESSORS": "none"}),
            Writer("sdk", [interpreter, FOLDER / "agent.py"], SDK, {}),
            Writer("raw", [interpreter, FOLDER / "raw.py"], RAW, {})]


def environment(writer, server, mode, folder):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "TRUNKLINE_"))}
    kept.update(writer.environment, WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY, WANDB_PROJECT="benchmark",
                WANDB_MODE="offline" if mode == "offline" else "online", WANDB_SILENT="true", WANDB_DIR=folder,
                TRUNKLINE_DIR=os.path.join(folder, "trunkline"), HOME=folder)
    return kept


def left_in(folder):
    """Bytes of the files that a run has left, and of the logs that `wandb sync` takes among them."""
    sizes = {os.path.join(root, name): os.lstat(os.path.join(root, name)).st_size
             for root, _, names in os.walk(folder) for name in names}
    return {"left_bytes": sum(sizes.values()),
            "log_bytes": sum(size for path, size in sizes.items() if path.endswith(".wandb"))}


def run(writer, mode, scratch):
    word = "numbers" if mode == "offline" else mode
    with Server() as server:
        row = tracker_runs.run([*writer.command, word, str(writer.modes[mode])],
                               lambda folder: environment(writer, server, mode, folder), scratch,
                               server.has_a_row if mode == "first" else None, left_in)
        if mode == "numbers" and writer.name != "without" and server.rows() < row["records"]:
            raise RuntimeError(f"{server.rows()} of {row['records']} rows have come")
    if mode == "offline":
        row.update(bytes_per_row=row["log_bytes"] / row["records"])
    return row


def measure(interpreter, repetitions, scratch):
    """{(writer, mode): Outcome}, and failures as texts."""
    everybody = writers(interpreter)
    for writer in everybody:  # what the disk does the first time only
        if "numbers" in writer.modes:
            run(Writer(writer.name, writer.command, {"numbers": 10}, writer.environment), "numbers", scratch)
    return tracker_runs.take_turns(everybody, MODES, repetitions, lambda writer, mode: run(writer, mode, scratch), "W&B")
