"""Files, artifacts and media of runs against W&B's own client: what the processor takes to a server (fake_wandb.py) the
client reads, checks and downloads; what it writes to folders `wandb sync` and `trunkline sync` take there; and what the
client has uploaded is downloaded. Run by the environment of wandb_requirements.txt."""
import base64
import fcntl
import glob
import hashlib
import json
import os
import resource
import struct
import subprocess
import unittest
import zlib

from wandb_support import AGENT, WandbTest

PROGRAM = os.path.join(os.path.dirname(AGENT), "trunkline")
QUICK = {"AGENT_WANDB_OPTIONS": '{"interval_ms": 0}'}
MADE = "fake-entity/proj/index:best"
# What W&B's client says of an artifact, and of the runs around it.
READ = """
import json, os, sys, wandb
api = wandb.Api()
artifact = api.artifact(sys.argv[1])
folder = artifact.download(sys.argv[2])
artifact.verify(folder)
makers = [run for run in api.runs("fake-entity/proj") if run.logged_artifacts()]
print(json.dumps({"type": artifact.type, "aliases": sorted(artifact.aliases), "version": artifact.version,
    "metadata": artifact.metadata, "description": artifact.description, "digest": artifact.digest,
    "made_by": [run.name for run in makers], "logged_by": artifact.logged_by().name,
    "logged": [one.name for run in makers for one in run.logged_artifacts()],
    "used_by": [run.name for run in artifact.used_by()],
    "uses": {run.name: [one.name for one in run.used_artifacts()] for run in api.runs("fake-entity/proj")},
    "run_files": {run.name: sorted(file.name for file in run.files()) for run in api.runs("fake-entity/proj")}}))
"""
UPLOAD = """
import sys, wandb
run = wandb.init(project="proj", name="theirs")
artifact = wandb.Artifact("theirs", "dataset", metadata={"n": 1})
artifact.add_dir(sys.argv[1])
run.log_artifact(artifact, aliases=["good"]).wait()
run.finish()
"""
MEDIA = """
import json, sys, wandb
run = next(iter(wandb.Api().runs("fake-entity/proj")))
rows = list(run.scan_history())
for file in run.files():
    file.download(sys.argv[1], replace=True)
print(json.dumps([rows, {key: value for key, value in run.summary._json_dict.items()}]))
"""


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    pixels = zlib.compress((b"\0" + b"\x10\x80\xf0" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + \
        chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def contents(folder):
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


class ArtifactsTest(WandbTest):
    def setUp(self):
        super().setUp()
        self.given = {"a.txt": b"one\n", "sub/b \u00e4.json": b"{}", "empty": b"", "large": os.urandom(3_000_000)}
        self.source, self.note = os.path.join(self.folder, "source"), os.path.join(self.folder, "note")
        for path, content in self.given.items():
            os.makedirs(os.path.dirname(os.path.join(self.source, path)), exist_ok=True)
            with open(os.path.join(self.source, path), "wb") as file:
                file.write(content)
        with open(self.note, "wb") as file:
            file.write(b"a note\n")
        self.expected = dict(self.given, **{"more/copy": b"a note\n"})

    def artifacts(self):
        return self.server.ask("/_state")["artifacts"]

    def told(self, *command):
        """What the client says, among its lines about its progress."""
        return json.loads(next(line for line in self.sdk(*command).splitlines() if line[:1] in ("{", "[")))

    def read(self, name=MADE):
        folder = os.path.join(self.folder, "by-the-sdk")
        told = self.told("-c", READ, name, folder)
        return told, contents(folder)

    def download(self, name, folder, expect=0, limit=resource.RLIM_INFINITY, **more):
        done = subprocess.run([AGENT, "download", name, folder], env=dict(self.variables(**QUICK), **more),
                              capture_output=True, text=True, timeout=300, restore_signals=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stderr

    def check_made(self):
        told, found = self.read()
        self.assertEqual(found, self.expected)
        self.assertEqual((told["type"], told["aliases"], told["version"]), ("storage_context", ["best", "latest"], "v0"))
        self.assertEqual(told["metadata"], {"k": 1, "api_key": "__redacted__"})
        self.assertEqual((told["description"], told["logged"]), ('what "it" is', ["index:v0"]))
        self.assertEqual((told["made_by"], told["logged_by"]), (["maker"], "maker"))
        self.assertIn("notes/a file", told["run_files"]["maker"])
        return told

    def test_an_artifact_is_what_the_sdk_reads_and_uses(self):
        self.assertEqual(self.agent("artifact", self.source, self.note, **QUICK), "")
        state = self.server.ask("/_state")
        self.assertEqual(state["unknown_fields"], {})
        run = next(iter(state["runs"].values()))
        self.assertEqual(run["uploaded"], ["notes/a file"])
        # The key leaves for W&B alone, not for where the bytes are.
        self.assertEqual({request[2] for request in state["requests"] if request[0] == "storage"}, {None})
        self.assertEqual(self.agent("use", MADE, **QUICK), "")
        told = self.check_made()
        self.assertEqual((len(told["used_by"]), told["uses"]["user"]), (1, ["index:v0"]))
        # The same once more is the same version; something else is the next.
        self.agent("artifact", self.source, self.note, **QUICK)
        self.assertEqual([one["version"] for one in self.artifacts()], ["v0"])
        with open(os.path.join(self.source, "a.txt"), "ab") as file:
            file.write(b"more")
        self.agent("artifact", self.source, self.note, **QUICK)
        self.assertEqual([(one["version"], one["aliases"]) for one in self.artifacts()],
                         [("v0", []), ("v1", ["best", "latest"])])

    def test_what_is_used_and_is_not_there_is_said(self):
        self.assertIn("no artifact no-such:v0", self.agent("use", "no-such:v0", **QUICK))

    def test_a_file_that_changes_or_goes_costs_its_artifact(self):
        for way, why in (("AGENT_CHANGES", "has changed since it was logged"), ("AGENT_REMOVES", "No such file")):
            self.start_server()
            said = self.agent("artifact", self.source, self.note, **{way: self.note}, **QUICK)
            self.assertIn("the artifact index is not stored: ", said)
            self.assertIn("the file notes/a file is not stored: ", said)
            self.assertIn(why, said)
            self.assertIn("2 files or artifacts are not stored", said)
            self.assertEqual([one for one in self.artifacts() if one["state"] == "COMMITTED"], [])
            run = next(iter(self.server.runs().values()))
            self.assertEqual((run["state"], run["uploaded"]), ("finished", []))

    def test_files_that_change_early_among_others(self):
        files = [os.path.join(self.source, "a.txt"), os.path.join(self.source, "large"), self.note]
        self.assertIn("given/\u00e4 2 is not stored", self.agent("artifacts", *files, **QUICK))
        run = next(iter(self.server.runs().values()))
        self.assertEqual(run["uploaded"], ["given/\u00e4 0", "given/\u00e4 1"])
        told = self.read_back()
        self.assertEqual([one["files"] for one in told.values()], [["given/\u00e4 0", "given/\u00e4 1"]])

    def test_what_the_sdk_uploads_we_download(self):
        self.sdk("-c", UPLOAD, self.source)
        folder = os.path.join(self.folder, "by-us")
        self.assertEqual(self.download("fake-entity/proj/theirs:good", folder), "")
        self.assertEqual(contents(folder), self.given)
        asked = self.server.ask("/_state")["asked"]["storage"]
        self.download("theirs:v0", folder, WANDB_ENTITY="fake-entity")  # nothing but the manifest is asked for again
        self.assertEqual(self.server.ask("/_state")["asked"]["storage"], asked + 1)

    def test_a_download_that_is_not_right_leaves_nothing(self):
        self.agent("artifact", self.source, self.note, **QUICK)
        folder = os.path.join(self.folder, "by-us")
        fault = {"match": "/large", "times": 1, "fault": ["html"]}
        self.server.ask("/_faults", [fault])
        self.assertIn("-10: large as W&B sends it has another digest", self.download(MADE, folder, 1))
        self.assertEqual({"large", "more/copy"} & set(contents(folder)), set())
        self.server.ask("/_faults", [{"match": "storage", "times": 1, "fault": ["reset-in-body"]},
                                     {"match": "ArtifactFileUrls", "times": 1, "fault": ["status", "503"]}])
        self.download(MADE, folder)
        self.assertEqual(contents(folder), self.expected)

    def test_a_file_that_cannot_be_written_is_the_end(self):
        self.agent("artifact", self.source, self.note, **QUICK)
        folder = os.path.join(self.folder, "by-us")
        said = self.download(MADE, folder, 1, limit=1_000_000)
        self.assertIn("-10: the answer cannot be written to a file: File too large", said)
        self.assertEqual(set(contents(folder)) & {"large"}, set())
        self.assertEqual([name for name in contents(folder) if "part" in name], [])

    def test_sizes_that_nobody_knows_and_parts_that_nobody_fills(self):
        self.agent("artifact", self.source, self.note, **QUICK)
        folder = os.path.join(self.folder, "by-us")
        os.makedirs(folder)
        left, alive = (os.path.join(folder, ".trunkline-part-1-" + end) for end in "12")
        with open(left, "wb"), open(alive, "wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            digest = base64.b64encode(hashlib.md5(self.given["large"]).digest()).decode()
            self.server.ask("/_faults", [{"match": "storage/manifest", "times": 1,
                                          "fault": ["body", json.dumps({"contents": {"large": {"digest": digest}}})]}])
            self.download(MADE, folder)
        self.assertEqual(contents(folder), {"large": self.given["large"], os.path.basename(alive): b""})

    def test_where_files_lie_is_followed_but_not_anywhere(self):
        self.agent("artifact", self.source, self.note, **QUICK)
        folder = os.path.join(self.folder, "by-us")
        place = f"/storage/artifact/{self.artifacts()[0]['id']}/large"

        def lead_to(url, times):
            self.server.ask("/_faults", [{"match": "/large", "times": times, "fault": ["redirect", "302", url]}])

        lead_to("http://192.0.2.1/large", 1)
        self.assertIn("-1: files do not go over plain http", self.download(MADE, folder, 1))
        lead_to("file:///etc/passwd", 1)
        self.assertIn("-1: ", self.download(MADE, folder, 1))
        lead_to(self.server.url + place, -1)
        self.assertIn("-1: W&B's files are nowhere", self.download(MADE, folder, 1))
        self.assertNotIn("large", contents(folder))
        lead_to(place, 2)
        self.download(MADE, folder)
        self.assertEqual(contents(folder), self.expected)

    def test_a_manifest_leads_nowhere_else(self):
        self.agent("artifact", self.source, self.note, **QUICK)
        digest = {"digest": "1B2M2Y8AsgTpgAmY7PhCfg==", "size": 0}
        outside = os.path.join(self.folder, "outside")
        for name in ("../outside", "/" + outside.lstrip("/"), "a/../../outside", "", "a//b", "..", "a\0b"):
            manifest = json.dumps({"contents": {"good": digest, name: digest}})
            self.server.ask("/_faults", [{"match": "storage/manifest", "times": 1, "fault": ["body", manifest]}])
            folder = os.path.join(self.folder, "by-us")
            self.assertIn("-1: a file of the artifact has a name that leads out", self.download(MADE, folder, 1))
            self.assertFalse(os.path.exists(outside) or os.path.exists(folder))
        reference = {"contents": {"x": {"ref": "s3://bucket/x", "digest": "e", "size": 1}}}
        for manifest, code in ((reference, "-9: "), ({"contents": {"x": {"digest": "AAAA", "size": 1}}}, "-9: "),
                               ({"contents": []}, "-1: "), ([], "-1: ")):
            self.server.ask("/_faults", [{"match": "storage/manifest", "times": 1,
                                          "fault": ["body", json.dumps(manifest)]}])
            self.assertIn(code, self.download(MADE, os.path.join(self.folder, "by-us"), 1))

    def test_downloads_that_cannot_be(self):
        folder = os.path.join(self.folder, "by-us")
        self.assertIn("-13: W&B has no artifact fake-entity/proj/none:latest", self.download("fake-entity/proj/none", folder, 1))
        self.assertIn("-13: W&B has no artifact proj/none:v1\n", self.download("none:v1", folder, 1))
        for name in ("", "a/b/c/none:v1", "none:", "/none"):
            self.assertRegex(self.download(name, folder, 1), "^-1: .* is no artifact: ")
        self.assertIn("401", self.download(MADE, folder, 1, WANDB_API_KEY="f" * 40))
        self.server.ask("/_faults", [{"match": "", "times": -1, "fault": ["status", "503"]}])
        self.assertIn("-5: ", self.download(MADE, folder, 1, AGENT_WANDB_OPTIONS='{"timeout_ms": 1000}'))

    def make_media(self):
        image, page = os.path.join(self.folder, "i.png"), os.path.join(self.folder, "p.html")
        with open(image, "wb") as file:
            file.write(png(7, 5))
        with open(page, "wb") as file:
            file.write(b"<p>hello</p>")
        return image, page

    def log_media(self, **more):
        """The agent tries the page as an image as well, and is told what is wrong with that alone."""
        said = self.agent("media", *self.make_media(), **more)
        self.assertEqual((said.count("\n"), "p.html is neither PNG" in said), (1, True), said)

    def check_media(self):
        folder = os.path.join(self.folder, "media-by-the-sdk")
        rows, summary = self.told("-c", MEDIA, folder)
        self.assertEqual([row["_step"] for row in rows], [3, 4])
        image, page = rows[0]["plots/loss"], rows[1]["page"]
        self.assertEqual((rows[0]["loss"], image["_type"], page["_type"]), (0.5, "image-file", "html-file"))
        self.assertEqual((image["width"], image["height"], image["format"]), (7, 5, "png"))
        self.assertEqual((summary["plots/loss"], summary["page"]), (image, page))
        found = contents(folder)
        for value, kind, name in ((image, "images", "plots/loss_3_"), (page, "html", "page_4_")):
            self.assertTrue(value["path"].startswith(f"media/{kind}/{name}{value['sha256'][:20]}."), value)
            self.assertEqual(hashlib.sha256(found[value["path"]]).hexdigest(), value["sha256"])
            self.assertEqual(len(found[value["path"]]), value["size"])

    def test_media_are_rows_and_files(self):
        self.log_media(**QUICK)
        self.check_media()

    def sync_ours(self, *logs, expect=0):
        done = subprocess.run([PROGRAM, "sync", "--to", "wandb", "--json", *logs], env=self.variables(),
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, expect, done.stderr)
        return json.loads(done.stdout.splitlines()[0])

    def test_folders_are_synced_with_all_their_files(self):
        """By W&B's own client, and by ours, after the files they were made of are gone."""
        self.assertEqual(self.agent("artifact", self.source, self.note, WANDB_MODE="offline"), "")
        for path in (*self.given, "../note"):
            os.remove(os.path.join(self.source, path))
        log = self.logs()[0]
        self.sync(log)
        told = self.check_made()
        self.start_server()
        os.remove(log + ".synced")
        said = self.sync_ours(log)
        self.assertEqual((said["files"], said["lost"], said["left_out"]), (6, 0, 0))
        self.assertEqual(self.check_made()["digest"], told["digest"])

    def test_folders_with_media(self):
        self.log_media(WANDB_MODE="offline")
        log = self.logs()[0]
        self.sync(log)
        self.check_media()
        self.start_server()
        os.remove(log + ".synced")
        self.sync_ours(log)
        self.check_media()

    def test_a_folder_whose_files_are_damaged(self):
        said = self.agent("artifact", self.source, self.note, AGENT_CHANGES=self.note, WANDB_MODE="offline")
        self.assertIn("2 files or artifacts are not stored", said)
        self.agent("artifact", self.source, self.note, WANDB_MODE="offline")
        damaged, whole = self.logs(), []
        for log in damaged:
            for copy in glob.glob(os.path.join(os.path.dirname(log), "artifacts", "*", "a.txt")):
                whole.append(log)
                with open(copy, "r+b") as file:
                    file.write(b"ONE")
        self.assertEqual(len(whole), 1)
        self.assertEqual(self.sync_ours(whole[0], expect=1)["lost"], 1)
        self.assertEqual([one for one in self.artifacts() if one["state"] == "COMMITTED"], [])

    def test_folders_that_need_one_another_come_in_any_order(self):
        """What uses an artifact before its run is there waits for that, and is not marked as uploaded without it."""
        self.agent("use", "index:best", WANDB_MODE="offline")
        user = self.logs()[0]
        said = self.sync_ours(user, expect=1)
        self.assertEqual((said["lost"], os.path.exists(user + ".synced")), (1, False))
        self.agent("artifact", self.source, self.note, WANDB_MODE="offline")
        maker = next(log for log in self.logs() if log != user)
        self.sync_ours(user, maker)
        self.assertEqual(self.read()[0]["uses"]["user"], ["index:v0"])
        self.assertTrue(os.path.exists(user + ".synced") and os.path.exists(maker + ".synced"))
        self.assertEqual(len(self.server.runs()), 2)

    def test_an_artifact_that_was_used_offline(self):
        self.agent("artifact", self.source, self.note, **QUICK)
        self.agent("use", "index:v0", WANDB_MODE="offline")
        self.sync_ours(self.logs()[0])
        self.assertEqual(self.read()[0]["uses"]["user"], ["index:v0"])


if __name__ == "__main__":
    unittest.main()
