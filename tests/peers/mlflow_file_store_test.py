"""The file store that core/processors/mlflow writes, read by MLflow itself: through its client, after its own command has
moved it to a database, and beside an MLflow that works in the same folder. Run by the environment of
mlflow_requirements.txt."""
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow  # noqa: E402
from mlflow import MlflowClient  # noqa: E402

PROGRAM = os.path.join(os.environ.get("TRUNKLINE_TEST_BIN", "build/bin"), "mlflow_file_store")
TRACE = "tr-" + "5a" * 16
START = 1_700_000_000_000


def ours(*arguments):
    done = subprocess.run([os.path.abspath(PROGRAM), *map(str, arguments)], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise AssertionError(f"{arguments}: {done.returncode} {done.stderr}")
    return json.loads(done.stdout)


def theirs(code, folder, **variables):
    known = ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_TRACKING_URI")  # MLflow itself sets the second
    environment = {key: value for key, value in os.environ.items() if key not in known}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env={**environment, **variables}, timeout=300,
                          capture_output=True, text=True)


class Reading:
    """What must be found, wherever it is read from."""

    def check_runs(self, client, ids):
        experiment = client.get_experiment(ids["experiment"])
        self.assertEqual(experiment.name, 'experiment: #1 "q" \u00e9\u4e2d')
        self.assertEqual(experiment.lifecycle_stage, "active")
        found = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
        self.assertEqual([run.info.run_id for run in found], ids["runs"])
        for number, (run, status) in enumerate(zip(found, ("FINISHED", "FAILED", "KILLED", "RUNNING"))):
            start = START + number * 10_000
            code = {"FINISHED": 3, "FAILED": 4, "KILLED": 5, "RUNNING": 1}[status]
            self.assertEqual((run.info.status, run.info.run_name), (status, f"run: #{code} 'q' \u00e9"))
            self.assertEqual((run.info.start_time, run.info.user_id), (start, "ada"))
            self.assertEqual(run.info.end_time or None, None if status == "RUNNING" else start + 5_000)
            self.assertEqual(run.data.params, {"model": "gpt-4o", "multi": "line1\nline2 \u00e9", "empty": "",
                                               "deep/er": "x: 'y'"})
            self.assertEqual(run.data.tags, {"env": "dev", "tool/name": "search", "note": "several\nlines",
                                             "trunkline.trace_id": run.info.run_id, "mlflow.runName": run.info.run_name})
            self.check_metrics(client, run, start)

    def check_metrics(self, client, run, start):
        history = client.get_metric_history(run.info.run_id, "generation/prompt_tokens")
        self.assertEqual([(m.value, m.timestamp, m.step) for m in history],
                         [(10.5 * i, start + i, i) for i in range(20)])
        self.assertEqual(set(run.data.metrics), {"generation/prompt_tokens", "nan", "inf", "ninf", "tiny", "third", "a b:c"})
        self.assertTrue(math.isnan(run.data.metrics["nan"]))
        self.assertGreaterEqual(run.data.metrics["inf"], sys.float_info.max)
        self.assertLessEqual(run.data.metrics["ninf"], -sys.float_info.max)
        self.assertEqual((run.data.metrics["tiny"], run.data.metrics["third"]), (5e-324, 1 / 3))
        [third] = client.get_metric_history(run.info.run_id, "third")
        self.assertEqual(third.step, -3)

    def check_trace(self, client, ids):
        trace = client.get_trace(TRACE)
        info = trace.info
        self.assertEqual((str(getattr(info.state, "value", info.state)), info.request_time, info.execution_duration),
                         ("OK", START, 2_500))
        self.assertEqual(json.loads(info.request_preview)["task"], "weather \u00e9")
        self.assertEqual(info.response_preview, '"21 C"')
        self.assertEqual({key: info.tags.get(key) for key in ("mlflow.traceName", "release", "stop_reason")},
                         {"mlflow.traceName": "answer", "release": "r1", "stop_reason": "final"})
        metadata = info.trace_metadata
        self.assertEqual((metadata["mlflow.sourceRun"], metadata["mlflow.trace.session"], metadata["mlflow.trace.user"]),
                         (ids["runs"][0], "conv-7", "ada"))
        usage = {"input_tokens": 120, "output_tokens": 30, "total_tokens": 150, "cache_read_input_tokens": 20}
        self.assertEqual(json.loads(metadata["mlflow.trace.tokenUsage"]), usage)
        spans = {span.name: span for span in trace.data.spans}
        self.assertEqual(set(spans), {"answer", "agent", "chat", "weather"})
        self.assertEqual({name: span.span_type for name, span in spans.items()},
                         {"answer": "WORKFLOW", "agent": "AGENT", "chat": "CHAT_MODEL", "weather": "TOOL"})
        above = {name: next((n for n, s in spans.items() if s.span_id == span.parent_id), None)
                 for name, span in spans.items()}
        self.assertEqual(above, {"answer": None, "agent": "answer", "chat": "agent", "weather": "agent"})
        task = {"task": "weather \u00e9", "n": [1, 2.5, None, True]}
        self.assertEqual((spans["agent"].inputs, spans["agent"].outputs), (task, "21 C"))
        self.assertEqual((spans["answer"].inputs, spans["answer"].outputs), (task, "21 C"))
        self.assertEqual(spans["chat"].inputs, [{"role": "user", "content": "hi"}])
        self.assertEqual(spans["chat"].outputs, {"role": "assistant", "content": "yo"})
        self.assertEqual(spans["chat"].get_attribute("mlflow.chat.tokenUsage"), usage)
        self.assertEqual((spans["chat"].get_attribute("ratio"), spans["chat"].get_attribute("mlflow.llm.model")),
                         (0.5, "gpt-4o"))
        self.assertTrue(math.isnan(spans["chat"].get_attribute("odd")))
        self.assertEqual((spans["chat"].start_time_ns, spans["chat"].end_time_ns),
                         ((START + 20) * 10**6, (START + 900) * 10**6))
        self.assertEqual(spans["weather"].status.status_code.name, "ERROR")
        self.assertEqual(spans["weather"].status.description, "boom")
        noted, event = spans["weather"].events
        self.assertEqual((noted.name, noted.attributes, noted.timestamp), ("noted", {"odd": "NaN"}, (START + 910) * 10**6))
        self.assertEqual((event.name, event.attributes["exception.message"]), ("exception", "boom"))
        found = client.search_traces(locations=[ids["experiment"]])
        self.assertEqual([one.info.trace_id for one in found], [TRACE])


class FileStore(Reading, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = Path(cls.folder.name) / "trunkline-mlflow" / "mlruns"
        cls.ids = ours("write", cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_the_client_reads_the_runs(self):
        self.check_runs(MlflowClient(self.root.as_uri()), self.ids)

    def test_the_client_reads_the_trace(self):
        mlflow.set_tracking_uri(self.root.as_uri())
        self.check_trace(MlflowClient(self.root.as_uri()), self.ids)

    def test_the_client_reads_the_artifact(self):
        client, run = MlflowClient(self.root.as_uri()), self.ids["runs"][0]
        self.assertEqual([item.path for item in client.list_artifacts(run, "sub")], ["sub/program"])
        with tempfile.TemporaryDirectory() as place:
            path = client.download_artifacts(run, "sub/program", place)
            self.assertEqual(Path(path).read_text(), "mlflow_file_sto\n")

    def test_the_reading_sees_a_change(self):
        with tempfile.TemporaryDirectory() as place:
            root = Path(place) / "mlruns"
            ids = ours("write", root)
            metric = root / ids["experiment"] / ids["runs"][0] / "metrics" / "generation" / "prompt_tokens"
            with open(metric, "a", encoding="utf-8") as file:
                file.write(metric.read_text().splitlines()[-1] + "\n")
            with self.assertRaises(AssertionError):
                self.check_runs(MlflowClient(root.as_uri()), ids)
            spans = root / ids["experiment"] / "traces" / TRACE / "artifacts" / "traces.json"
            spans.write_text(spans.read_text().replace("CHAT_MODEL", "LLM"))
            with self.assertRaises(AssertionError):
                self.check_trace(MlflowClient(root.as_uri()), ids)

    def test_it_can_be_migrated(self):
        with tempfile.TemporaryDirectory() as place:
            target = f"sqlite:///{place}/mlflow.db"
            done = subprocess.run([sys.executable, "-m", "mlflow", "migrate-filestore", "--source",
                                   str(self.root.parent), "--target", target], cwd=place, capture_output=True, text=True,
                                  timeout=600)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            mlflow.set_tracking_uri(target)
            client = MlflowClient(target)
            self.check_runs(client, self.ids)
            self.check_trace(client, self.ids)

    def test_mlflow_works_in_the_same_folder(self):
        done = theirs("import mlflow\nmlflow.log_metric('x', 1)\nprint(mlflow.get_tracking_uri())", self.folder.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mlflow.db", done.stdout)

    def test_it_would_not_where_it_looks(self):
        with tempfile.TemporaryDirectory() as place:
            ours("log", Path(place) / "mlruns", "e")
            self.assertNotEqual(theirs("import mlflow\nmlflow.log_metric('x', 1)", place).returncode, 0)


class SharedStore(unittest.TestCase):
    def test_both_write_the_same_experiments_and_runs(self):
        with tempfile.TemporaryDirectory() as place:
            root = Path(place) / "store"
            client = MlflowClient(root.as_uri())
            # None has an apostrophe: MLflow would not find its own.
            names = ["plain", "it: is \"odd\" #1", "\u00e9\u4e2d \U0001f600", "long " * 40 + "end", "tab\tand\nline", "123"]
            for name in names:
                experiment = client.create_experiment(name)
                self.assertEqual(ours("log", root, name)["experiment"], experiment, name)
                made = ours("log", root, name + " ours")["experiment"]
                self.assertEqual(client.get_experiment_by_name(name + " ours").experiment_id, made)
            run = client.create_run(experiment, run_name="theirs: long " + "word " * 30)
            client.log_metric(run.info.run_id, "from them", 1.5, step=3)
            ours("append", root, run.info.run_id)
            client.log_metric(run.info.run_id, "from us", 3.5, step=8)
            found = client.get_run(run.info.run_id)
            self.assertEqual((found.data.metrics, found.data.params), ({"from them": 1.5, "from us": 3.5}, {"ours": "1"}))
            self.assertEqual((found.info.run_name, found.info.status), (run.info.run_name, "FINISHED"))
            self.assertEqual(found.data.tags["us"], "too")
            self.assertEqual([m.value for m in client.get_metric_history(run.info.run_id, "from us")], [2.5, 3.5])
            client.delete_run(run.info.run_id)
            with self.assertRaisesRegex(AssertionError, "no such run"):
                ours("append", root, run.info.run_id)
            client.delete_experiment(experiment)
            with self.assertRaisesRegex(AssertionError, "is deleted"):
                ours("log", root, names[-1])


if __name__ == "__main__":
    unittest.main()
