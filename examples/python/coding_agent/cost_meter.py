"""A processor of our own beside the local store: a line for each generation as it ends, and the sum when the trace
ends. It runs on a thread of its own, so a slow terminal does not hold up the agent."""

from __future__ import annotations

from typing import NamedTuple, TextIO

import trunkline


class Price(NamedTuple):
    input: float = 0.15  # dollars for a million tokens
    output: float = 0.60


class CostMeter(trunkline.TraceProcessor):
    name = "cost-meter"

    def __init__(self, price: Price, out: TextIO) -> None:
        self._price = price
        self._out = out
        self._generations = self._input = self._output = 0
        self._cost = 0.0

    def on_span_end(self, record: trunkline.Record) -> None:
        if record.kind != trunkline.Kind.GENERATION:
            return
        usage = record.usage or trunkline.Usage()
        tokens_in, tokens_out = usage.input or 0, usage.output or 0
        cost = (tokens_in * self._price.input + tokens_out * self._price.output) / 1e6
        self._generations += 1
        self._input += tokens_in
        self._output += tokens_out
        self._cost += cost
        print(f"meter: generation {self._generations}, {tokens_in} tokens in, {tokens_out} out, ${cost:.6f}, "
              f"{(record.end_ns - record.start_ns) / 1e6:.1f} ms{', failed' if record.failed else ''}",
              file=self._out, flush=True)

    def on_trace_end(self, record: trunkline.Record) -> None:
        print(f"meter: total of {self._generations} generations, {self._input} tokens in, {self._output} out, "
              f"${self._cost:.6f}", file=self._out, flush=True)
