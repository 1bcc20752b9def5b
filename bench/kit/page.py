"""docs/benchmarks.md: the whole page, from one run."""
from kit import goals, report

HEAD = """# Benchmarks

Written by `make bench` (`bench/run.py`) from one run; nothing here is edited by hand. What the workloads are, and how to
repeat a part of it, is in [bench/README.md](../bench/README.md). Compare within this page only: another machine, or this
one with other neighbours, gives other figures.
"""

SPREAD = """How long the eight calls of one W1 span take at one span every 3 µs, in ns, the reading of the clock included.
Of several runs the one with the least p99.9: what lies beyond is mostly the scheduler's, as in the empty loop."""


def conditions(described, loads):
    return "## Conditions\n\n" + report.conditions(described, loads)


def workloads(outcomes, names, chosen):
    text = ("## Cost of a span\n\nCPU time of the calling thread per span in ns, median (minimum) of interleaved "
            "repetitions; then that of the whole process, flush included. Ours orders, repairs, redacts and checksums the "
            "records, and writes them to disk before it delivers them; the others hand them to a receiver that discards. "
            "Memory is that of each of the workloads.\n\n")
    return text + report.workload_table(outcomes, names, chosen)


def instructions(counted):
    names = list(dict.fromkeys(name for name, _ in counted))
    chosen = list(dict.fromkeys(workload for _, workload in counted))
    rows = []
    for name in names:
        cells = [name]
        for workload in chosen:
            both = counted.get((name, workload))
            cells.append(f"{both[0]:,.0f} / {both[1]:,.0f}" if both else "-")
        rows.append(cells)
    table = report.table(["calling thread / all threads", *chosen], rows)
    return "## Instructions of a span\n\nCounted by callgrind: three rounds less one.\n\n" + table


def spread(found):
    columns = ["p50", "p90", "p99", "p99_9", "p99_99", "max"]
    rows = [[name, *(f"{row[column]:,.0f}" for column in columns)] for name, row in found["spread"]]
    rows.append(["cold: one span every 100 ms", *(f"{found['cold'][column]:,.0f}" for column in columns)])
    heads = ["", *(column.replace("_", ".") for column in columns)]
    return f"## How the times are spread\n\n{SPREAD}\n\n{report.table(heads, rows)}"


def rest(found):
    idle, catch_up = found["idle"], found["catchup"]
    rows = [
        ["`tr_init`, median (maximum)", f"{found['init']['p50'] / 1e6:.2f} ms ({found['init']['max'] / 1e6:.1f} ms)"],
        ["`tr_shutdown` after a flush, median (maximum)",
         f"{found['shutdown']['p50'] / 1e6:.2f} ms ({found['shutdown']['max'] / 1e6:.1f} ms)"],
        ["memory when idle, with the local store", f"{idle['rss_mb']:.1f} MiB"],
        ["wake-ups a second when idle", f"{idle['wake_ups_per_s']:.2f}"],
        ["CPU when idle", f"{idle['cpu_us_per_s']:.0f} µs a second"],
        ["a processor that was behind is given", f"{catch_up['spans_per_s']:,.0f} spans/s, "
                                                 f"{catch_up['mb_per_s']:,.0f} MB/s of log"],
    ]
    return "## Starting, idling, catching up\n\n" + report.table(["", ""], rows)


def goal_section(outcomes, counted, found, costs):
    reached = goals.caller_goals(outcomes) + goals.binding_goals(outcomes, costs)
    if counted:
        reached += goals.count_goals(counted)
    if found:
        reached += goals.probe_goals(found)
    return "## Goals\n\nDurability is on in all of them.\n\n" + goals.goal_table(reached)


def missing(absent):
    lines = [f"- {name}: {reason.strip().splitlines()[-1][:200]}" for name, reason in sorted(absent.items())]
    return "## Not measured\n\n" + "\n".join(lines)


def whole(sections):
    return HEAD + "\n" + "\n\n".join(section for section in sections if section) + "\n"
