"""docs/benchmarks_mlflow.md: the whole page, from one run."""
from kit import report, tracker_figures
from kit.goals import Goal, at_most
from kit.tracker_figures import best_rate, extra_memory, extra_of, figure, own_threads, share_goal, shown, times

HEAD = """# Benchmarks: MLflow

Written by `make bench` (`bench/mlflow.py`) from one run; nothing here is edited by hand. The processor `mlflow` of an agent
in C and MLflow's own SDK in Python write in turn to one real MLflow server on loopback, which keeps its data in SQLite on
disk. "The server's own limit" is what prepared bodies over one keep-alive connection reach, each sent after the answer to
the one before. Compare within this page only.
"""

WHY = {
    "numbers": "the numbers are read back from the log, their run is made and ended, and the thread that sends them waits"
               " for each answer before it writes the next body; what is missing on a busy machine is mostly its neighbours'",
    "traces": "the metrics and tags of each batch are sent on the same connection as the traces, which the server's own limit"
              " leaves out; the worker's batches also end where a trace is in the middle, whose rest is a request more",
    "memory": "what libcurl, its TLS library and the buffers of one batch of 1,000 records need",
    "threads": "the log, the delivery of the others, the adoption of dead runs and the server have one each",
    "short": "nearly all of it is the time in which the server answers eight requests, which both wait for: a short run is"
             " bound by the server, not by the tracer",
    "lost": "see the processor's messages",
}


def caller_goal(outcomes):
    text = "a number of a run costs its caller at most 1/100 of the SDK's asynchronous `log_metric`"
    ours, theirs = (figure(outcomes, writer, "numbers", "call_cpu_ns") for writer in ("trunkline", "sdk"))
    if not ours or not theirs:
        return Goal(text, "not measured", None)
    return at_most(text, ours[0] / theirs[0], 0.01, f"{ours[0] / theirs[0]:.5f} (of minima: {ours[1] / theirs[1]:.5f})")


def goals(outcomes):
    short, theirs = (figure(outcomes, writer, "short", "process_s") for writer in ("trunkline", "sdk"))
    ratio = short[0] / theirs[0] if short and theirs else None
    memory, threads = extra_of(outcomes), own_threads(outcomes, "trunkline")
    return [
        caller_goal(outcomes),
        share_goal("numbers: at least 0.9 of the server's own limit", best_rate(outcomes, "trunkline", "numbers"),
                   best_rate(outcomes, "raw", "numbers"), WHY["numbers"]),
        share_goal("traces that join a run: at least 0.9 of the server's own limit",
                   best_rate(outcomes, "trunkline", "joined"), best_rate(outcomes, "raw", "traces"), WHY["traces"]),
        at_most("at most 10 MiB of private memory beyond the same agent without the processor",
                memory and memory[0], 10, f"{memory[0] if memory else 0:.1f} MiB", WHY["memory"]),
        at_most("at most 4 threads of its own", threads, 4, str(threads), WHY["threads"]),
        at_most("a short run in at most 1/10 of the SDK's time", ratio, 0.1,
                f"{ratio or 0:.3f} ({short[0] if short else 0:.2f} s of {theirs[0] if theirs else 0:.2f} s)", WHY["short"]),
    ]


def caller_table(outcomes):
    def row(text, mode, name, sdk=True):
        ours, theirs = times(outcomes, mode, name, 1, " ns")
        return [text, ours, theirs if sdk else "-"]

    return report.table(["of the calling thread", "trunkline", "MLflow's SDK"], [
        row("a number of a run, CPU", "numbers", "call_cpu_ns"),
        row("a number of a run, clock", "numbers", "call_wall_ns"),
        row("a generation with model and usage, start to end, CPU", "calls", "call_cpu_ns"),
        row("a generation with model and usage, start to end, clock", "calls", "call_wall_ns"),
        row("its end alone, CPU", "calls", "end_cpu_ns", sdk=False),
        row("its end alone, clock", "calls", "end_wall_ns", sdk=False),
    ])


def whole_table(outcomes):
    def rates(text, own_mode, sdk_mode, raw_mode):
        pairs = [best_rate(outcomes, *key) if key[1] else None
                 for key in (("trunkline", own_mode), ("sdk", sdk_mode), ("raw", raw_mode))]
        return [text, *(shown(pair, "/s", 1 if "trace" in text else 0) for pair in pairs)]

    base = ("sdk", "nothing")
    return report.table(["", "trunkline", "MLflow's SDK", "the server's own limit"], [
        rates("numbers until the server has them, median (best)", "numbers", "numbers", "numbers"),
        rates("traces of ten spans that join a run", "joined", "joined", "traces"),
        rates("traces of ten spans, each with a run of its own", "traces", None, None),
        ["the first number at the server, after it was logged", *times(outcomes, "first", "arrival_s", 1000, " ms"), "-"],
        ["the same, from the start of the process", *times(outcomes, "first", "from_start_s", 1000, " ms"), "-"],
        ["one trace of ten spans, start to exit of the process", *times(outcomes, "short", "process_s", 1000, " ms"), "-"],
        ["private memory more than without it, after the numbers",
         shown(extra_memory(outcomes, "trunkline", "numbers", ("without", "numbers")), " MiB", 1),
         shown(extra_memory(outcomes, "sdk", "numbers", base), " MiB", 1), "-"],
        ["the same, after the generations",
         shown(extra_memory(outcomes, "trunkline", "calls", ("without", "calls")), " MiB", 1),
         shown(extra_memory(outcomes, "sdk", "calls", base), " MiB", 1), "-"],
        ["threads beside the program's, at most", own_threads(outcomes, "trunkline"), own_threads(outcomes, "sdk"), "-"],
    ])


NOTES = """The SDK in its asynchronous forms: `log_metric(synchronous=False)`, and `start_span` with asynchronous logging of
traces; then its flushes. A generation of ours is three numbers and a tag of the run as well as a span of the trace; of the
SDK it is the span alone. The first number is seen by asking the server every 5 ms. Memory is Private_* of
`/proc/self/smaps_rollup`; "without" is the same agent with `processors=none`, for the SDK an interpreter that has not
imported it."""


def whole(outcomes, absent, described, versions):
    return tracker_figures.page(HEAD, goals(outcomes), caller_table(outcomes), whole_table(outcomes), NOTES, outcomes, absent,
                                {**described, **versions})
