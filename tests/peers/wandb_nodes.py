"""The objects of W&B's GraphQL, as the real SDK asks for them: supersets, of which the executor selects."""
import base64
import hashlib
import json

from wandb_runs import b64, connection, loads_or_none, now_iso


class Nodes:
    def user_node(self):
        e = self.args.entity
        return {
            "__typename": "User",
            "id": b64("User:1"),
            "entity": e,
            "username": e,
            "name": e,
            "email": e + "@example.invalid",
            "admin": False,
            "flags": "{}",
            "photoUrl": None,
            "deletedAt": None,
            "accountType": "OTHER",
            "defaultEntity": self.entity_node(e),
            "teams": connection([self.entity_node(e)]),
            "organizations": [],
            "apiKeys": connection([]),
        }

    def entity_node(self, name):
        return {
            "__typename": "Entity",
            "id": b64("Entity:" + name),
            "name": name,
            "isTeam": False,
            "available": True,
            "defaultAccess": "PRIVATE",
            "organization": None,
            "project": lambda a: self.project_node(name, a["name"]),
            "storageBucketInfo": None,
            "user": None,
        }

    def project_node(self, entity, name):
        entity = entity or self.args.entity

        def runs(a):
            want = loads_or_none(a.get("filters") or "{}") or {}
            nodes = [
                self.run_node(r)
                for r in self.runs.values()
                if (r.entity, r.project) == (entity, name) and ("name" not in want or want["name"] == r.name)
            ]
            return connection(nodes)

        one = lambda a: self._maybe_run(entity, name, a.get("name"))
        return {
            "__typename": "Project",
            "id": b64("Project:v1:%s:%s" % (name, entity)),
            "internalId": b64("ProjectInternalId:1"),
            "name": name,
            "entityName": entity,
            "entity": self.entity_node(entity),
            "createdAt": now_iso(self.t0),
            "isBenchmark": False,
            "readOnly": False,
            "description": None,
            "run": one,
            "bucket": one,
            "runs": runs,
            "runCount": lambda a: runs(a)["totalCount"],
            "artifact": lambda a: self.artifact_by_name(entity, name, a["name"]),
            "artifactType": lambda a: self.type_node(entity, name, a["name"]),
            "artifactTypes": lambda a: connection(
                [
                    self.type_node(entity, name, t)
                    for t in sorted({c["type"] for k, c in self.collections.items() if k[:2] == (entity, name)})
                ]
            ),
            "artifactCollection": lambda a: self.collection_node(self.collections.get((entity, name, a["name"]))),
            "sweep": None,
        }

    def _maybe_run(self, entity, project, name):
        run = self.run_for(entity, project, name)
        return self.run_node(run) if run else None

    def run_node(self, r):
        cfg = lambda a: json.dumps(r.config)
        hist = "wandb-history.jsonl"

        def wandb_config(a):
            w = (r.config.get("_wandb") or {}).get("value") or {}
            keys = a.get("keys")
            return json.dumps({k: v for k, v in w.items() if not keys or k in keys})

        def sampled(a):
            out = []
            for spec in a.get("specs") or []:
                spec = loads_or_none(spec) or {}
                keys, lo, hi = spec.get("keys"), spec.get("minStep", 0), spec.get("maxStep")
                rows = [
                    h
                    for h in r.history()
                    if h is not None
                    and h.get("_step", 0) >= (lo or 0)
                    and (hi is None or h["_step"] < hi)
                    and (not keys or all(k in h for k in keys))
                ]
                out.append(
                    [{k: v for k, v in h.items() if not keys or k in keys or k == "_step"} for h in rows][
                        : spec.get("samples", 500)
                    ]
                )
            return out

        def history(a):
            lo, hi = a.get("minStep") or 0, a.get("maxStep")
            return [
                l
                for l, h in zip(r.text_lines(hist), r.history())
                if h is not None and h.get("_step", 0) >= lo and (hi is None or h.get("_step", 0) < hi)
            ]

        def history_keys(a):
            keys, last = {}, -1
            for h in r.history():
                last = max(last, h.get("_step", 0))
                for k, v in h.items():
                    t = "number" if isinstance(v, (int, float)) else "map" if isinstance(v, dict) else "string"
                    keys.setdefault(k, {"typeCounts": [{"type": t, "count": 0}], "monotonic": k.startswith("_")})[
                        "typeCounts"
                    ][0]["count"] += 1
            return {"keys": keys, "lastStep": last, "sets": []}

        def files(a):
            names = a.get("names")
            return connection(
                [
                    {
                        "__typename": "File",
                        "id": b64("File:" + n),
                        "name": n,
                        "sizeBytes": str(len(b)),
                        "url": self.storage_url("run", r.path, n),
                        "mimetype": "application/octet-stream",
                        "directUrl": self.storage_url("run", r.path, n),
                        "updatedAt": now_iso(),
                        "md5": base64.b64encode(hashlib.md5(b).digest()).decode(),
                        "digest": "",
                        "uploadUrl": self.storage_url("run", r.path, n),
                    }
                    for n, b in r.files.items()
                    if not names or n in names
                ]
            )

        return {
            "__typename": "Run",
            "id": r.id,
            "internalId": b64("RunInternalId:1"),
            "name": r.name,
            "displayName": r.display_name,
            "state": r.state,
            "tags": r.tags,
            "config": cfg,
            "wandbConfig": wandb_config,
            "jobType": r.fields.get("jobType"),
            "group": r.fields.get("groupName"),
            "groupName": r.fields.get("groupName"),
            "notes": r.fields.get("notes"),
            "description": r.fields.get("notes"),
            "host": r.fields.get("host"),
            "commit": r.fields.get("commit"),
            "program": r.fields.get("jobProgram"),
            "sweepName": r.fields.get("sweep"),
            "summaryMetrics": lambda a: json.dumps(r.summary()),
            "systemMetrics": lambda a: json.dumps(loads_or_none((r.text_lines("wandb-events.jsonl") or ["{}"])[-1])),
            "historyLineCount": r.line_count(hist),
            "eventsLineCount": r.line_count("wandb-events.jsonl"),
            "logLineCount": r.line_count("output.log"),
            "historyTail": json.dumps(r.text_lines(hist)[-1:]),
            "eventsTail": json.dumps(r.text_lines("wandb-events.jsonl")[-1:]),
            "history": history,
            "events": lambda a: r.text_lines("wandb-events.jsonl"),
            "sampledHistory": sampled,
            "historyKeys": history_keys,
            "files": files,
            "fileCount": len(r.files),
            "createdAt": now_iso(r.created),
            "heartbeatAt": now_iso(r.heartbeat),
            "updatedAt": now_iso(r.heartbeat),
            "stopped": r.stop_requested,
            "readOnly": False,
            "shouldStop": r.stop_requested,
            "stateTransitionedAt": now_iso(),
            "projectId": "1",
            "isExperiment": False,
            "computeSeconds": int(r.heartbeat - r.created),
            "user": lambda a: self.user_node(),
            "project": lambda a: self.project_node(r.entity, r.project),
            "outputArtifacts": lambda a: connection(
                [self.artifact_node(self.artifacts[i]) for i in r.logged_artifacts]
            ),
            "inputArtifacts": lambda a: connection([self.artifact_node(self.artifacts[i]) for i in r.used_artifacts]),
            "parquetHistory": lambda a: {"parquetUrls": [], "liveData": []},
        }
