"""What the stand-in of W&B keeps of runs: config, tags, the lines of their streams by number, files."""
import base64
import hashlib
import json
import math
import time
import urllib.parse
import uuid

from wandb_graphql import GraphQLError


def b64(s):
    return base64.b64encode(s.encode()).decode()


def now_iso(t=None):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t if t else time.time()))


def loads_or_none(s):
    try:
        return json.loads(s)
    except (TypeError, ValueError):
        return None


def plain(x):
    """NaN and Infinity as strings, so that any JSON parser can read the report."""
    if isinstance(x, float) and not math.isfinite(x):
        return "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, list):
        return [plain(v) for v in x]
    return x


def connection(nodes, **extra):
    return {
        "edges": [{"node": n, "cursor": str(i)} for i, n in enumerate(nodes)],
        "nodes": list(nodes),
        "totalCount": len(nodes),
        "pageInfo": {"__typename": "PageInfo", "hasNextPage": False, "endCursor": None},
        **extra,
    }


STREAM_FILES = ("wandb-history.jsonl", "wandb-events.jsonl", "wandb-summary.json", "output.log")


class Run:
    def __init__(self, entity, project, name):
        self.entity, self.project, self.name = entity, project, name
        self.id = b64("Run:v1:%s:%s:%s" % (name, project, entity))
        self.display_name = "fake-run-%s" % name[:6]
        self.config, self.tags, self.fields = {}, [], {}
        self.summary_upsert = None
        self.lines = {f: {} for f in STREAM_FILES}
        self.rewrites = {f: 0 for f in STREAM_FILES}
        self.state, self.exitcode, self.preempting = "running", None, False
        self.created = self.heartbeat = time.time()
        self.stream_posts = self.heartbeats = self.upserts = 0
        self.uploaded, self.files = [], {}
        self.logged_artifacts, self.used_artifacts = [], []
        self.stop_requested = False
        self.post_times = []

    @property
    def path(self):
        return "%s/%s/%s" % (self.entity, self.project, self.name)

    def text_lines(self, name):
        d = self.lines[name]
        return [d[i] for i in sorted(d)]

    def line_count(self, name):
        return max(self.lines[name], default=-1) + 1

    def gaps(self, name):
        d = self.lines[name]
        return [i for i in range(self.line_count(name)) if i not in d]

    def history(self):
        return [loads_or_none(l) for l in self.text_lines("wandb-history.jsonl")]

    def summary(self):
        lines = self.text_lines("wandb-summary.json")
        if lines:
            return loads_or_none(lines[-1]) or {}
        return self.summary_upsert or {}

    def dump(self):
        cfg = self.config
        return {
            "path": self.path,
            "state": self.state,
            "exitcode": self.exitcode,
            "display_name": self.display_name,
            "tags": self.tags,
            **self.fields,
            "config": {k: v.get("value") if isinstance(v, dict) else v for k, v in cfg.items() if k != "_wandb"},
            "config_wandb": (cfg.get("_wandb") or {}).get("value"),
            "history": self.history(),
            "summary": self.summary(),
            "events": [loads_or_none(l) for l in self.text_lines("wandb-events.jsonl")],
            "output": self.text_lines("output.log"),
            "gaps": {f: g for f in STREAM_FILES if (g := self.gaps(f))},
            "rewritten_lines": {f: n for f, n in self.rewrites.items() if n},
            "bad_json_history_lines": sum(loads_or_none(l) is None for l in self.text_lines("wandb-history.jsonl")),
            "preempting": self.preempting,
            "uploaded": self.uploaded,
            "files": {n: {"size": len(b), "md5": hashlib.md5(b).hexdigest()} for n, b in self.files.items()},
            "logged_artifacts": self.logged_artifacts,
            "used_artifacts": self.used_artifacts,
            "upserts": self.upserts,
            "stream_posts": self.stream_posts,
            "heartbeats": self.heartbeats,
            "stream_post_times": [round(t - self.created, 3) for t in self.post_times],
        }


class Runs:
    def run_for(self, entity, project, name, create=False):
        key = (entity or self.args.entity, project or "uncategorized", name)
        if key not in self.runs and create:
            self.runs[key] = Run(*key)
        return self.runs.get(key)

    def upsert_bucket(self, a):
        i = a.get("input") or {}
        run = None
        if i.get("id"):
            run = next((r for r in self.runs.values() if r.id == i["id"]), None)
        name = i.get("name") or uuid.uuid4().hex[:8]
        inserted = False
        if run is None:
            run = self.run_for(i.get("entityName"), i.get("modelName"), name)
            if run is None:
                run = self.run_for(i.get("entityName"), i.get("modelName"), name, True)
                inserted = True
        run.upserts += 1
        run.heartbeat = time.time()
        if run.upserts > 1 and run.state != "running" and not i.get("state"):
            run.state, run.exitcode = "running", None  # resumed
        if i.get("config") is not None:
            cfg = loads_or_none(i["config"])
            if cfg is None:
                raise GraphQLError("invalid config JSON")
            run.config = cfg
        if i.get("displayName") is not None:
            run.display_name = i["displayName"]
        if i.get("tags") is not None:
            run.tags = i["tags"]
        if i.get("state") is not None:
            run.state = i["state"]
        if i.get("summaryMetrics") is not None:
            run.summary_upsert = loads_or_none(i["summaryMetrics"])
        for k in ("groupName", "jobType", "notes", "description", "host", "commit", "jobProgram", "jobRepo", "sweep"):
            if i.get(k) is not None:
                run.fields[k] = i[k]
        return {"bucket": self.run_node(run), "inserted": inserted}

    def file_stream(self, entity, project, name, body):
        run = self.run_for(entity, project, name)
        if run is None:
            return 404, {"error": "run %s/%s/%s not found" % (entity, project, name)}
        run.stream_posts += 1
        run.heartbeat = time.time()
        run.post_times.append(run.heartbeat)
        if not body:
            run.heartbeats += 1
        for fname, chunk in (body.get("files") or {}).items():
            if fname not in run.lines:
                run.lines[fname], run.rewrites[fname] = {}, 0
            off = chunk["offset"]
            for k, line in enumerate(chunk["content"]):
                old = run.lines[fname].get(off + k)
                if old not in (None, line) and fname in ("wandb-history.jsonl", "wandb-events.jsonl"):
                    run.rewrites[fname] += 1
                run.lines[fname][off + k] = line
        run.uploaded += [f for f in body.get("uploaded") or [] if f not in run.uploaded]
        if body.get("preempting"):
            run.preempting = True
        if body.get("complete"):
            run.exitcode = body.get("exitcode", 0)
            run.state = "finished" if run.exitcode == 0 else ("preempted" if run.preempting else "failed")
        answer = {"exitcode": run.exitcode, "limits": {}}
        if run.stop_requested:
            answer["stopped"] = True
        return 200, answer

    def storage_url(self, *parts):
        return "%s/storage/%s" % (self.args.public_url, "/".join(urllib.parse.quote(p, safe="/") for p in parts))

    def create_run_files(self, a):
        i = a["input"]
        run = self.run_for(i.get("entityName"), i.get("projectName"), i["runName"])
        if run is None:
            raise GraphQLError("run not found")
        return {
            "runID": run.id,
            "uploadHeaders": [],
            "files": [{"name": n, "uploadUrl": self.storage_url("run", run.path, n)} for n in i["files"]],
        }

    def storage_put(self, key, data):
        self.blobs[key] = data
        if key.startswith("run/"):
            _, e, p, r, fname = key.split("/", 4)
            run = self.run_for(e, p, r)
            if run is not None:
                run.files[fname] = data
        elif key.startswith("manifest/"):
            self.manifests[key.split("/")[1]]["json"] = loads_or_none(data)
