"""Figures of a tracker's benchmark as its page shows them, and the frame of that page."""
from kit import report
from kit.goals import Goal, goal_table


def figure(outcomes, writer, mode, name, scale=1.0):
    """Median and minimum; None where it was not measured."""
    outcome = outcomes.get((writer, mode))
    if outcome is None or not outcome.values(name):
        return None
    return outcome.median(name) * scale, outcome.least(name) * scale


def best_rate(outcomes, writer, mode):
    outcome = outcomes.get((writer, mode))
    return (outcome.median("per_s"), max(outcome.values("per_s"))) if outcome else None


def extra_memory(outcomes, writer, mode, base):
    """Of medians and of minima, in MiB; `base` is the same process without what is measured."""
    own = figure(outcomes, writer, mode, "private_kib", 1 / 1024)
    other = figure(outcomes, *base, "private_kib", 1 / 1024)
    return (own[0] - other[0], own[1] - other[1]) if own and other else None


def own_threads(outcomes, writer):
    """The most beside the program's one."""
    counts = [row["threads"] - 1 for (name, _), outcome in outcomes.items() if name == writer
              for row in outcome.rows if "threads" in row]
    return max(counts) if counts else None


def extra_of(outcomes):
    modes = [extra_memory(outcomes, "trunkline", mode, ("without", mode)) for mode in ("numbers", "calls")]
    known = [value for value in modes if value]
    return max(known) if known else None


def share_goal(text, own, limit, why):
    if not own or not limit:
        return Goal(text, "not measured", None)
    share, of_best = own[0] / limit[0], own[1] / limit[1]
    return Goal(text, f"{share:.2f} (of the best: {of_best:.2f})", share >= 0.9, why)


def shown(pair, unit="", digits=0):
    return f"{pair[0]:,.{digits}f} ({pair[1]:,.{digits}f}){unit}" if pair else "-"


def times(outcomes, mode, name, scale, unit, digits=0):
    return [shown(figure(outcomes, writer, mode, name, scale), unit, digits) for writer in ("trunkline", "sdk")]


def page(head, goals, caller, end_to_end, notes, outcomes, absent, described):
    loads = [row["load"] for outcome in outcomes.values() for row in outcome.rows]
    repetitions = max((len(outcome.rows) for outcome in outcomes.values()), default=0)
    sections = [
        head,
        "## Goals\n\n" + goal_table(goals),
        "## What the caller pays\n\nPer record, median (minimum) of interleaved repetitions.\n\n" + caller,
        "## End to end\n\nMedian (minimum), or of rates median (best).\n\n" + end_to_end + "\n\n" + notes,
        "## Conditions\n\n" + report.conditions({**described, "repetitions": repetitions}, loads),
    ]
    if absent:
        lines = [f"- {name}: {reason.strip().splitlines()[-1][:200]}" for name, reason in sorted(absent.items())]
        sections.append("## Not measured\n\n" + "\n".join(lines))
    return "\n\n".join(section.strip() for section in sections) + "\n"
