"""docs/benchmarks_wandb.md: the whole page, from one run."""
from kit import report, tracker_figures
from kit.goals import Goal, at_most
from kit.tracker_figures import best_rate, extra_memory, extra_of, figure, own_threads, share_goal, shown, times

HEAD = """# Benchmarks: W&B

Written by `make bench` (`bench/wandb.py`) from one run; nothing here is edited by hand. The processor `wandb` of an agent in
C and W&B's own SDK in Python write in turn to a stand-in of W&B's server on loopback, a fresh one for each run, which keeps
what it is given in memory and answers at once: a server far away takes longer for both. "The server's own limit" is what
prepared bodies of 1,000 rows reach over one keep-alive connection, each sent after the answer to the one before. Compare
within this page only.
"""

WHY = {
    "caller": "see the count of instructions in benchmarks.md: a record of a run is written like a span",
    "numbers": "the run is made first; the first rows go at once and the others when the flush is noticed, which is looked"
               " for every 20 ms; then each body of up to 4,000 rows is read back from the log and written after the answer"
               " to the one before, while prepared bodies keep the stand-in busy all the time",
    "memory": "what libcurl, its TLS library and the buffers of one batch of 4,000 records need",
    "threads": "the log, the delivery of the others, the adoption of dead runs and the server have one each",
    "start": "the least of it is the start of the process, the directory and libcurl, which is loaded with the first record",
    "log": "the values are written as they are",
}


def ratio_goal(outcomes, text, mode, name, limit, why, scale=1.0, unit=" ns"):
    ours, theirs = (figure(outcomes, writer, mode, name, scale) for writer in ("trunkline", "sdk"))
    if not ours or not theirs:
        return Goal(text, "not measured", None)
    said = f"{ours[0] / theirs[0]:.4f} (of minima: {ours[1] / theirs[1]:.4f}): {ours[0]:,.0f}{unit} of {theirs[0]:,.0f}{unit}"
    return at_most(text, ours[0] / theirs[0], limit, said, why)


def goals(outcomes):
    memory, threads = extra_of(outcomes), own_threads(outcomes, "trunkline")
    processes = figure(outcomes, "trunkline", "first", "processes")
    return [
        ratio_goal(outcomes, "a row costs its caller at most 1/50 of the SDK's `run.log`", "numbers", "call_cpu_ns", 1 / 50,
                   WHY["caller"]),
        ratio_goal(outcomes, "the first row is at the server, from the start of the process, in at most 1/10 of the SDK's"
                   " time", "first", "from_start_s", 0.1, WHY["start"], 1000, " ms"),
        share_goal("rows: at least 0.9 of the server's own limit", best_rate(outcomes, "trunkline", "numbers"),
                   best_rate(outcomes, "raw", "numbers"), WHY["numbers"]),
        ratio_goal(outcomes, "a short run, from the start of the process to its exit, in at most 1/10 of the SDK's time",
                   "short", "process_s", 0.1, WHY["start"], 1000, " ms"),
        at_most("at most 10 MiB of private memory beyond the same agent without the processor",
                memory and memory[0], 10, f"{memory[0] if memory else 0:.1f} MiB", WHY["memory"]),
        at_most("at most 4 threads of its own", threads, 4, str(threads), WHY["threads"]),
        at_most("no process of its own", processes and processes[0] - 1, 0, f"{processes[0] - 1 if processes else 0:.0f}"),
        ratio_goal(outcomes, "a row in a file for `wandb sync` takes no more bytes than the SDK's", "offline",
                   "bytes_per_row", 1, WHY["log"], 1, " bytes"),
    ]


def caller_table(outcomes):
    def row(text, mode, name, sdk=True):
        ours, theirs = times(outcomes, mode, name, 1, " ns")
        return [text, ours, theirs if sdk else "-"]

    return report.table(["of the calling thread", "trunkline", "W&B's SDK"], [
        row("a number of a run, CPU", "numbers", "call_cpu_ns"),
        row("a number of a run, clock", "numbers", "call_wall_ns"),
        row("a number of a run that is a file, CPU", "offline", "call_cpu_ns"),
        row("a generation with model and usage, start to end, CPU", "calls", "call_cpu_ns"),
        row("a generation with model and usage, start to end, clock", "calls", "call_wall_ns"),
        row("its end alone, CPU", "calls", "end_cpu_ns", sdk=False),
    ])


def memory_row(outcomes, text, mode):
    return [text, shown(extra_memory(outcomes, "trunkline", mode, ("without", mode)), " MiB", 1),
            shown(extra_memory(outcomes, "sdk", mode, ("sdk", "nothing")), " MiB", 1), "-"]


def whole_table(outcomes):
    def rates(text, mode, raw=True):
        pairs = [best_rate(outcomes, writer, mode) for writer in ("trunkline", "sdk")]
        return [text, *(shown(pair, "/s") for pair in pairs), shown(best_rate(outcomes, "raw", mode), "/s") if raw else "-"]

    return report.table(["", "trunkline", "W&B's SDK", "the server's own limit"], [
        rates("rows until the server has them, median (best)", "numbers"),
        rates("rows until they are in a file", "offline", raw=False),
        ["the first row at the server, after it was logged", *times(outcomes, "first", "arrival_s", 1000, " ms"), "-"],
        ["the same, from the start of the process", *times(outcomes, "first", "from_start_s", 1000, " ms"), "-"],
        ["a run of ten rows, start to exit of the process", *times(outcomes, "short", "process_s", 1000, " ms"), "-"],
        memory_row(outcomes, "private memory more than without it, of all processes, after the numbers", "numbers"),
        memory_row(outcomes, "the same, after the generations", "calls"),
        ["processes", *times(outcomes, "first", "processes", 1, ""), "-"],
        ["threads of all of them beside the program's, at most", own_threads(outcomes, "trunkline"),
         own_threads(outcomes, "sdk"), "-"],
        ["a row in a file for `wandb sync`", *times(outcomes, "offline", "bytes_per_row", 1, " bytes"), "-"],
        ["left on the disk by a run at the server of 10,000, and 2,000, rows",
         *times(outcomes, "numbers", "left_bytes", 1 / 1024, " KiB"), "-"],
    ])


NOTES = """A number is a row of one value. A generation of ours is a span of the trace, of which the processor makes a row of four
values; of the SDK it is `run.log` of these four. The SDK is warmed up with 100 rows, which count for its rate at the server.
The first row is seen by asking the server every 5 ms; the SDK sends what it has every 15 s, the library at once, and then
every 15 s. Memory is Private_* of `/proc/PID/smaps_rollup`; "without" is the same
agent with `processors=none`, for the SDK an interpreter that has not imported it. While it runs, the library keeps its log on
the disk, of 8 MiB and more, which is gone when all is delivered; the SDK keeps the file that it would sync."""


def whole(outcomes, absent, described, versions):
    return tracker_figures.page(HEAD, goals(outcomes), caller_table(outcomes), whole_table(outcomes), NOTES, outcomes, absent,
                                {**described, **versions})
