"""What a span costs through a binding, and its delivery to a processor in the binding's language. op6: start, two texts, an
integer, a double, end, without a processor; op6read: the same, and a processor reads id, name, times and attributes of
every span. What the second costs the process above the first is the delivery. packed: the attributes cross to the library
together, at the start and at the end, where a binding does that."""
from dataclasses import dataclass

from kit import peers, report, runner

WORKLOADS = ("op6", "op6read")


@dataclass
class Cost:
    """Of one span, in ns: medians of interleaved repetitions, and the least of them."""
    call: tuple
    delivery: tuple
    packed: tuple = ()


def workloads_of(name):
    return WORKLOADS + ("packed",) * peers.by_name(name).packs


def measure(programs, repetitions, scratch):
    """{peer: Cost}, and failures as texts."""
    found, failures = {}, {}
    bindings = {name: program for name, program in programs.items() if peers.by_name(name).binding}
    for repetition in range(repetitions if bindings else 0):
        for name, program in bindings.items():
            for workload in workloads_of(name):
                try:
                    rows = runner.start(program, [workload, "1"], scratch)
                except RuntimeError as error:
                    failures[name, workload] = str(error)
                    continue
                found.setdefault((name, workload), runner.Outcome([])).rows.extend(rows)
        runner.progress(f"bindings: repetition {repetition + 1} of {repetitions}")
    return {name: cost_of(*(found[name, workload] for workload in workloads_of(name))) for name in bindings
            if all((name, workload) in found for workload in workloads_of(name))}, failures


def cost_of(op6, read, packed=None):
    return Cost((op6.median("call_ns"), op6.least("call_ns")),
                (read.median("cpu_ns") - op6.median("cpu_ns"), read.least("cpu_ns") - op6.least("cpu_ns")),
                (packed.median("call_ns"), packed.least("call_ns")) if packed else ())


def section(costs):
    rows = [[name, *(f"{report.number(pair[0])} ({report.number(pair[1])})" if pair else "-" for pair in
                     (cost.call, cost.packed, cost.delivery))] for name, cost in costs.items()]
    table = report.table(["", "op6, calling thread", "packed, calling thread", "delivery to a processor, whole process"],
                         rows)
    return ("## Through a binding\n\nCPU time per span in ns, median (of minima): a span with four attributes; and what it "
            "costs more when a processor in that language reads it.\n\n" + table)
