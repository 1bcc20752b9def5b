"""Instructions per span, which no other load on the machine changes: callgrind's counts for three rounds less those
for one. Every native program makes its bursts in a function of this name."""
import re
import tempfile
from pathlib import Path

from kit import peers, runner

CALLER = "bench_burst*"  # compilers add to the names of static functions
BURST = 8192  # as in harness.h
FEW, MANY = 1, 3
WORKLOADS = ("W1", "W3", "W4")


def count(program, workload, rounds, scratch, *options):
    """Of all threads together."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        prefix = ["valgrind", "--tool=callgrind", "--separate-threads=yes", "--quiet", *options,
                  f"--callgrind-out-file={folder}/out"]
        runner.start(program, runner.arguments_of(workload), scratch, prefix, ROUNDS=str(rounds))
        total = 0
        for file in Path(folder).glob("out*"):
            found = re.search(r"^(?:totals|summary): (\d+)", file.read_text(errors="replace"), re.M)
            total += int(found.group(1)) if found else 0
        return total


def per_span(program, workload, scratch):
    """What the calling thread executes for one span, and what all threads do."""
    figures = []
    for options in ([f"--toggle-collect={CALLER}"], []):
        few, many = (count(program, workload, rounds, scratch, *options) for rounds in (FEW, MANY))
        figures.append((many - few) / ((MANY - FEW) * BURST))
    return tuple(figures)


def measure(programs, workloads, scratch):
    """{(peer, workload): (calling thread, all threads)}, and failures as texts."""
    counted, failures = {}, {}
    for name, program in programs.items():
        if not peers.by_name(name).native:
            continue
        for workload in workloads:
            if workload not in WORKLOADS:
                continue
            try:
                counted[name, workload] = per_span(program, workload, scratch)
            except RuntimeError as error:
                failures[name, f"{workload} under callgrind"] = str(error)
        runner.progress(f"counted instructions of {name}")
    return counted, failures
