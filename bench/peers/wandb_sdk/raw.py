"""The server's own limit: prepared bodies of rows over one keep-alive connection, each after the answer to the one before.
Prints one line of JSON. WANDB_BASE_URL, _API_KEY and _PROJECT say where to.
usage: raw.py numbers COUNT"""
import base64
import http.client
import json
import os
import sys
import time
import urllib.parse

ROWS_OF_A_BODY = 1000
UPSERT = ("mutation UpsertBucket($name: String, $project: String) { upsertBucket(input: {name: $name, modelName: $project}) "
          "{ bucket { name project { name entity { name } } } } }")


class Server:
    def __init__(self):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(os.environ["WANDB_BASE_URL"]).netloc)
        key = base64.b64encode(b"api:" + os.environ["WANDB_API_KEY"].encode()).decode()
        self.headers = {"Content-Type": "application/json", "Authorization": "Basic " + key}

    def ask(self, path, body):
        self.connection.request("POST", path, body, self.headers)
        response = self.connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status} {text[:300]}")
        return json.loads(text)


def bodies_of(count):
    for first in range(0, count, ROWS_OF_A_BODY):
        rows = [json.dumps({"loss": 1 / (i + 1), "_step": i, "_timestamp": 1.7e9 + i, "_runtime": i / 1000})
                for i in range(first, min(count, first + ROWS_OF_A_BODY))]
        body = {"files": {"wandb-history.jsonl": {"offset": first, "content": rows},
                          "wandb-summary.json": {"offset": 0, "content": [rows[-1]]}}}
        if first + ROWS_OF_A_BODY >= count:
            body.update(complete=True, exitcode=0)
        yield json.dumps(body)


def main():
    count = int(sys.argv[2])
    server, bodies = Server(), list(bodies_of(count))
    variables = {"name": "raw", "project": os.environ["WANDB_PROJECT"]}
    begin = time.monotonic()
    bucket = server.ask("/graphql", json.dumps({"query": UPSERT, "variables": variables}))["data"]["upsertBucket"]["bucket"]
    project = bucket["project"]
    for body in bodies:
        server.ask(f"/files/{project['entity']['name']}/{project['name']}/raw/file_stream", body)
    print(json.dumps({"mode": "numbers", "records": count, "seconds": time.monotonic() - begin}))


if __name__ == "__main__":
    main()
