"""MLflow's own server, written to by the processor and read back by MLflow's own client (verify_mlflow.py): what QitOS
was recorded to log, threads, runs of the host, and processes that are killed while the server takes what they say. Run
by the environment of mlflow_requirements.txt."""
import hashlib
import json
import os
import random
import unittest
import urllib.parse
import urllib.request

from kills import killed_at_random
from mlflow_support import AGENT, HERE, MlflowTest, history, read_back, server_url, trace_state, variables

ORACLE = os.path.join(HERE, "..", "unit", "data", "qitos_mlflow.json")
SAME_AS_QITOS = ("all_kinds_flat", "nested_end_order", "stop_reason_set_before_end", "body_raises")
OURS = ("trunkline.key", "trunkline.trace_id", "tool/name", "action/name", "mlflow.user", "mlflow.source.name",
        "mlflow.source.type", "mlflow.runName")
KILLS = 6


def span_trees(trace):
    """What a reader sees of the spans of a trace, whichever way they came. For a span of no type of its own, the server
    takes over OTLP the kind that OpenInference has."""
    def tree(span):
        shown = {key: span[key] for key in ("name", "status", "status_message", "inputs", "outputs", "ended")}
        shown["type"] = "CHAIN" if span["type"] == "UNKNOWN" else span["type"]
        return dict(shown, events=len(span["events"]), children=[tree(child) for child in span["children"]])
    return [tree(span) for span in trace["roots"]] + trace["orphans"]


def expected_of(timeline):
    """What QitOS logged: history by key, params, tags."""
    metrics, params, tags = {}, {}, {}
    for call, arguments, options in timeline:
        if call == "mlflow.log_metrics":
            for key, value in arguments[0].items():
                metrics.setdefault(key, []).append((options.get("step", 0), float(value)))
        elif call == "mlflow.log_param":
            params[arguments[0]] = str(arguments[1])
        elif call == "mlflow.set_tag":
            tags[arguments[0]] = arguments[1]
    return metrics, params, tags


class MlflowServerTest(MlflowTest):
    def check_oracle(self, run, timeline):
        metrics, params, tags = expected_of(timeline)
        self.assertEqual({key: history(run, key) for key in run["metrics"]}, metrics)
        self.assertEqual({key: value for key, value in run["tags"].items() if key not in OURS}, tags)
        self.assertEqual(run["params"].get("generation_model"), params.get("generation_model"))
        self.assertEqual((run["status"], run["ended"]), ("FINISHED", True))

    def test_what_qitos_logs_is_what_the_server_has(self):
        with open(ORACLE, encoding="utf-8") as file:
            oracle = json.load(file)
        for scenario in SAME_AS_QITOS:
            with self.subTest(scenario):
                experiment = f"oracle {scenario}"
                self.agent(experiment, "replay", ORACLE, scenario)
                found = read_back(experiment, "--stable")
                self.assertEqual(len(found["runs"]), 1)
                run, timeline = found["runs"][0], oracle[scenario]["timeline"]
                self.check_oracle(run, timeline)
                self.assertEqual(run["linked_traces"], 1)
                self.assertEqual(found["traces"][0]["state"], "OK")
                # The control: a number that is another is seen.
                other = json.loads(json.dumps(timeline))
                next(call for call in other if call[0] == "mlflow.log_metrics")[1][0]["step/number"] = 99
                self.assertRaises(AssertionError, self.check_oracle, run, other)

    def test_traces_that_overlap_or_follow_have_runs_of_their_own(self):
        for scenario, key, values in (("interleaved_traces", "step/number", [[(0, 1.0), (1, 2.0)], [(0, 10.0), (1, 11.0)]]),
                                      ("reuse_two_traces", "total_tokens", [[(0, 15.0)], [(0, 15.0)]])):
            with self.subTest(scenario):
                self.agent(scenario, "replay", ORACLE, scenario)
                runs = read_back(scenario, "--stable")["runs"]
                self.assertEqual(sorted(history(run, key) for run in runs), values)
                self.assertEqual({run["status"] for run in runs}, {"FINISHED"})

    def test_spans_of_eight_threads_are_counted_once_each(self):
        self.agent("threads", "threads", "8", "300")
        run = read_back("threads", "--no-traces")["runs"][0]
        steps = [step for step, _ in history(run, "generation/total_tokens")]
        self.assertEqual(sorted(steps), list(range(2400)))
        self.assertEqual(history(run, "total_tokens"), [(0, 7200.0)])

    def test_a_server_on_files_has_the_same_traces(self):
        """It takes no spans over OTLP, and answers 501."""
        found = []
        for url in (server_url(), server_url("--files")):
            self.assertEqual(self.agent("both ways", "replay", ORACLE, "all_kinds_flat", url=url), "")
            found.append(read_back("both ways", "--stable", url=url))
            self.assertEqual(len(found[-1]["traces"]), 1)
        expected, seen = found[0]["traces"][0], found[1]["traces"][0]
        self.assertGreater(len(json.dumps(span_trees(expected))), 500)
        self.assertEqual(span_trees(seen), span_trees(expected))
        for key in ("name", "state", "request_preview", "response_preview", "token_usage"):
            self.assertEqual(seen[key], expected[key], key)
        self.assertEqual(found[1]["runs"][0]["linked_traces"], 1)

    def test_a_long_trace_on_a_server_on_files_is_one_file_in_the_end(self):
        url = server_url("--files")
        self.agent("long", "long", "400", "40", url=url)
        trace, = read_back("long", url=url)["traces"]
        self.assertEqual((trace["spans"], trace["orphans"]), (401, []))
        self.assertEqual({child["name"] for child in trace["roots"][0]["children"]}, {f"long {i}" for i in range(400)})
        location = trace["tags"]["mlflow.artifactLocation"].split(":", 1)[1].lstrip("/")
        found = []
        for folder in (location, f"{location}/spans"):
            asked = f"{url}/api/2.0/mlflow-artifacts/artifacts?path={urllib.parse.quote(folder)}"
            with urllib.request.urlopen(asked, timeout=60) as answer:
                found += [file["path"] for file in json.load(answer).get("files", []) if not file["is_dir"]]
        self.assertEqual(found, ["traces.json"])

    def test_a_run_of_the_host(self):
        self.agent("alone", "run")
        run = read_back("alone")["runs"][0]
        self.assertEqual(history(run, "loss"), [(0, 1.0), (1, 0.5), (2, 1 / 3)])
        self.assertEqual((run["name"], run["status"], run["tags"]["team"]), ("training", "FAILED", "a"))

    def check_joined(self, url):
        """Traces of a run that is there already, told in one batch: two that overlap, one that follows."""
        self.agent("joined", "run", url=url)
        run_id = read_back("joined", url=url)["runs"][0]["run_id"]
        self.agent("joined", "joined", url=url, MLFLOW_RUN_ID=run_id)
        found = read_back("joined", url=url)
        self.assertEqual([run["run_id"] for run in found["runs"]], [run_id])
        self.assertEqual(found["runs"][0]["linked_traces"], 3)
        self.assertEqual(found["traces_without_spans"], 0)
        traces = {trace["name"]: trace for trace in found["traces"]}
        self.assertEqual(sorted(traces), ["a", "b", "c"])
        for name, trace in traces.items():
            self.assertEqual((trace["orphans"], trace["state"], trace["session"]), ([], "OK", f"group of {name}"))
            root, = trace["roots"]
            self.assertEqual((root["name"], root["ended"]), (name, True))
            self.assertEqual([child["name"] for child in root["children"]], [f"{name} {i}" for i in range(3)])
            self.assertEqual(trace["spans"], 4)
            self.assertIn(f"asked of {name}", trace["request_preview"])

    def test_traces_that_join_one_run_are_whole_each(self):
        for kind, url in (("server", server_url()), ("server on files", server_url("--files")),
                          ("files", "file://" + os.path.join(self.folder, "mlruns"))):
            with self.subTest(kind):
                self.check_joined(url)

    def check_artifacts(self, url):
        contents = [b"", bytes(range(256)) * 40000, b"changed before it is read"]
        files = []
        for number, content in enumerate(contents):
            files.append(os.path.join(self.folder, f"file {number}"))
            with open(files[-1], "wb") as file:
                file.write(content)
        said = self.agent("artifacts", "artifacts", *files, url=url)
        run = read_back("artifacts", "--artifacts", url=url)["runs"][0]
        expected = [{"path": f"given/ä {i}", "size": len(contents[i]), "sha256": hashlib.sha256(contents[i]).hexdigest()}
                    for i in range(2)]
        self.assertEqual(run["artifacts"], expected)
        self.assertIn("file 2 has changed since it was logged", said)
        self.assertIn("MLflow refused 1 items in all", said)
        self.assertEqual(run["status"], "FINISHED")

    def test_files_of_a_run_are_there_byte_for_byte(self):
        self.check_artifacts(None)

    def test_files_of_a_run_are_there_in_a_store_of_files(self):
        self.check_artifacts("file://" + os.path.join(self.folder, "mlruns"))

    def test_whoever_is_killed_leaves_no_second_run_and_no_gap(self):
        """Killed at random, often while the server has taken what the state does not know yet."""
        ended = killed_at_random(KILLS, AGENT, variables("kills", self.folder), random.Random(7))
        self.agent("kills", "recover")
        runs = read_back("kills", "--no-traces")["runs"]
        finished = [run for run in runs if run["status"] == "FINISHED"]
        self.assertGreaterEqual(ended, KILLS)
        self.assertGreaterEqual(len(finished), ended)
        self.assertLessEqual(len(finished), ended + KILLS)  # the end of one that nobody heard of
        ids = [run["tags"]["trunkline.trace_id"] for run in runs]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(trace_state(finished[0]["tags"]["trunkline.trace_id"]), "OK")
        for run in finished:
            self.assertEqual(history(run, "step/number"), [(i, float(i)) for i in range(10)])
            self.assertEqual(history(run, "total_steps"), [(0, 10.0)])
        others = [run for run in runs if run["status"] != "FINISHED"]
        self.assertLessEqual(len(others), KILLS)
        for run in others:
            self.assertEqual(run["status"], "KILLED")
            self.assertEqual(trace_state(run["tags"]["trunkline.trace_id"]), "ERROR")
            steps = history(run, "step/number")
            self.assertEqual(steps, [(i, float(i)) for i in range(len(steps))])


if __name__ == "__main__":
    unittest.main()
