"""The page that docs/benchmarks.md is."""
from datetime import datetime, timezone

from kit import peers

HEADINGS = {"W1": "W1", "W1x4": "W1, 4 threads", "W3": "W3", "W4": "W4"}


def table(headings, rows):
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def number(value):
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}"


def median_and_least(outcome, figure):
    return f"{number(outcome.median(figure))} ({number(outcome.least(figure))})" if outcome else "-"


def conditions(described, loads):
    rows = list(described.items())
    rows.append(("time", datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")))
    rows.append(("load during the run", f"{min(loads):.1f} to {max(loads):.1f}" if loads else "unknown"))
    return table(["", ""], rows)


def workload_table(outcomes, names, workloads):
    rows = []
    for name in names:
        found = {workload: outcomes.get((name, workload)) for workload in workloads}
        known = [outcome for outcome in found.values() if outcome]
        if not known:
            continue
        cells = [f'{known[0].rows[0]["peer"]} {peers.by_name(name).label}'.strip()]
        for workload in workloads:
            cells.append(median_and_least(found[workload], "call_ns"))
        for workload in workloads:
            if workload in ("W1", "W1x4"):
                cells.append(median_and_least(found[workload], "cpu_ns"))
        cells.append("/".join(f"{found[w].median('rss_mb'):.0f}" if found[w] else "-" for w in workloads))
        cells.append(f"{sum(max(0, row['dropped']) for outcome in known for row in outcome.rows):,.0f}")
        rows.append(cells)
    process = [f"{HEADINGS[w]}, whole process" for w in workloads if w in ("W1", "W1x4")]
    return table(["", *(HEADINGS[w] for w in workloads), *process, "peak RSS, MB", "lost"], rows)


def ratio(outcomes, ours, theirs):
    """Of medians and of minima."""
    a, b = outcomes.get(ours), outcomes.get(theirs)
    if not a or not b:
        return None
    return a.median("call_ns") / b.median("call_ns"), a.least("call_ns") / b.least("call_ns")
