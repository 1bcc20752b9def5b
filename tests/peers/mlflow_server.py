#!/usr/bin/env python3
"""A real MLflow server on loopback, with SQLite in a folder of its own: mlflow_server.py [FOLDER | --files]

With --files its store is files, which take no spans over OTLP.

To be run by the interpreter of an environment that has mlflow (tests/peers/mlflow_requirements.txt). Prints its port
when it answers, and ends with its standard input."""
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

START_S = 180
ATTEMPTS = 3  # another program may take the port before the server does


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as response:
            return response.status == 200
    except (OSError, http.client.HTTPException):
        return False


def start(folder, store, port):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_ALLOW_FILE_STORE="true",
                       MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")  # a dozen processes that nobody here asks for anything
    with open(os.path.join(folder, "log"), "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "2",
             "--backend-store-uri", store, "--artifacts-destination", f"{folder}/artifacts"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)


def stop(server):
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def comes_up(server, port):
    deadline = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < deadline:
        if answers(port):
            return True
        time.sleep(0.2)
    stop(server)
    return False


def main():
    files = sys.argv[1:] == ["--files"]
    own = len(sys.argv) == 1 or files
    folder = tempfile.mkdtemp(prefix="trunkline-mlflow-") if own else sys.argv[1]
    store = f"file://{folder}/mlruns" if files else f"sqlite:///{folder}/mlflow.db"
    try:
        for _ in range(ATTEMPTS):
            port = free_port()
            server = start(folder, store, port)
            if comes_up(server, port):
                break
        else:
            with open(os.path.join(folder, "log"), encoding="utf-8", errors="replace") as log:
                sys.exit("the MLflow server does not start:\n" + log.read()[-4000:])
        try:
            print(port, flush=True)
            sys.stdin.read()
        finally:
            stop(server)
    finally:
        if own:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
