"""What every processor of the host may rely on, as tests/conformance proves it for C: the same cases under the same
names, for processors in Python. Here: coming and going, and batches that are kept."""

import gc
import threading
import time
import weakref

import pytest

import trunkline
from conftest import LIMIT, eventually, flush
from probes import KINDS, Hooks, OnBatch, law_holds, record_trace
from trunkline import AGAIN, Again


class TestKeeping:
    @pytest.fixture
    def probe(self, session):
        probe = OnBatch(keep=lambda batch: True, batch_size=10).attach()
        record_trace("t", 98)
        assert eventually(lambda: sum(map(len, probe.kept)) == 100)
        return probe

    def test_AcknowledgedInAnyOrder(self, probe):
        assert probe.stats()["delivered_records"] == 0 and probe.stats()["pending_records"] == 100
        assert not trunkline.force_flush(0.05)
        kept = probe.kept[:]
        for batch in kept[1::2] + kept[::2]:
            assert batch.ack() == 0
        flush()
        assert probe.stats()["delivered_records"] == 100 and len(probe.offered) == 100

    def test_AgainOffersANewBatch(self, probe):
        kept, probe.kept = probe.kept, []
        refused = [batch[0].sequence for batch in kept[::2]]
        for i, batch in enumerate(kept):
            batch.ack(AGAIN if i % 2 == 0 else 0)
        assert eventually(lambda: len(probe.kept) >= len(refused))
        assert sorted(batch[0].sequence for batch in probe.kept) == refused
        for batch in probe.kept:
            batch.ack()
        flush()
        assert probe.stats()["delivered_records"] == 100 and law_holds(probe.stats())

    def test_AnErrorDropsTheBatch(self, probe):
        dropped = len(probe.kept[1])
        probe.kept[1].ack(-10)
        for batch in probe.kept:
            if len(batch):
                batch.ack()
        flush()
        assert probe.stats()["rejected_records"] == dropped

    def test_AcrossRemoval(self, probe):
        trunkline.remove_trace_processor(probe)
        assert eventually(lambda: probe.endings == 1)
        record_trace("later", 1000)
        flush()
        assert probe.kept[0][0].name == "t"
        for batch in probe.kept:
            batch.ack()
        assert probe.stats()["removed_records"] == 100 and probe.stats()["delivered_records"] == 0

    def test_AcrossShutdown(self, probe, session):
        started = time.monotonic()
        assert not trunkline.shutdown(0.2) and time.monotonic() - started < LIMIT
        assert eventually(lambda: probe.endings == 1)
        assert probe.kept[0].ack() == 0
        trunkline.init(session, processors="none")
        for batch in probe.kept[1:]:
            assert batch[0].trace_id
            batch.ack(AGAIN)
        assert probe.endings == 1

    def test_ShutdownWaitsForAcknowledgements(self, probe):
        late = threading.Timer(0.1, lambda: [batch.ack() for batch in probe.kept])
        late.start()
        assert trunkline.shutdown(LIMIT)
        late.join()

    def test_AcknowledgedOnce(self, probe):
        batch = probe.kept[0]
        records = list(batch)
        batch.ack()
        with pytest.raises(ValueError):
            batch.ack()
        assert len(batch) == 0 and records[0].name == "t", "records outlive their batch"
        for other in probe.kept[1:]:
            other.ack()

    def test_AForgottenBatchIsOfferedAgain(self, probe):
        first = probe.kept[0][0].sequence
        count = len(probe.offered)
        probe.keep = lambda batch: False
        del probe.kept[:]
        gc.collect()
        flush()
        assert first in probe.sequences() and len(probe.offered) == count + 100


class TestRetaining:
    def test_AcknowledgedByAnotherThreadWhileTheHookRuns(self, session):
        class Probe(trunkline.TraceProcessor):
            batch_size = 10

            def on_batch(self, batch):
                batch.retain()
                thread = threading.Thread(target=batch.ack)
                thread.start()
                thread.join()

        probe = Probe()
        trunkline.add_trace_processor(probe)
        record_trace("t", 998)
        flush()
        assert trunkline.processor_stats(probe)["delivered_records"] == 1000

    def test_AcknowledgedByTheHookItself(self, session):
        class Probe(trunkline.TraceProcessor):
            def on_batch(self, batch):
                batch.ack()

        probe = Probe()
        trunkline.add_trace_processor(probe)
        record_trace("t", 98)
        flush()
        assert trunkline.processor_stats(probe)["delivered_records"] == 100


class TestRecords:
    def test_OutliveTheirBatch(self, session):
        """Kept for long after the memory they were read from has gone, all of their fields."""
        def decide(record):
            kept.append(record)

        kept = []
        Hooks(decide).attach()
        for i in range(50):
            with trunkline.trace(f"t{i}"), trunkline.span("s", attributes={
                    "text": "x" * i, "list": [f"{i}", "b"], "numbers": [i, 2], "json": {"a": [i]}, "bytes": b"\1\2"}) as span:
                span.set_input({"i": i})
                span.set_output("out" * i)
                span.event("e", {"k": [f"v{i}"]})
        flush()
        record_trace("others", 5000)
        flush()
        spans = [each for each in kept if each.name == "s"]
        assert trunkline.shutdown(60)
        gc.collect()
        for i, each in enumerate(spans):
            assert each.attributes == {"text": "x" * i, "list": [f"{i}", "b"], "numbers": [i, 2],
                                       "json": {"a": [i]}, "bytes": b"\1\2"}
            assert each.input == {"i": i} and each.output == "out" * i
            assert each.events[0].attributes == {"k": [f"v{i}"]} and each.run_id
        assert len(spans) == 50


class TestRegistration:
    @KINDS
    def test_SeesTheTracesStartedWhileItWasThere(self, session, probe):
        before = trunkline.trace("before").start()
        before.span("early").start().end()
        probe = probe().attach()
        before.span("late").start().end()
        during = trunkline.trace("during").start()
        during.span("in during, early").start().end()
        flush()
        trunkline.remove_trace_processor(probe)
        during.span("in during, late").start().end()
        during.end()
        before.end()
        record_trace("after", 1)
        flush()
        assert probe.names() == ["during", "in during, early"]
        assert probe.stats()["offered_records"] == 2 and law_holds(probe.stats())

    @KINDS
    def test_SetReplacesInTheMiddleOfATrace(self, session, probe):
        old, stranger = probe(name="old").attach(), OnBatch(name="stranger").attach()
        first = trunkline.trace("first").start()
        first.span("one").start().end()
        flush()
        fresh = probe(name="fresh")
        fresh.id = trunkline.set_trace_processors([fresh])[0]
        assert eventually(lambda: old.endings == 1 and stranger.endings == 1)
        first.span("two").start().end()
        first.end()
        record_trace("second", 1)
        flush()
        assert old.names() == ["first", "one"] and fresh.names() == ["second", "second 0", "second"]
        trunkline.set_trace_processors([])
        assert eventually(lambda: fresh.endings == 1)
        record_trace("third", 1)
        flush()
        assert len(fresh.taken) == 3

    @KINDS
    def test_WhatItHadNotTakenIsCountedRemoved(self, session, probe):
        def decide(record):
            if len(probe.taken) >= 20:
                raise Again

        probe = probe(batch_size=10).attach()
        probe.decide = decide
        record_trace("t", 98)
        assert eventually(lambda: len(probe.taken) >= 20 and probe.stats()["offered_records"] == 100)
        trunkline.remove_trace_processor(probe)
        assert eventually(lambda: probe.endings == 1)
        counts = probe.stats()
        assert counts["removed_records"] == 100 - counts["delivered_records"] and law_holds(counts)
        with pytest.raises(trunkline.TrunklineError):
            trunkline.remove_trace_processor(probe)

    @KINDS
    def test_ReleasedAfterTheLastHook(self, session, probe):
        inside, go = threading.Event(), threading.Event()

        def decide(record):
            inside.set()
            go.wait()

        probe = probe(decide).attach()
        record_trace("t", 1)
        assert inside.wait(LIMIT)
        started = time.monotonic()
        trunkline.remove_trace_processor(probe)
        assert time.monotonic() - started < LIMIT and probe.endings == 0
        go.set()
        assert eventually(lambda: probe.endings == 1)

    def test_ReleasesOnceToo(self, session):
        """Whatever becomes of it, the library lets the object go."""
        class Nothing(trunkline.TraceProcessor):
            pass

        refused = [(Nothing(), TypeError), (Hooks(name="n" * 65), trunkline.TrunklineError),
                   (Hooks(destination="d" * 5000), trunkline.TrunklineError)]
        for processor, error in refused:
            with pytest.raises(error):
                trunkline.add_trace_processor(processor)
            with pytest.raises(error):
                trunkline.set_trace_processors([Hooks(), processor])
        with pytest.raises(TypeError):
            trunkline.add_trace_processor(object())
        with pytest.raises(ValueError):
            trunkline.add_trace_processor(trunkline.BuiltIn("jsonl", '{"no": 1}'))
        gone = [weakref.ref(each) for each, _ in refused]
        removed, replaced, ended = Hooks(name="a").attach(), Hooks(name="b").attach(), Hooks(name="c")
        gone += [weakref.ref(each) for each in (removed, replaced, ended)]
        trunkline.remove_trace_processor(removed)
        trunkline.set_trace_processors([ended])
        record_trace("t", 1)
        trunkline.shutdown()
        assert removed.endings == replaced.endings == ended.endings == 1
        del refused, removed, replaced, ended, processor, error
        gc.collect()
        assert eventually(lambda: [each() for each in gone] == [None] * 6)

    def test_OfOneInASetRefusesAll(self, session):
        old = Hooks(name="old").attach()
        with pytest.raises(trunkline.TrunklineError):
            trunkline.set_trace_processors([Hooks(name="good"), Hooks(name="n" * 65)])
        record_trace("t", 1)
        flush()
        assert len(old.taken) == 3 and old.endings == 0

    def test_BeforeTheStartAndAfterTheEnd(self, tmp_path):
        with pytest.raises(trunkline.TrunklineError) as caught:
            trunkline.add_trace_processor(Hooks())
        assert caught.value.code == -3

    def test_EveryTableIsReleasedOnce(self, directory):
        """Threads add, remove and replace at random until the library stops under them."""
        for schedule in range(20):
            trunkline.init(directory, processors="none", durability="memory", max_memory=4 << 20)
            probes, stop = [], threading.Event()

            def change(schedule=schedule):
                while not stop.is_set():
                    probe = OnBatch(name=f"p{len(probes)}")
                    try:
                        if len(probes) % 3:
                            trunkline.add_trace_processor(probe)
                        else:
                            trunkline.set_trace_processors([probe])
                        probes.append(probe)
                        if len(probes) % 2:
                            trunkline.remove_trace_processor(probe)
                    except trunkline.TrunklineError:
                        pass

            def busy():
                while not stop.is_set():
                    record_trace("busy", 20)

            threads = [threading.Thread(target=each) for each in (change, change, busy)]
            for thread in threads:
                thread.start()
            time.sleep(0.002 * schedule)
            trunkline.shutdown(LIMIT)
            stop.set()
            for thread in threads:
                thread.join()
            assert eventually(lambda: all(each.endings == 1 for each in probes)), [each.endings for each in probes]
