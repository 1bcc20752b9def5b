"""Processors that the conformance tests attach: with on_batch, or with single-record hooks. They keep what they were
offered and what they took, and misbehave as a test tells them to."""

import time

import pytest

import trunkline


def record_trace(name, spans):
    with trunkline.trace(name):
        for i in range(spans):
            with trunkline.span(f"{name} {i}"):
                pass


class Probe(trunkline.TraceProcessor):
    """`decide(record)` may raise; `keep(batch)` tells whether to retain a batch."""

    kind = ""

    def __init__(self, decide=None, keep=None, **options):
        self.offered, self.taken, self.kept, self.restored, self.sizes, self.lives = [], [], [], [], [], []
        self.decide, self.keep = decide, keep
        self.endings = 0
        self.on_flush = lambda: None
        self.saves = options.pop("saves", False)
        for name, value in options.items():
            setattr(self, name, value)

    def offer(self, record):
        self.offered.append((record.sequence, time.monotonic()))
        if self.decide is not None:
            self.decide(record)

    def take(self, record):
        self.taken.append((record.sequence, record.name, record.type, record.trace_id, record.run_id))

    def restore(self, run_id, state):
        self.restored.append((run_id, state.decode(), len(self.offered)))

    def force_flush(self):
        self.on_flush()

    def shutdown(self):
        self.endings += 1

    def stats(self):
        return trunkline.processor_stats(self.id)

    def attach(self):
        self.id = trunkline.add_trace_processor(self)
        return self

    def sequences(self):
        return [each[0] for each in self.taken]

    def names(self):
        return [each[1] for each in self.taken]


class OnBatch(Probe):
    def on_batch(self, batch):
        self.sizes.append(len(batch))
        for record in batch:
            self.offer(record)
        if self.keep is not None and self.keep(batch):
            batch.retain()
            self.kept.append(batch)
            return
        for record in batch:
            self.take(record)
        if self.saves:
            self.save(str(batch[len(batch) - 1].sequence).encode())


class Hooks(Probe):
    def hook(self, record):
        self.offer(record)
        self.take(record)
        if self.saves:
            self.save(str(record.sequence).encode())

    on_trace_start = on_span_end = on_trace_end = on_run = hook


class HooksWithStarts(Hooks):
    on_span_start = Hooks.hook


KINDS = pytest.mark.parametrize("probe", [OnBatch, Hooks], ids=["on_batch", "single_hooks"])


def law_holds(counts):
    parts = ("delivered", "rejected", "poisoned", "removed", "overflowed", "unreadable", "left_behind", "pending")
    return all(counts[f"offered_{what}"] == sum(counts[f"{part}_{what}"] for part in parts)
               for what in ("records", "spans"))
