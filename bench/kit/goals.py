"""What the library has set itself, and whether one run reached it. Why a goal is missed is said in WHY, which is kept
with the code that misses it."""
from dataclasses import dataclass

from kit import report

WHY = {
    "fastrace": "the stamp of a span's end is a fenced reading of the clock, and its bytes are copied to where a kill does"
                " not take them",
    "threads": "the floor keeps its spans in one place; here each is copied to its thread's chunk, whose lines the worker's"
               " core had last",
    "tail": "the worker and other programs share the processors; the empty loop shows the least of it",
    "binding": "most of it is what the library does for its first reader in any language: decoding and handing over",
    "otel": "its caller moves the values it was given into a queue in memory; here every byte, 1 KB of text among them, is"
            " copied to where a kill does not take it",
    "packed": "two crossings from Go to C cost 70 ns here, the span and its context 35; the rest is the buffer, its guard, and"
              " what the library does for a span with four attributes, whoever calls it",
    "go": "the library takes some 40 % of it; of the rest the six calls of Set, each with a locked instruction and a copy into"
          " what waits, are a half, and the two crossings to C a third",
    "noise": "not by design: repeat it on a quieter machine before looking further; the counts of instructions do not"
             " depend on the load",
}


@dataclass
class Goal:
    text: str
    measured: str
    reached: object  # True, False, or None: not measured in this run
    why: str = ""


def at_most(text, value, limit, shown, why=""):
    if value is None:
        return Goal(text, "not measured", None)
    return Goal(text, shown, value <= limit, why)


def ratio_goal(outcomes, text, workload, against, limit, why, ours="trunkline"):
    ratios = report.ratio(outcomes, (ours, workload), (against, workload))
    if ratios is None:
        return at_most(text, None, limit, "")
    return at_most(text, ratios[0], limit, f"{ratios[0]:.2f} (of minima: {ratios[1]:.2f})", why)


def caller_goals(outcomes):
    goals = [
        ratio_goal(outcomes, "W1 at most 1.6 of the floor", "W1", "floor", 1.6, WHY["noise"]),
        ratio_goal(outcomes, "W1 at most 0.35 of fastrace", "W1", "fastrace", 0.35, WHY["fastrace"]),
        ratio_goal(outcomes, "W1 on 4 threads at most 1.1 of the floor", "W1x4", "floor", 1.1, WHY["threads"]),
        ratio_goal(outcomes, "W3 at most 1.3 of fastrace", "W3", "fastrace", 1.3, WHY["noise"]),
    ]
    off = outcomes.get(("trunkline", "W4"))
    value = off.median("call_ns") if off else None
    goals.append(at_most("the 8 calls of W4 at most 25 ns", value, 25, f"{value or 0:.1f} ns", WHY["noise"]))
    rows = [row for (name, _), outcome in outcomes.items() if name == "trunkline" for row in outcome.rows]
    lost = sum(abs(row["dropped"]) for row in rows) if rows else None
    goals.append(at_most("nothing is lost", lost, 0, f"{lost or 0:,.0f} spans"))
    return goals


# Of each binding: op6, packed, delivery, in ns; and W1 beside others.
BINDINGS = {
    "trunkline-rust": (350, None, 350, (("fastrace", 1 / 3, "a third", "fastrace"), ("otel-rust", 1 / 3, "a third", "otel"))),
    "trunkline-go": (500, 350, 700, (("otel-go", 1 / 5, "a fifth", "go"),)),
}


def binding_goals(outcomes, costs):
    """Of each binding that was measured: {peer: kit.bindings.Cost}."""
    goals = []
    for name, cost in costs.items():
        op6, packed, delivery, peers = BINDINGS[name]
        goals.append(at_most(f"{name}: op6 at most {op6} ns", cost.call[0], op6, f"{cost.call[0]:.0f} ns", WHY["noise"]))
        if packed is not None:
            goals.append(at_most(f"{name}: packed at most {packed} ns", cost.packed[0], packed, f"{cost.packed[0]:.0f} ns",
                                 WHY["packed"]))
        goals.append(at_most(f"{name}: delivery at most {delivery} ns", cost.delivery[0], delivery,
                             f"{cost.delivery[0]:.0f} ns", WHY["binding"]))
        goals += [ratio_goal(outcomes, f"{name}: W1 at most {said} of {peer}", "W1", peer, limit, WHY[why], name)
                  for peer, limit, said, why in peers]
    return goals


def count_goals(counted):
    value = counted.get(("trunkline", "W1"), (None, None))[0]
    return [at_most("W1 at most 2,000 instructions on the calling thread", value, 2000, f"{value or 0:,.0f}")]


def probe_goals(found):
    spread = dict(found["spread"])
    goals = []
    if "recorder on tmpfs" in spread:
        above = (spread["recorder on tmpfs"]["p99_9"] - spread["empty loop"]["p99_9"]) / 1000
        goals.append(at_most("p99.9 at most 2 us above an empty loop (tmpfs)", above, 2, f"{above:.2f} us", WHY["tail"]))
    idle, begin = found["idle"], found["init"]["p50"] / 1e6
    goals += [
        at_most("at most 10 MiB of memory when idle", idle["rss_mb"], 10, f"{idle['rss_mb']:.1f} MiB"),
        at_most("tr_init in at most 5 ms", begin, 5, f"{begin:.2f} ms (median)", WHY["noise"]),
        at_most("at most one wake-up a second when idle", idle["wake_ups_per_s"], 1, f"{idle['wake_ups_per_s']:.2f}"),
    ]
    return goals


def goal_table(goals):
    said = {True: "yes", False: "**no**", None: "-"}
    table = report.table(["goal", "measured", "reached"], [[g.text, g.measured, said[g.reached]] for g in goals])
    missed = [f"- **{goal.text}** is not reached: {goal.why}." for goal in goals if goal.reached is False and goal.why]
    return "\n\n".join([table] + ["\n".join(missed)] * bool(missed))
