#!/usr/bin/env python3
"""Prints the runs and traces of the experiment $MLFLOW_EXPERIMENT_NAME at $MLFLOW_TRACKING_URI, as MLflow's own client
reads them."""
import os

import mlflow


def show_run(run):
    print(f"run {run.info.run_name!r}: {run.info.status}")
    for name, value in sorted(run.data.metrics.items()):
        print(f"  metric {name} = {value:g}")
    for kind, items in (("param", run.data.params), ("tag", run.data.tags)):
        for name, value in sorted(items.items()):
            if not name.startswith(("mlflow.", "trunkline.")):
                print(f"  {kind} {name} = {value}")


def show_trace(trace):
    info = trace.info
    print(f"trace {info.trace_id}: {info.state.value}, {info.execution_duration} ms, tokens {info.token_usage}")
    children = {}
    for span in sorted(trace.data.spans, key=lambda span: span.start_time_ns):
        children.setdefault(span.parent_id, []).append(span)

    def show(parent, depth):
        for span in children.get(parent, ()):
            print(f"  {'  ' * depth}{span.span_type} {span.name}: {span.status.status_code.value}")
            show(span.span_id, depth + 1)

    show(None, 0)


def main():
    client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name(os.environ["MLFLOW_EXPERIMENT_NAME"])
    for run in reversed(client.search_runs([experiment.experiment_id])):
        show_run(run)
        for trace in client.search_traces(locations=[experiment.experiment_id], run_id=run.info.run_id):
            show_trace(trace)


if __name__ == "__main__":
    main()
