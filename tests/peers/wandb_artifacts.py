"""Artifacts at the stand-in of W&B: collections, versions, manifests, aliases."""
import base64
import hashlib
import time
import urllib.parse

from wandb_graphql import GraphQLError
from wandb_runs import b64, connection, now_iso


class Artifacts:
    def type_node(self, entity, project, name):
        return {
            "__typename": "ArtifactType",
            "id": b64("ArtifactType:" + name),
            "name": name,
            "description": None,
            "createdAt": now_iso(self.t0),
            "project": lambda a: self.project_node(entity, project),
            "artifactCollection": lambda a: self.collection_node(self.collections.get((entity, project, a["name"]))),
            "artifactCollections": lambda a: connection(
                [
                    self.collection_node(c)
                    for k, c in self.collections.items()
                    if k[:2] == (entity, project) and c["type"] == name
                ]
            ),
        }

    def collection_node(self, c):
        if c is None:
            return None
        arts = [self.artifacts[i] for i in c["versions"]]
        return {
            "__typename": "ArtifactSequence",
            "id": c["id"],
            "name": c["name"],
            "description": None,
            "createdAt": now_iso(self.t0),
            "state": "READY",
            "project": lambda a: self.project_node(c["entity"], c["project"]),
            "type": lambda a: self.type_node(c["entity"], c["project"], c["type"]),
            "defaultArtifactType": lambda a: self.type_node(c["entity"], c["project"], c["type"]),
            "latestArtifact": lambda a: self.artifact_node(
                next((x for x in reversed(arts) if x["state"] == "COMMITTED"), None)
            ),
            "tags": connection([]),
            "aliases": connection([]),
            "updatedAt": None,
            "artifactMembership": lambda a: self.membership_by_name(
                c["entity"], c["project"], "%s:%s" % (c["name"], a.get("aliasName"))
            ),
            "artifacts": lambda a: connection([self.artifact_node(x) for x in reversed(arts)]),
            "versions": lambda a: connection([self.artifact_node(x) for x in reversed(arts)]),
        }

    def artifact_node(self, x):
        if x is None:
            return None
        coll = self.collections[(x["entity"], x["project"], x["collection"])]

        def files(a):
            names = a.get("names")
            nodes = []
            for n, e in sorted((x["manifest"] or {}).get("contents", {}).items()):
                if names and n not in names:
                    continue
                url = self.args.public_url + "/storage/" + urllib.parse.quote(self.content_key(x, n, e), safe="/")
                nodes.append(
                    {
                        "__typename": "File",
                        "id": b64("File:" + n),
                        "name": n,
                        "displayName": n,
                        "url": url,
                        "directUrl": url,
                        "sizeBytes": e.get("size", 0),
                        "storagePath": "",
                        "mimetype": None,
                        "updatedAt": now_iso(),
                        "digest": e.get("digest"),
                        "md5": e.get("digest"),
                    }
                )
            return connection(nodes)

        def manifest(a):
            m = x["manifest_id"] and self.manifests[x["manifest_id"]]
            return (
                {
                    "id": x["manifest_id"],
                    "digest": m["digest"] if m else None,
                    "file": {"directUrl": self.storage_url("manifest", x["manifest_id"])},
                }
                if m
                else None
            )

        aliases = self.alias_nodes(x, coll)
        return {
            "__typename": "Artifact",
            "id": x["id"],
            "state": x["state"],
            "digest": x["digest"],
            "versionIndex": x["version"],
            "description": x["description"],
            "metadata": x["metadata"] or "{}",
            "size": sum(e.get("size", 0) for e in (x["manifest"] or {}).get("contents", {}).values()),
            "fileCount": len((x["manifest"] or {}).get("contents", {})),
            "storageBytes": 0,
            "commitHash": x["digest"],
            "aliases": aliases,
            "createdAt": now_iso(x["created"]),
            "updatedAt": now_iso(x["created"]),
            "ttlDurationSeconds": 0,
            "ttlIsInherited": False,
            "digestAlgorithm": "MANIFEST_MD5",
            "type": None,
            "tags": [],
            "historyStep": None,
            "isLink": False,
            "usedCount": len(x["used_by"]),
            "artifactSequence": lambda a: self.collection_node(coll),
            "artifactType": lambda a: self.type_node(x["entity"], x["project"], x["type"]),
            "artifactMembership": lambda a: self.membership(x, coll),
            "artifactMemberships": lambda a: connection([self.membership(x, coll)]),
            "currentManifest": manifest,
            "files": files,
            "filesByManifestEntries": files,
            "createdBy": lambda a: self._maybe_run(x["entity"], x["project"], x["run"]),
            "usedBy": lambda a: connection([self._maybe_run(*path.split("/", 2)) for path in x["used_by"]]),
        }

    def membership(self, x, coll):
        return {
            "__typename": "ArtifactCollectionMembership",
            "id": b64("Membership:" + x["id"]),
            "versionIndex": x["version"],
            "aliases": self.alias_nodes(x, coll),
            "createdAt": now_iso(x["created"]),
            "artifact": lambda a: self.artifact_node(x),
            "artifactCollection": lambda a: self.collection_node(coll),
            "files": lambda a: self.artifact_node(x)["files"](a),
        }

    def alias_nodes(self, x, coll):
        return [
            {
                "__typename": "ArtifactAlias",
                "id": b64("Alias:" + al),
                "alias": al,
                "artifactCollectionName": x["collection"],
                "artifactCollection": lambda a: self.collection_node(coll),
            }
            for al in x["aliases"]
        ]

    def content_key(self, x, name, entry):
        birth = entry.get("birthArtifactID") or x["id"]
        return "artifact/%s/%s" % (birth, name)

    def create_artifact(self, a):
        i = a["input"]
        entity = i.get("entityName") or self.args.entity
        project = i["projectName"]
        key = (entity, project, i["artifactCollectionName"])
        coll = self.collections.setdefault(
            key,
            {
                "id": b64("ArtifactCollection:%d" % (len(self.collections) + 1)),
                "entity": entity,
                "project": project,
                "name": key[2],
                "type": i["artifactTypeName"],
                "versions": [],
            },
        )
        for vid in coll["versions"]:
            old = self.artifacts[vid]
            if i.get("enableDigestDeduplication") and old["digest"] == i["digest"] and old["state"] == "COMMITTED":
                self.client_ids[i.get("clientID")] = old["id"]
                return {"artifact": self.artifact_node(old)}
        # Said again, before it was committed: a client's id is of one artifact.
        same = self.artifacts.get(self.client_ids.get(i.get("clientID")))
        if same is not None and same["digest"] == i["digest"]:
            return {"artifact": self.artifact_node(same)}
        aid = b64("Artifact:%d" % (1000 + len(self.artifacts)))
        art = {
            "id": aid,
            "entity": entity,
            "project": project,
            "collection": key[2],
            "type": i["artifactTypeName"],
            "digest": i["digest"],
            "state": "PENDING",
            "description": i.get("description"),
            "metadata": i.get("metadata"),
            "aliases": [x["alias"] for x in i.get("aliases") or []],
            "version": len(coll["versions"]),
            "run": i.get("runName"),
            "created": time.time(),
            "manifest": None,
            "manifest_id": None,
            "used_by": [],
        }
        self.artifacts[aid] = art
        coll["versions"].append(aid)
        self.client_ids[i.get("clientID")] = aid
        run = self.run_for(entity, project, i.get("runName"))
        if run is not None:
            run.logged_artifacts.append(aid)
        return {"artifact": self.artifact_node(art)}

    def create_manifest(self, a):
        i = a["input"]
        mid = b64("Manifest:%d" % (len(self.manifests) + 1)).replace("=", "")
        self.manifests[mid] = {
            "id": mid,
            "artifact": i["artifactID"],
            "json": None,
            "digest": i.get("digest"),
            "name": i["name"],
            "type": i.get("type"),
        }
        self.artifacts[i["artifactID"]]["manifest_id"] = mid
        return {"artifactManifest": self.manifest_node(mid)}

    def manifest_node(self, mid):
        return {
            "id": mid,
            "file": {
                "id": b64("File:" + mid),
                "uploadHeaders": [],
                "uploadUrl": self.storage_url("manifest", mid),
                "directUrl": self.storage_url("manifest", mid),
            },
        }

    def update_manifest(self, a):
        i = a["input"]
        self.manifests[i["artifactManifestID"]]["digest"] = i.get("digest")
        return {"artifactManifest": self.manifest_node(i["artifactManifestID"])}

    def create_artifact_files(self, a):
        nodes = []
        for f in a["input"]["artifactFiles"]:
            key = "artifact/%s/%s" % (f["artifactID"], f["name"])
            md5 = f.get("md5") or ""
            nodes.append(
                {
                    "__typename": "File",
                    "id": b64("File:" + key),
                    "name": f["name"],
                    "displayName": f["name"],
                    "storagePath": key,
                    "uploadUrl": self.args.public_url + "/storage/" + urllib.parse.quote(key, safe="/"),
                    "uploadHeaders": ["Content-Md5:" + md5] if md5 else [],
                    "uploadMultipartUrls": None,
                    "artifact": {"id": f["artifactID"]},
                }
            )
        return {"files": connection(nodes)}

    def commit_artifact(self, a):
        x = self.artifacts[a["input"]["artifactID"]]
        m = self.manifests.get(x["manifest_id"])
        if not m or m["json"] is None:
            raise GraphQLError("artifact has no uploaded manifest")
        x["manifest"], x["state"] = m["json"], "COMMITTED"
        coll = self.collections[(x["entity"], x["project"], x["collection"])]
        for alias in set(x["aliases"]) | {"latest"}:  # an alias points at one version
            for vid in coll["versions"]:
                other = self.artifacts[vid]
                if other is not x and alias in other["aliases"]:
                    other["aliases"].remove(alias)
            if alias not in x["aliases"]:
                x["aliases"].append(alias)
        return {"artifact": self.artifact_node(x)}

    def use_artifact(self, a):
        i = a["input"]
        x = self.artifacts[i["artifactID"]]
        run = self.run_for(i.get("entityName"), i.get("projectName"), i.get("runName"))
        if run is not None and x["id"] not in run.used_artifacts:
            run.used_artifacts.append(x["id"])
            x["used_by"].append(run.path)
        return {"artifact": self.artifact_node(x)}

    def find_artifact(self, entity, project, name):
        base, _, ver = name.partition(":")
        coll = self.collections.get((entity or self.args.entity, project, base.split("/")[-1]))
        if coll is None:
            return None, None
        ver = ver or "latest"
        for vid in reversed(coll["versions"]):
            x = self.artifacts[vid]
            if x["state"] == "COMMITTED" and (ver in x["aliases"] or ver == "v%d" % x["version"] or ver == x["digest"]):
                return x, coll
        return None, coll

    def artifact_by_name(self, entity, project, name):
        return self.artifact_node(self.find_artifact(entity, project, name)[0])

    def membership_by_name(self, entity, project, name):
        x, coll = self.find_artifact(entity, project, name)
        return self.membership(x, coll) if x else None

    def artifact_dump(self, a):
        files = {}
        for name, e in (a["manifest"] or {}).get("contents", {}).items():
            blob = self.blobs.get(self.content_key(a, name, e))
            files[name] = {
                "digest": e.get("digest"),
                "size": e.get("size"),
                "ref": e.get("ref"),
                "stored": blob is not None,
            }
            if blob is not None:
                files[name]["md5_ok"] = base64.b64encode(hashlib.md5(blob).digest()).decode() == e.get("digest")
                if len(blob) <= 4096:
                    files[name]["text"] = blob.decode("utf-8", "replace")
        return {
            "name": a["collection"],
            "type": a["type"],
            "version": "v%d" % a["version"],
            "state": a["state"],
            "aliases": a["aliases"],
            "digest": a["digest"],
            "entity": a["entity"],
            "project": a["project"],
            "run": a["run"],
            "metadata": a["metadata"],
            "description": a["description"],
            "id": a["id"],
            "manifest": a["manifest"],
            "files": files,
            "used_by": a["used_by"],
        }
