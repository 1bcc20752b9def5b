#!/usr/bin/env python3
"""A tracking server as far as tests need one: MLflow's rules and limits, in memory, and faults on demand.

POST /_faults takes a list of {"match": part of a path, "method": if only one, "times": n, "fault": [name, arguments...],
"after": whether the request is carried out first}; faults are those of tests/peers/faults.py. GET /_state tells all that is
stored: runs with their history as it was received, spans by name, how often each path was asked and each resource was named,
how many bytes were received, how many requests were there at once, in which order a run was told what; of artifacts their size, and of traces.json the names of its spans. Options: --no-spans (as a server whose store is files), --old (as one that
knows nothing of OTLP), --user NAME:PASSWORD, --delay SECONDS (before each answer). Prints its port and ends with its standard input."""
import argparse
import base64
import json
import math
import re
import sys
import threading
import time
import uuid
from collections import Counter
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

from fault_server import Server
from faults import FAULTS, answer

KEY = re.compile(r"^[/\w.\- :]+\Z")


class Refused(Exception):
    def __init__(self, message, code="INVALID_PARAMETER_VALUE", status=400):
        super().__init__(message)
        self.code, self.status = code, status


def check_key(key):
    parts = key.split("/")
    if not KEY.match(key) or len(key) > 250 or any(part in ("", ".", "..") for part in parts):
        raise Refused(f"Invalid value {key!r} for name")


def number(value):
    """As the real server reads it: words for what JSON cannot say, all else must be a number."""
    if isinstance(value, str):
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[value]
    return float(value)


def fields(data):
    """The fields of a protobuf message: (number, value)."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, varint()
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            yield tag >> 3, data[at:at + size]
            at += size
        else:
            size = varint()
            yield tag >> 3, data[at:at + size]
            at += size


def inside(messages, wanted):
    return [value for message in messages for name, value in fields(message) if name == wanted]


class Store:
    def __init__(self):
        self.lock = threading.Lock()
        self.experiments = {"0": {"experiment_id": "0", "name": "Default", "lifecycle_stage": "active"}}
        self.runs, self.spans, self.traces, self.artifacts = {}, {}, {}, {}
        self.asked, self.faults, self.resources = Counter(), [], Counter()
        self.received = self.now = self.at_once = 0

    def experiment(self, name):
        return next((each for each in self.experiments.values() if each["name"] == name), None)

    def run(self, run_id):
        if run_id not in self.runs:
            raise Refused(f"Run with id={run_id} not found", "RESOURCE_DOES_NOT_EXIST", 404)
        return self.runs[run_id]

    def get_by_name(self, body):
        found = self.experiment(body["experiment_name"])
        if found is None:
            raise Refused("Could not find experiment", "RESOURCE_DOES_NOT_EXIST", 404)
        return {"experiment": found}

    def get_experiment(self, body):
        found = self.experiments.get(body["experiment_id"])
        if found is None:
            raise Refused("no such experiment", "RESOURCE_DOES_NOT_EXIST", 404)
        return {"experiment": dict(found, artifact_location=f"mlflow-artifacts:/{found['experiment_id']}")}

    def create_experiment(self, body):
        if self.experiment(body["name"]) is not None:
            raise Refused("Experiment already exists", "RESOURCE_ALREADY_EXISTS")
        experiment_id = str(len(self.experiments))
        self.experiments[experiment_id] = {"experiment_id": experiment_id, "name": body["name"],
                                           "lifecycle_stage": "active"}
        return {"experiment_id": experiment_id}

    def create_run(self, body):
        experiment = self.experiments.get(body["experiment_id"])
        if experiment is None or experiment["lifecycle_stage"] == "deleted":
            raise Refused("The experiment must be in the 'active' state")
        tags = {tag["key"]: tag["value"] for tag in body["tags"]}
        for key in tags:
            check_key(key)
        run_id = uuid.uuid4().hex
        self.runs[run_id] = {"run_id": run_id, "experiment_id": body["experiment_id"], "status": "RUNNING",
                             "name": body.get("run_name", "invented"), "start_time": body["start_time"],
                             "user": body.get("user_id"), "end_time": None, "lifecycle_stage": "active", "tags": tags,
                             "params": {}, "metrics": [], "metrics_received": 0, "calls": []}
        return {"run": self.shown(run_id)}

    def shown(self, run_id):
        run = self.run(run_id)
        return {"info": {"run_id": run_id, "experiment_id": run["experiment_id"], "status": run["status"],
                         "lifecycle_stage": run["lifecycle_stage"],
                         "artifact_uri": f"mlflow-artifacts:/{run['experiment_id']}/{run_id}/artifacts"},
                "data": {"tags": [{"key": key, "value": value} for key, value in run["tags"].items()]}}

    def search(self, body):
        key, value = re.fullmatch(r"tags\.`([^`]+)` = '([^']*)'", body["filter"]).groups()
        found = [run for run in self.runs.values() if run["experiment_id"] in body["experiment_ids"]
                 and run["tags"].get(key) == value and run["lifecycle_stage"] == "active"]
        found.sort(key=lambda run: -run["start_time"])
        return {"runs": [self.shown(run["run_id"]) for run in found[:body["max_results"]]]} if found else {}

    def log_batch(self, body):
        run = self.run(body["run_id"])
        run["calls"].append("log-batch")
        metrics, params, tags = (body.get(name, []) for name in ("metrics", "params", "tags"))
        if run["lifecycle_stage"] != "active":
            raise Refused("The run must be in the 'active' state")
        if len(metrics) > 1000 or len(params) > 100 or len(tags) > 100 or len(metrics) + len(params) + len(tags) > 1000:
            raise Refused("too many")
        for item in [*metrics, *params, *tags]:
            check_key(item["key"])
        if len({param["key"] for param in params}) < len(params):
            raise Refused("Duplicate parameter keys")
        for param in params:
            if run["params"].get(param["key"], param["value"]) != param["value"]:
                raise Refused(f"Changing param values is not allowed. Param with key='{param['key']}'")
        for metric in metrics:
            row = [metric["key"], metric["step"], str(number(metric["value"])), metric["timestamp"]]
            run["metrics_received"] += 1
            if row not in run["metrics"]:
                run["metrics"].append(row)
        run["params"].update((param["key"], param["value"][:6000]) for param in params)
        run["tags"].update((tag["key"], tag["value"][:8000]) for tag in tags)
        return {}

    def update(self, body):
        run = self.run(body["run_id"])
        run["calls"].append("update")
        if run["lifecycle_stage"] != "active":
            raise Refused("The run must be in the 'active' state")
        run["status"], run["end_time"] = body["status"], body.get("end_time")
        return {"run_info": {}}

    def take_spans(self, headers, body):
        if "x-mlflow-experiment-id" not in headers:
            raise Refused("the header is missing", status=422)
        if headers["x-mlflow-experiment-id"] not in self.experiments:
            raise Refused("no such experiment", status=404)
        for attribute in inside(inside(inside([body], 1), 1), 1):
            pair = dict(fields(attribute))
            text = dict(fields(pair[2])).get(1)
            if text is not None:
                self.resources[f"{pair[1].decode()}={text.decode()}"] += 1
        for span in inside(inside(inside([body], 1), 2), 2):
            known = dict(fields(span))
            if 8 > len(known.get(2, b"")):
                raise Refused("a span without an id", status=422)
            self.spans[known[1].hex() + known[2].hex()] = [known.get(5, b"").decode(), headers.get("x-mlflow-run-id")]

    def take_trace(self, body):
        info = body["trace"]["trace_info"]
        if self.takes_traces_once and info["trace_id"] in self.traces:
            raise Refused("Yaml file already exists", "INTERNAL_ERROR", 500)
        self.traces[info["trace_id"]] = info
        return {"trace": {"trace_info": info}}

    def get_trace(self, trace_id):
        if trace_id not in self.traces:
            raise Refused("no such trace", "RESOURCE_DOES_NOT_EXIST", 404)
        return {"trace": {"trace_info": self.traces[trace_id]}}

    def list_artifacts(self, folder):
        names = {path[len(folder) + 1:] for path in self.artifacts if path.startswith(folder + "/")}
        return {"files": [{"path": name, "is_dir": False} for name in names if "/" not in name]} if names else {}

    def shown_artifacts(self):
        return {path: [span["name"] for span in json.loads(content)["spans"]] if path.endswith("/traces.json")
                else len(content) for path, content in self.artifacts.items()}

    def state(self):
        return {"experiments": self.experiments, "runs": list(self.runs.values()), "traces": self.traces,
                "spans": Counter(name for name, _ in self.spans.values()), "asked": self.asked, "resources": self.resources,
                "received": self.received, "at_once": self.at_once,
                "artifacts": self.shown_artifacts(), "linked": len([1 for _, run in self.spans.values() if run in self.runs])}


CALLS = {"experiments/get-by-name": Store.get_by_name, "experiments/get": Store.get_experiment,
         "experiments/create": Store.create_experiment,
         "runs/create": Store.create_run, "runs/search": Store.search, "runs/log-batch": Store.log_batch,
         "runs/update": Store.update, "runs/get": lambda store, body: {"run": store.shown(body["run_id"])},
         "traces": Store.take_trace}


def refuse_constant(word):
    raise Refused(f"a bare {word}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.connection.setsockopt(6, 1, 1)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        store, path = self.server.store, urlsplit(self.path).path
        if path == "/_state":
            with store.lock:
                return answer(self, body=json.dumps(store.state()).encode())
        if path == "/_faults":
            store.faults = json.loads(body)
            return answer(self)
        with store.lock:
            store.asked[path] += 1
            store.received += len(body)
            store.now += 1
            store.at_once = max(store.at_once, store.now)
        try:
            time.sleep(self.server.delay)
            self.handle_one_of(store, path, body)
        finally:
            with store.lock:
                store.now -= 1

    def handle_one_of(self, store, path, body):
        fault = self.fault_for(path)
        if fault and not fault.get("after"):
            return FAULTS[fault["fault"][0]](self, *fault["fault"][1:])
        result = self.carry_out(store, path, body)
        if fault:
            return FAULTS[fault["fault"][0]](self, *fault["fault"][1:])
        return answer(self, *result)

    def fault_for(self, path):
        with self.server.store.lock:
            for fault in self.server.store.faults:
                if fault["match"] in path and fault["times"] != 0 and fault.get("method", self.command) == self.command:
                    fault["times"] -= 1
                    return fault
        return None

    def carry_out(self, store, path, body):
        if self.server.user and self.headers.get("Authorization") != self.server.user:
            return 401, b"You are not authenticated.", [("WWW-Authenticate", 'Basic realm="mlflow"')], "text/plain"
        try:
            with store.lock:
                if path == "/v1/traces":
                    if self.server.old:
                        return 404, b"<html>Not Found</html>", (), "text/html"
                    if self.server.no_spans and "x-mlflow-experiment-id" in self.headers:
                        return 501, b'{"detail":"not on this store"}'
                    store.take_spans(self.headers, body)
                    return 200, b"", (), "application/x-protobuf"
                if path.startswith("/api/2.0/mlflow-artifacts/artifacts"):
                    return self.artifact(store, unquote(path[36:]), body)
                if self.command == "POST" and self.headers.get("Content-Type") != "application/json":
                    raise Refused("Content-Type must be application/json")
                name = re.sub(r"^/api/[23]\.0/mlflow/", "", path)
                if name.startswith("traces/"):
                    return 200, json.dumps(store.get_trace(name[7:])).encode()
                call = CALLS.get(name)
                if call is None:
                    return 404, b"<html>Not Found</html>", (), "text/html"
                query = self.query()
                given = json.loads(body, parse_constant=refuse_constant) if body else query
                return 200, json.dumps(call(store, given)).encode()
        except Refused as refused:
            return refused.status, json.dumps({"error_code": refused.code, "message": str(refused)}).encode()

    def query(self):
        return {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}

    def artifact(self, store, path, body):
        if not path:
            return 200, json.dumps(store.list_artifacts(self.query()["path"])).encode()
        if self.command == "PUT":
            store.artifacts[path] = body
            return 200, b"{}"
        if self.command == "DELETE" and path in store.artifacts:
            del store.artifacts[path]
            return 200, b"{}"
        if path not in store.artifacts:
            return 500, b"<html>Internal Server Error</html>", (), "text/html"
        return 200, store.artifacts[path], (), "application/octet-stream"

    do_GET = do_POST = do_PUT = do_DELETE = handle_any


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-spans", action="store_true")
    parser.add_argument("--old", action="store_true")
    parser.add_argument("--user")
    parser.add_argument("--delay", type=float, default=0)
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    server.store, server.no_spans, server.old = Store(), options.no_spans, options.old
    server.delay = options.delay
    server.store.takes_traces_once = options.no_spans
    server.user = options.user and "Basic " + base64.b64encode(options.user.encode()).decode()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
