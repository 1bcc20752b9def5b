"""The MLflow server's own limit: prepared bodies over one keep-alive connection, each after the answer to the one before.
Prints one line of JSON. MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME say where to.
usage: raw.py numbers COUNT | traces COUNT"""
import http.client
import json
import os
import sys
import time
import urllib.parse

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

NUMBERS_OF_A_BATCH = 1000
SPANS_OF_A_TRACE = 10
SECOND = 1_000_000_000


class Server:
    def __init__(self):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(os.environ["MLFLOW_TRACKING_URI"]).netloc)

    def ask(self, method, path, body=None, kind="application/json", **headers):
        self.connection.request(method, path, body, {"Content-Type": kind, **headers})
        response = self.connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status} {text[:300]}")
        return text

    def experiment(self):
        name = urllib.parse.quote(os.environ["MLFLOW_EXPERIMENT_NAME"])
        path = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=" + name
        return json.loads(self.ask("GET", path))["experiment"]["experiment_id"]


def numbers(server, count):
    run = json.dumps({"experiment_id": server.experiment(), "run_name": "raw"})
    run_id = json.loads(server.ask("POST", "/api/2.0/mlflow/runs/create", run))["run"]["info"]["run_id"]
    bodies = []
    for first in range(0, count, NUMBERS_OF_A_BATCH):
        batch = [{"key": "loss", "value": 1 / (i + 1), "timestamp": 1_700_000_000_000 + i, "step": i}
                 for i in range(first, min(count, first + NUMBERS_OF_A_BATCH))]
        bodies.append(json.dumps({"run_id": run_id, "metrics": batch}))
    begin = time.monotonic()
    for body in bodies:
        server.ask("POST", "/api/2.0/mlflow/runs/log-batch", body)
    return time.monotonic() - begin


def spans_of(trace_id, begin):
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for i in range(SPANS_OF_A_TRACE + 1):  # the first is their root
        span = spans.add(trace_id=trace_id, span_id=(i + 1).to_bytes(8, "big"), name="llm.chat" if i else "agent",
                         start_time_unix_nano=begin + i, end_time_unix_nano=begin + SECOND)
        if i:
            span.parent_span_id = (1).to_bytes(8, "big")
        for key, value in (("mlflow.traceRequestId", json.dumps("tr-" + trace_id.hex())),
                           ("mlflow.spanType", '"CHAT_MODEL"'), ("mlflow.spanInputs", '{"question": "what is 6 times 7?"}'),
                           ("mlflow.spanOutputs", '"42"'), ("mlflow.chat.tokenUsage", '{"total_tokens": 1490}')):
            span.attributes.add(key=key).value.string_value = value
    return request.SerializeToString()


def traces(server, count):
    experiment, now, bodies = server.experiment(), time.time_ns(), []
    for i in range(count):
        trace_id = os.urandom(16)
        location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
        info = {"trace_id": "tr-" + trace_id.hex(), "trace_location": location, "state": "OK", "execution_duration": "1s",
                "request_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now // SECOND))}
        bodies.append((spans_of(trace_id, now + i), json.dumps({"trace": {"trace_info": info}})))
    begin = time.monotonic()
    for spans, info in bodies:
        server.ask("POST", "/v1/traces", spans, "application/x-protobuf", **{"x-mlflow-experiment-id": experiment})
        server.ask("POST", "/api/3.0/mlflow/traces", info)
    return time.monotonic() - begin


def main():
    mode, count = sys.argv[1], int(sys.argv[2])
    seconds = {"numbers": numbers, "traces": traces}[mode](Server(), count)
    print(json.dumps({"mode": mode, "records": count, "seconds": seconds}))


if __name__ == "__main__":
    main()
