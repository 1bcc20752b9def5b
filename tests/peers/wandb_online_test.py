"""The processor at a W&B server (fake_wandb.py), read back by W&B's own client: what QitOS was recorded to log, traces
that overlap, threads, runs of the host, runs that W&B's client goes on with, and processes that are killed while the
server takes what they say. Run by the environment of wandb_requirements.txt."""
import json
import random
import unittest

from kills import killed_at_random
from wandb_support import AGENT, ORACLE, SAME_AS_QITOS, WandbTest, without_times

KILLS = 5
QUICK = {"AGENT_WANDB_OPTIONS": '{"interval_ms": 0}'}  # each batch at once
GOES_ON = """
import sys, time, wandb
run = wandb.init(project="proj", id=sys.argv[1], resume="must")
assert run.resumed and run.config["from"] == "agent", run.config
run.log({"mine": 1})
time.sleep(1.5)
run.log({"mine": 2})
run.finish()
"""
TREE = """
import dataclasses, json, sys, wandb
from wandb.sdk.data_types.trace_tree import Result, Span, SpanKind, StatusCode, WBTraceTree
def made(span):
    return Span(**{**span, "status_code": StatusCode(span["status_code"]), "span_kind": SpanKind(span["span_kind"]),
                   "results": [Result(**each) for each in span.get("results", [])],
                   "child_spans": [made(each) for each in span.get("child_spans", [])]})
run = next(iter(wandb.Api().runs(sys.argv[1])))
value = [row["trace"] for row in run.scan_history() if "trace" in row][0]
root = made(json.loads(value["root_span_dumps"]))
assert WBTraceTree(root).to_json(None)["_type"] == value["_type"]
print(json.dumps(dataclasses.asdict(root)))
"""


class OnlineTest(WandbTest):
    def run_of(self):
        runs = self.server.runs()
        self.assertEqual(len(runs), 1)
        return next(iter(runs.values()))

    def test_what_qitos_logs_is_what_the_server_has(self):
        with open(ORACLE, encoding="utf-8") as file:
            oracle = json.load(file)
        for scenario in SAME_AS_QITOS:
            with self.subTest(scenario):
                self.start_server()
                self.assertEqual(self.agent("replay", ORACLE, scenario), "")
                state = self.server.ask("/_state")
                self.assertEqual(state["unknown_fields"], {})
                self.assertLessEqual(max(state["asked"].values()), 2)
                run, timeline = self.read_back()["run-1"], oracle[scenario]["timeline"]
                self.check_oracle(run, timeline)
                # The control: a number that is another is seen.
                other = json.loads(json.dumps(timeline))
                next(call for call in other if call[0] == "run.summary.update")[1][0]["total_steps"] = 99
                self.assertRaises(AssertionError, self.check_oracle, run, other)

    def test_traces_that_overlap_or_follow_have_runs_of_their_own(self):
        expected = {"interleaved_traces": {"A": [{"step/number": 1, "_step": 0}, {"step/number": 2, "_step": 1}],
                                           "B": [{"step/number": 10, "_step": 0}, {"step/number": 11, "_step": 1}]},
                    "auto_finish_false_then_second_trace": None}
        for scenario, rows in expected.items():
            with self.subTest(scenario):
                self.start_server()
                self.agent("replay", ORACLE, scenario)
                runs = self.read_back()
                self.assertEqual({run["state"] for run in runs.values()}, {"finished"})
                found = {name: [without_times(row) for row in run["history"]] for name, run in runs.items()}
                if rows:
                    self.assertEqual(found, rows)
                else:
                    self.assertEqual({name: run["summary"]["total_tokens"] for name, run in runs.items()},
                                     {"r1": 15, "r2": 15})

    def test_spans_of_eight_threads_are_counted_once_each(self):
        self.agent("threads", "8", "300")
        run = self.read_back()["threads"]
        self.assertEqual([row["_step"] for row in run["history"]], list(range(2400)))
        self.assertEqual(run["summary"]["total_tokens"], 7200)

    def test_a_run_of_the_host(self):
        self.agent("run", WANDB_RUN_GROUP="g", WANDB_JOB_TYPE="train", WANDB_NOTES="n")
        run = self.read_back()["training"]
        self.assertEqual([row["loss"] for row in run["history"]], [1.0, 0.5, 1 / 3])
        self.assertEqual((run["state"], run["tags"], run["group"]), ("failed", ["t", "team:a"], "g"))
        self.assertEqual((run["job_type"], run["notes"]), ("train", "n"))
        self.assertEqual(self.run_of()["exitcode"], 3)

    def test_a_run_that_the_sdk_goes_on_with_and_we_again(self):
        with open(ORACLE, encoding="utf-8") as file:
            rows = sum(call[0] == "run.log" for call in json.load(file)["all_kinds_flat"]["timeline"])
        given = {"WANDB_RUN_ID": "given-1", "WANDB_NAME": "mine"}
        self.agent("replay", ORACLE, "all_kinds_flat", **given)
        self.sdk("-c", GOES_ON.replace('"from"', '"task"').replace('"agent"', '"gaia-1"'), "given-1")
        self.agent("replay", ORACLE, "all_kinds_flat", **given)
        run = self.read_back()["mine"]
        self.assertEqual([row["_step"] for row in run["history"]], list(range(2 * rows + 2)))
        self.assertEqual([row["mine"] for row in run["history"] if "mine" in row], [1, 2])
        self.assertEqual(run["summary"]["mine"], 2)
        theirs, ours = run["history"][rows + 1]["_runtime"], run["history"][rows + 2]["_runtime"]
        self.assertGreater(theirs, 1.4)
        self.assertGreaterEqual(ours, theirs)  # the time of the run goes on
        self.assertLess(ours, run["history"][rows + 2]["_timestamp"] - run["history"][0]["_timestamp"] + 0.1)
        self.assertEqual((run["state"], run["config"]["task"]), ("finished", "gaia-1"))
        found = self.run_of()
        self.assertEqual((found["gaps"], found["rewritten_lines"].get("wandb-history.jsonl", 0)), ({}, 0))

    def test_a_trace_tree_is_what_the_sdk_makes_of_one(self):
        self.agent("replay", ORACLE, "all_kinds_flat", AGENT_WANDB_OPTIONS='{"trace_tree": true}')
        tree = json.loads(self.sdk("-c", TREE, "fake-entity/proj").splitlines()[-1])
        self.assertEqual((tree["name"], tree["span_kind"]), ("run-1", "AGENT"))
        kinds = [span["span_kind"] for span in tree["child_spans"]]
        self.assertEqual((len(kinds), kinds.count("LLM"), kinds.count("TOOL")), (11, 1, 3))
        self.assertIn("trace", self.read_back()["run-1"]["history"][-1])

    def test_whoever_is_killed_leaves_no_gap_and_no_double_row(self):
        """Killed at random, often while the server has taken what the state does not know yet."""
        ended = killed_at_random(KILLS, AGENT, self.variables(**QUICK), random.Random(7))
        self.agent("recover", **QUICK)
        runs = self.server.runs().values()
        finished = [run for run in runs if run["state"] == "finished"]
        self.assertGreaterEqual(ended, KILLS)
        self.assertGreaterEqual(len(finished), ended)
        self.assertLessEqual(len(finished), ended + KILLS)  # the end of one that nobody heard of
        self.assertLessEqual(len(runs) - len(finished), KILLS)
        for run in runs:
            steps = [row["step/number"] for row in run["history"]]
            self.assertEqual(steps, list(range(10 if run in finished else len(steps))))
            self.assertEqual(run["gaps"], {})
            if run in finished:
                self.assertEqual(run["summary"]["total_steps"], 10)
            else:
                self.assertEqual((run["state"], run["exitcode"]), ("failed", 255))


if __name__ == "__main__":
    unittest.main()
