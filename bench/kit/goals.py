"""What the library has set itself, and whether one run reached it."""
from dataclasses import dataclass

from kit import report


@dataclass
class Goal:
    text: str
    measured: str
    reached: object  # True, False, or None: not measured in this run


def at_most(text, value, limit, shown):
    return Goal(text, shown if value is not None else "not measured", None if value is None else value <= limit)


def ratio_goal(outcomes, text, workload, against, limit):
    ratios = report.ratio(outcomes, ("trunkline", workload), (against, workload))
    if ratios is None:
        return at_most(text, None, limit, "")
    return at_most(text, ratios[0], limit, f"{ratios[0]:.2f} (minima: {ratios[1]:.2f})")


def caller_goals(outcomes):
    goals = [
        ratio_goal(outcomes, "W1 at most 1.6 of the floor", "W1", "floor", 1.6),
        ratio_goal(outcomes, "W1 at most 0.35 of fastrace", "W1", "fastrace", 0.35),
        ratio_goal(outcomes, "W1 on 4 threads at most 1.1 of the floor", "W1x4", "floor", 1.1),
        ratio_goal(outcomes, "W3 at most 1.3 of fastrace", "W3", "fastrace", 1.3),
    ]
    off = outcomes.get(("trunkline", "W4"))
    value = off.median("call_ns") if off else None
    goals.append(at_most("the 8 calls of W4 at most 25 ns", value, 25, f"{value or 0:.1f} ns"))
    rows = [row for (name, _), outcome in outcomes.items() if name == "trunkline" for row in outcome.rows]
    lost = sum(max(0, row["dropped"]) for row in rows) if rows else None
    goals.append(at_most("nothing is lost", lost, 0, f"{lost or 0:,.0f} spans"))
    return goals


def goal_table(goals):
    said = {True: "yes", False: "**no**", None: "-"}
    return report.table(["goal", "measured", "reached"], [[g.text, g.measured, said[g.reached]] for g in goals])
