"""The agent of `tracker_agent answer`, written with MLflow's own SDK: what it logs itself is what the processor logs for
whoever records with Trunkline. mlflow_sdk_agent.py [LOSS]: the last value of `loss`, 0.25 by default."""
import os
import sys

import mlflow
from mlflow.entities import SpanType


def think():
    with mlflow.start_span("chat", span_type=SpanType.CHAT_MODEL) as span:
        span.set_inputs({"messages": [{"role": "user", "content": "what is 6 times 7?"}]})
        span.set_attribute("mlflow.llm.model", "claude-sonnet-4")
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15})
        span.set_outputs("let me see ✓")
    mlflow.log_metrics({"generation/prompt_tokens": 12, "generation/completion_tokens": 3, "generation/total_tokens": 15},
                       step=0)
    mlflow.log_param("generation_model", "claude-sonnet-4")


def call(name, outputs, error=None):
    with mlflow.start_span(name, span_type=SpanType.TOOL) as span:
        span.set_inputs({"a": 6, "b": [7, 0.5, None]})
        span.set_outputs(outputs)
        if error:
            span.set_status(mlflow.entities.SpanStatus("ERROR", error))
    mlflow.set_tag("tool/name", name)
    mlflow.set_tag(f"tool.{name}.called", "true")


def main():
    last = float(sys.argv[1]) if len(sys.argv) > 1 else 0.25
    mlflow.set_experiment(os.environ["MLFLOW_EXPERIMENT_NAME"])
    mlflow.start_run(run_name="answer")
    mlflow.log_param("learning_rate", 0.125)
    mlflow.set_tag("team", "a b")
    with mlflow.start_span("answer", span_type="WORKFLOW"):
        for step, loss in enumerate((1.0, 0.5, last)):
            mlflow.log_metrics({"loss": loss, "accuracy": step / 2}, step=step)
        with mlflow.start_span("plan", span_type="TASK"):
            think()
            call("multiply", {"product": 42})
            call("divide", None, "division by zero")
        mlflow.log_metric("step/number", 0, step=3)
    mlflow.set_tag("stop_reason", "final_answer")
    mlflow.log_metrics({"total_tokens": 15, "total_steps": 1, "total_tool_calls": 2}, step=0)
    mlflow.end_run()


if __name__ == "__main__":
    main()
