"""What bench/probe.c measures: how times are spread, what idling costs, how long starting takes, how a reader that was
behind catches up."""
import os

from kit import machine, peers, runner

SPANS = 300_000
COLD = 100
IDLE_S = 20
LIFECYCLES = 30
CATCH_UP = 400_000
MEMORY = "/dev/shm"


def program():
    library = str(peers.ROOT / "build" / "lib")
    return peers.Program([str(peers.BUILT / "probe")], {"LD_LIBRARY_PATH": library})


def run(scratch, *arguments, **environment):
    return runner.start(program(), [str(each) for each in arguments], scratch, **environment)


def best_of(rows):
    """Of repetitions of one distribution: the one with the least p99.9, which others disturbed least."""
    return min(rows, key=lambda row: row["p99_9"])


def spread(scratch, repetitions):
    """[(what, figures)], interleaved."""
    places = {"empty loop": (0, {}), f"recorder on {machine.file_system(scratch)}": (SPANS, {})}
    if os.path.isdir(MEMORY):
        places["recorder on tmpfs"] = (SPANS, {"TRUNKLINE_RECORDER_DIR": MEMORY})
    rows = {name: [] for name in places}
    for _ in range(repetitions):
        for name, (spans, environment) in places.items():
            rows[name] += run(scratch, "latency", spans, **environment)
    return [(name, best_of(found)) for name, found in rows.items()]


def measure(scratch, repetitions):
    found = {"spread": spread(scratch, repetitions)}
    runner.progress("measured how times are spread")
    found["cold"] = run(scratch, "cold", COLD)[0]
    found["idle"] = run(scratch, "idle", IDLE_S)[0]
    runner.progress("measured cold spans and idling")
    found["init"], found["shutdown"] = run(scratch, "lifecycle", LIFECYCLES)
    found["catchup"] = max((run(scratch, "catchup", CATCH_UP)[0] for _ in range(repetitions)),
                           key=lambda row: row["spans_per_s"])
    runner.progress("measured starting, stopping and catching up")
    return found
