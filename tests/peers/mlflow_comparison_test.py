"""One agent, written with MLflow's own SDK (mlflow_sdk_agent.py) and with Trunkline (`tracker_agent answer`): MLflow's own
client reads the same back, but for what is listed here."""
import copy
import fnmatch
import os
import sys
import unittest

from mlflow_support import AGENT, HERE, MlflowTest, read_back

SDK_AGENT = os.path.join(HERE, "mlflow_sdk_agent.py")

# What may differ, and why. All else has to be there in both, and to be the same.
DIFFERENT_TAGS_OF_A_RUN = {
    "trunkline.key": "by which a run is found again after a crash",
    "trunkline.trace_id": "leads from the run to the trace in the local store",
    "mlflow.source.name": "the two programs have names of their own",
    "mlflow.source.git.*": "the SDK looks for a repository around the script; a binary has none",
}
DIFFERENT_METADATA_OF_A_TRACE = {
    "mlflow.source.*": "the SDK copies them from the run to the trace",
    "mlflow.user": "the SDK copies it from the run to the trace",
    "mlflow.trace_schema.version": "the SDK's own form of a trace",
    "mlflow.traceInputs": "the SDK's empty previews",
    "mlflow.traceOutputs": "the SDK's empty previews",
    "stop_reason": "metadata of a trace of Trunkline; the SDK has only its run's tag",
}
DIFFERENT_TAGS_OF_A_TRACE = {
    "host.arch": "from OTLP's resource", "os.type": "from OTLP's resource", "process.pid": "from OTLP's resource",
    "service.name": "from OTLP's resource", "stop_reason": "as in the metadata",
}
DIFFERENT_ATTRIBUTES_OF_A_SPAN = {
    "trunkline.*": "what a span is here", "gen_ai.*": "OpenTelemetry's names for the same",
    "openinference.*": "OpenInference's names for the same", "error.type": "OpenTelemetry's",
    "stop_reason": "metadata of the trace, on its root", "mlflow.traceTag.*": "tags of the trace, on its root",
    "mlflow.spanLogLevel": "made up by the SDK from the span's type",
}
DIFFERENT_EVENTS = {"exception": "an error is an event as well; the SDK's set_status makes none"}


def without(items, different):
    return {key: value for key, value in items.items()
            if not any(fnmatch.fnmatchcase(key, pattern) for pattern in different)}


def comparable_span(span):
    span = dict(span, attributes=without(span["attributes"], DIFFERENT_ATTRIBUTES_OF_A_SPAN),
                events=[event for event in span["events"] if event["name"] not in DIFFERENT_EVENTS])
    span["children"] = [comparable_span(child) for child in span["children"]]
    return span


def comparable(found):
    run, trace = dict(found["runs"][0]), dict(found["traces"][0])
    run["tags"] = without(run["tags"], DIFFERENT_TAGS_OF_A_RUN)
    trace["metadata"] = without(trace["metadata"], DIFFERENT_METADATA_OF_A_TRACE)
    trace["tags"] = without(trace["tags"], DIFFERENT_TAGS_OF_A_TRACE)
    trace["roots"] = [comparable_span(root) for root in trace["roots"]]
    return {"run": run, "trace": trace, "counts": (len(found["runs"]), len(found["traces"]))}


class MlflowComparisonTest(MlflowTest):
    maxDiff = None

    def written_by(self, experiment, *command):
        self.run_program(command, experiment)
        return comparable(read_back(experiment, "--stable"))

    def test_the_same_agent_leaves_the_same_as_with_mlflows_own_sdk(self):
        ours = self.written_by("ours", AGENT, "answer")
        theirs = self.written_by("theirs", sys.executable, SDK_AGENT)
        # First that there is something to compare.
        self.assertEqual(theirs["counts"], (1, 1))
        self.assertEqual(theirs["trace"]["token_usage"], {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15})
        plan = theirs["trace"]["roots"][0]["children"][0]
        self.assertEqual([(span["name"], span["type"], span["status"]) for span in plan["children"]],
                         [("chat", "CHAT_MODEL", "OK"), ("multiply", "TOOL", "OK"), ("divide", "TOOL", "ERROR")])
        self.assertEqual(theirs["run"]["metrics"]["loss"]["history"], [[0, 1.0], [1, 0.5], [2, 0.25]])
        self.assertEqual(ours, theirs)
        # The controls: another agent, whose last loss is another, and another output of a tool.
        other = self.written_by("another loss", sys.executable, SDK_AGENT, "0.375")
        self.assertNotEqual(ours, other)
        other["run"]["metrics"]["loss"] = ours["run"]["metrics"]["loss"]
        self.assertEqual(ours, other)
        changed = copy.deepcopy(theirs)
        changed["trace"]["roots"][0]["children"][0]["children"][1]["outputs"] = {"product": 43}
        self.assertNotEqual(ours, changed)


if __name__ == "__main__":
    unittest.main()
