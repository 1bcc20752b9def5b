"""What bench/runs_agent.c does, through MLflow's own SDK in its asynchronous forms; run by an environment that has it.
Prints one line of JSON. MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME say where to.
usage: agent.py numbers COUNT | calls COUNT | traces COUNT | first | short | nothing"""
import json
import os
import re
import sys
import time

SPANS_OF_A_TRACE = 10
WARM_UP = 100


def private_kib():
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        return sum(map(int, re.findall(r"^Private_\w+:\s+(\d+)", file.read(), re.M)))


def said(mode, **figures):
    figures.update(private_kib=private_kib(), threads=len(os.listdir("/proc/self/task")))
    print(json.dumps({"mode": mode, **figures}), flush=True)


def timed(work, count):
    """Of the calling thread, per piece of work."""
    cpu, wall = time.thread_time_ns(), time.monotonic_ns()
    for i in range(count):
        work(i)
    return {"records": count, "call_cpu_ns": (time.thread_time_ns() - cpu) / count,
            "call_wall_ns": (time.monotonic_ns() - wall) / count}


def generation(i, content=False):
    with mlflow.start_span("llm.chat", span_type="CHAT_MODEL") as span:
        span.set_attribute("mlflow.llm.model", "claude-sonnet-4x")
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 1234, "output_tokens": 256, "total_tokens": 1490})
        if content:
            span.set_inputs({"question": "what is 6 times 7?"})
            span.set_outputs("42")


def log_number(i):
    mlflow.log_metric("loss", 1 / (i + 1), step=i, synchronous=False)


def flush():
    mlflow.flush_async_logging()
    mlflow.flush_trace_async_logging()


def one_trace(i):
    with mlflow.start_span("agent", span_type="AGENT"):
        for j in range(SPANS_OF_A_TRACE):
            generation(j, content=True)


def numbers(count):
    begin = time.monotonic()
    with mlflow.start_run():
        figures = timed(log_number, count)
        flush()
        seconds = time.monotonic() - begin
        said("numbers", seconds=seconds, **figures)


def calls(count):
    begin = time.monotonic()
    with mlflow.start_span("calls"):
        timed(generation, WARM_UP)
        figures = timed(generation, count)
    flush()
    said("calls", seconds=time.monotonic() - begin, **figures)


def traces(count, mode="traces"):
    with mlflow.start_run():
        begin = time.monotonic()
        figures = timed(one_trace, count)
        flush()
        said(mode, seconds=time.monotonic() - begin, **figures)


def first():
    with mlflow.start_run():
        print(json.dumps({"mode": "first", "logged_ns": time.monotonic_ns()}), flush=True)
        log_number(0)
        sys.stdin.read()


def main():
    mode, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if mode == "nothing":
        return said(mode)
    global mlflow
    import mlflow
    mlflow.set_experiment(os.environ["MLFLOW_EXPERIMENT_NAME"])
    if mode == "short":
        return traces(1, mode)
    {"numbers": numbers, "calls": calls, "traces": traces, "first": lambda _: first()}[mode](count)


if __name__ == "__main__":
    main()
