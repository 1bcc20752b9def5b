#!/usr/bin/env python3
"""A W&B server as far as runs, their files and artifacts need one: GraphQL, file_stream and signed URLs, in memory. The
real SDK works against it online, syncs to it and reads back from it (wandb_sync_test.py, wandb_online_test.py).

GET /_state tells all that it has received: runs with their history as it was reassembled, gaps and rewritten lines,
artifacts, how often each operation was asked; ?raw=1 adds the lines as they were sent. POST /_faults takes a list of
{"match": part of the path, of the name of the operation or of a field of it, "times": n, "skip": requests to let pass
first, "fault": [name, arguments...], "after": whether the request is carried out first}; faults are those of
tests/peers/faults.py, "graphql-error" and "body" (an answer of one's own). POST /_stop {"run": path} stops a run as the
web page does. Options: --key KEY, --entity NAME, --max-body BYTES, --tls CERTIFICATE KEY, --lenient (fields it does not know are null, not an error). Prints
its port and ends with its standard input."""
import argparse
import base64
import gzip
import hashlib
import json
import re
import ssl
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

from fault_server import Server
from faults import FAULTS, answer
from wandb_artifacts import Artifacts
from wandb_graphql import Doc, Executor, GraphQLError
from wandb_nodes import Nodes
from wandb_runs import Runs, b64, loads_or_none, plain

FAULTS = dict(FAULTS, **{"graphql-error": lambda handler, message="it cannot be": answer(
    handler, body=json.dumps({"data": None, "errors": [{"message": message, "path": []}]}).encode())},
    body=lambda handler, text: answer(handler, body=text.encode()))


class Backend(Runs, Nodes, Artifacts):
    def __init__(self, options):
        self.args = options
        self.lock = threading.RLock()
        self.runs, self.artifacts, self.blobs = {}, {}, {}
        self.collections, self.client_ids, self.manifests = {}, {}, {}
        self.asked, self.unknown_fields, self.faults, self.requests = Counter(), Counter(), [], []
        self.faulted = 0
        self.t0 = time.time()

    def state(self, raw):
        runs = {run.path: run.dump() for run in self.runs.values()}
        for run in self.runs.values() if raw else ():
            runs[run.path]["lines"] = {name: run.text_lines(name) for name in run.lines}
        return {"runs": runs, "artifacts": [self.artifact_dump(each) for each in self.artifacts.values()],
                "asked": self.asked, "unknown_fields": self.unknown_fields, "requests": self.requests, "faulted": self.faulted}

    def roots(self):
        get_project = lambda a: self.project_with_membership(
            a.get("entityName") or a.get("entity") or self.args.entity, a.get("name")
        )
        return {
            "__typename": "Root",
            "viewer": lambda a: self.user_node(),
            "serverInfo": lambda a: {
                "cliVersionInfo": {"min_cli_version": "0.10.0", "max_cli_version": "0.99.0"},
                "latestLocalVersionInfo": None,
                "exposesExplicitRunQueueAckPath": True,
                "features": [],
            },
            "upsertBucket": self.upsert_bucket,
            "model": get_project,
            "project": get_project,
            "entity": lambda a: self.entity_node(a.get("name")),
            "organization": lambda a: {"name": a.get("name"), "featureFlags": []},
            "createRunFiles": self.create_run_files,
            "markRunFilesUploaded": lambda a: {"success": True},
            "createArtifactType": lambda a: {
                "artifactType": self.type_node(
                    a["input"].get("entityName"), a["input"].get("projectName"), a["input"]["name"]
                )
            },
            "createArtifact": self.create_artifact,
            "createArtifactManifest": self.create_manifest,
            "updateArtifactManifest": self.update_manifest,
            "createArtifactFiles": self.create_artifact_files,
            "commitArtifact": self.commit_artifact,
            "useArtifact": self.use_artifact,
            "artifact": lambda a: self.artifact_node(self.artifacts.get(a.get("id"))),
            "clientIDMapping": lambda a: (lambda s: {"serverID": s} if s else None)(
                self.client_ids.get(a.get("clientID"))
            ),
            "stopRun": lambda a: {"success": True, "clientMutationId": None},
            "notifyScriptableRunAlert": lambda a: {"success": True},
        }

    def project_with_membership(self, entity, name):
        p = self.project_node(entity, name)
        p["artifactCollectionMembership"] = lambda a: self.membership_by_name(entity, name, a.get("name"))
        return p

    def graphql(self, payload):
        doc = Doc(payload.get("query") or "")
        ex = Executor(doc, dict(payload.get("variables") or {}), self.roots(), not self.args.lenient)
        with self.lock:
            data = ex.run()
            for u in ex.unknown:
                self.unknown_fields[u] = self.unknown_fields.get(u, 0) + 1
        return {"data": data}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.connection.setsockopt(6, 1, 1)

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(parts)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding", "") == "gzip" else body

    def say(self, status, value, headers=()):
        answer(self, status, json.dumps(value).encode(), headers)

    def handle_any(self):
        backend, path = self.server.backend, unquote(urlsplit(self.path).path)
        body = self.read_body()
        if path.startswith("/_"):
            return self.control(path, body)
        names = self.names_of(path, body)
        with backend.lock:
            backend.asked[names[0]] += 1
            backend.requests.append([names[0], self.command, self.headers.get("Authorization"), len(body)])
            fault = self.fault_for([path, *names])
        if fault and not fault.get("after"):
            return FAULTS[fault["fault"][0]](self, *fault["fault"][1:])
        with backend.lock:
            result = self.carry_out(backend, path, body)
        if fault:
            return FAULTS[fault["fault"][0]](self, *fault["fault"][1:])
        return answer(self, *result)

    def names_of(self, path, body):
        """What a request is called in faults and counts, its main name first."""
        if path != "/graphql":
            return ["file_stream" if path.endswith("/file_stream") else path.split("/")[1]]
        try:
            kind, name, _, fields = Doc(json.loads(body)["query"]).ops[0]
        except (GraphQLError, ValueError, IndexError, KeyError):
            return ["?"]
        return [name or fields[0][2], kind, *(field[2] for field in fields if field[0] == "field")]

    def fault_for(self, names):
        for fault in self.server.backend.faults:
            if fault["times"] == 0 or not any(fault["match"] in name for name in names):
                continue
            if fault.get("skip", 0) > 0:
                fault["skip"] -= 1
                continue
            fault["times"] -= 1
            self.server.backend.faulted += 1
            return fault
        return None

    def carry_out(self, backend, path, body):
        if path.startswith("/storage/"):
            return self.storage(backend, path[len("/storage/"):], body)
        key = backend.args.key
        if key and self.headers.get("Authorization") not in ("Basic " + b64("api:" + key), "Bearer " + key):
            return 401, b'{"errors": [{"message": "user is not logged in"}], "error": "permission denied"}'
        given = loads_or_none(body)
        try:
            if path == "/graphql":
                return 200, json.dumps(backend.graphql(given)).encode()
            stream = re.fullmatch(r"/files/([^/]+)/([^/]+)/([^/]+)/file_stream", path)
            if stream is None or not isinstance(given, dict):
                return 404, b'{"error": "not found"}'
            if backend.args.max_body and len(body) > backend.args.max_body:
                return 413, b'{"error": "request too large"}'
            status, value = backend.file_stream(*stream.groups(), given)
            return status, json.dumps(value).encode()
        except (GraphQLError, KeyError, AttributeError, TypeError) as error:
            status = 400 if str(error).startswith("Syntax") else 200
            return status, json.dumps({"data": None, "errors": [{"message": str(error), "path": []}]}).encode()

    def storage(self, backend, key, body):
        if self.command == "PUT":
            told = self.headers.get("Content-MD5")
            if told and base64.b64encode(hashlib.md5(body).digest()).decode() != told:
                return 400, b'{"error": "Content-MD5 mismatch"}'
            backend.storage_put(key, body)
            return 200, b"", [("ETag", '"' + hashlib.md5(body).hexdigest() + '"')]
        if key not in backend.blobs:
            return 404, b'{"error": "no such object"}'
        return 200, backend.blobs[key], (), "application/octet-stream"

    def control(self, path, body):
        backend = self.server.backend
        with backend.lock:
            if path == "/_state":
                raw = "raw" in parse_qs(urlsplit(self.path).query)
                return answer(self, body=json.dumps(plain(backend.state(raw))).encode())
            if path == "/_faults":
                backend.faults = json.loads(body)
            if path == "/_stop":
                wanted = json.loads(body)["run"]
                for run in backend.runs.values():
                    run.stop_requested = run.stop_requested or run.path == wanted
            return answer(self)

    do_GET = do_POST = do_PUT = do_HEAD = handle_any


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--key")
    parser.add_argument("--entity", default="fake-entity")
    parser.add_argument("--max-body", type=int, default=0)
    parser.add_argument("--lenient", action="store_true")
    parser.add_argument("--tls", nargs=2)
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    options.public_url = f"http{'s' * bool(options.tls)}://127.0.0.1:{server.server_address[1]}"
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.backend = Backend(options)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
