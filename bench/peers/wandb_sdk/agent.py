"""What bench/runs_agent.c does, through W&B's own SDK; run by an environment that has it. Prints one line of JSON. Memory
and threads are those of this process and of the ones that the SDK starts. WANDB_BASE_URL, _API_KEY, _PROJECT and _MODE say
where to.
usage: agent.py numbers COUNT | calls COUNT | first | short | nothing"""
import json
import os
import re
import sys
import time

WARM_UP = 100
CALLS_OF_A_TRACE = 10


def processes():
    found = [os.getpid()]
    for each in found:
        for task in os.listdir(f"/proc/{each}/task"):
            with open(f"/proc/{each}/task/{task}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    return found


def private_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(map(int, re.findall(r"^Private_\w+:\s+(\d+)", file.read(), re.M)))


def said(mode, **figures):
    print(json.dumps({"mode": mode, **figures}), flush=True)


def footprint():
    pids = processes()
    return {"private_kib": sum(map(private_kib, pids)), "threads": sum(len(os.listdir(f"/proc/{pid}/task")) for pid in pids)}


def timed(work, count):
    """Of the calling thread, per piece of work."""
    cpu, wall = time.thread_time_ns(), time.monotonic_ns()
    for i in range(count):
        work(i)
    return {"records": count, "call_cpu_ns": (time.thread_time_ns() - cpu) / count,
            "call_wall_ns": (time.monotonic_ns() - wall) / count}


def written(mode, work, count):
    """Until the server, or the file, has it. What it takes up is looked at before the SDK lets go of it."""
    with wandb.init() as run:
        timed(lambda i: work(run, i), WARM_UP)
        begin = time.monotonic()
        figures = timed(lambda i: work(run, i), count)
        figures.update(footprint())
    said(mode, seconds=time.monotonic() - begin, **figures)


def log_number(run, i):
    run.log({"loss": 1 / (i + 1)})


def log_call(run, _):
    run.log({"generation/prompt_tokens": 1234, "generation/completion_tokens": 256, "generation/total_tokens": 1490,
             "generation/model": "claude-sonnet-4x"})


def short():
    with wandb.init(name="short") as run:
        for i in range(CALLS_OF_A_TRACE):
            log_call(run, i)
        run.summary.update({"total_tokens": 14900, "total_steps": 0, "total_tool_calls": 0})
    said("short")


def first():
    with wandb.init() as run:
        said("first", logged_ns=time.monotonic_ns())
        log_number(run, 0)
        sys.stdin.read()


def main():
    mode, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if mode == "nothing":
        return said(mode, **footprint())
    global wandb
    import wandb
    {"numbers": lambda: written(mode, log_number, count), "calls": lambda: written(mode, log_call, count),
     "short": short, "first": first}[mode]()


if __name__ == "__main__":
    main()
