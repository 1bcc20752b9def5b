"""What every processor of the host may rely on, as tests/conformance proves it for C: the same cases under the same
names, for processors in Python. Here: delivery, and manners."""

import threading
import time

import pytest

import trunkline
from conftest import LIMIT, eventually, flush
from probes import KINDS, Hooks, HooksWithStarts, OnBatch, law_holds, record_trace
from trunkline import Again

POISON_LIMIT = 16


class TestDelivery:
    @KINDS
    def test_InOrderAndExactlyOnceWithoutFaults(self, session, probe):
        probe = probe().attach()
        threads = [threading.Thread(target=lambda t=t: [record_trace(f"t{t}.{i}", 100) for i in range(25)])
                   for t in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        flush()
        assert probe.sequences() == list(range(1, 4 * 25 * 102 + 1))
        traces = {}
        for sequence, name, kind, trace_id, run_id in probe.taken:
            traces.setdefault(trace_id, []).append((kind, name))
        assert len(traces) == 100
        for records in traces.values():
            name = records[0][1]
            assert records == [(1, name)] + [(3, f"{name} {i}") for i in range(100)] + [(4, name)]
        counts = probe.stats()
        assert law_holds(counts) and counts["delivered_spans"] == 10_000 == trunkline.stats()["spans_ended"]
        assert trunkline.shutdown(60) and probe.endings == 1

    def test_SpanStartsOnlyWhenAskedFor(self, session):
        without = Hooks(name="without").attach()
        record_trace("nobody asks", 3)
        flush()
        assert trunkline.stats()["records_logged"] == 5
        asking = [HooksWithStarts(name="a").attach(), OnBatch(name="b", span_starts=True).attach()]
        record_trace("somebody asks", 3)
        flush()
        assert [each[2] for each in without.taken].count(2) == 0
        for each in asking:
            assert [seen[2] for seen in each.taken] == [1, 2, 3, 2, 3, 2, 3, 4]

    def test_AreNoLargerThanAskedFor(self, session):
        probe = OnBatch(batch_size=7).attach()
        record_trace("t", 100)
        flush()
        assert max(probe.sizes) <= 7 and sum(probe.sizes) == 102

    @KINDS
    def test_AgainIsOfferedAgainInOrderAndWithBackoff(self, session, probe):
        refusals = []

        def decide(record):
            if record.sequence == 5 and len(refusals) < 5:
                refusals.append(time.monotonic())
                raise Again

        probe = probe(decide).attach()
        record_trace("t", 10)
        flush()
        assert probe.sequences() == list(range(1, 13)), "once each, in order"
        assert len(refusals) == 5
        gaps = [b - a for a, b in zip(refusals, refusals[1:])]
        assert all(gap >= 0.001 * 2**i * 0.9 for i, gap in enumerate(gaps)), gaps
        assert probe.stats()["retries"] >= 5 and probe.stats()["delivered_records"] == 12

    @KINDS
    def test_AnErrorDropsAndCounts(self, session, probe, caplog):
        def decide(record):
            if record.name == "bad":
                raise ValueError("a hook of mine")

        probe = probe(decide).attach()
        record_trace("t", 3)
        flush()
        with trunkline.trace("u"), trunkline.span("bad"):
            pass
        flush()
        record_trace("v", 3)
        flush()
        counts = probe.stats()
        assert law_holds(counts) and counts["rejected_records"] >= 1 and counts["rejected_spans"] == 1
        assert counts["delivered_records"] == len(probe.taken) == 13 - counts["rejected_records"]
        assert "a hook of mine" in caplog.text

    def test_AnErrorInTheMiddleOfABatchDropsOneRecord(self, session):
        def decide(record):
            if record.name == "t 5":
                raise ValueError

        probe = Hooks(decide).attach()
        record_trace("t", 10)
        flush()
        assert probe.sequences() == [each for each in range(1, 13) if each != 7]
        assert probe.stats()["rejected_records"] == 1 and probe.stats()["delivered_records"] == 11

    @KINDS
    @pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration])
    def test_AnExceptionIsAnError(self, session, probe, error):
        def decide(record):
            if record.name == "t 0":
                raise error

        probe = probe(decide).attach()
        record_trace("t", 1)
        flush()
        record_trace("u", 1)
        flush()
        assert probe.names()[-3:] == ["u", "u 0", "u"] and probe.stats()["rejected_spans"] == 1

    @KINDS
    def test_FailuresInARowPoisonThatProcessorAlone(self, session, probe):
        def decide(record):
            raise ValueError

        bad = probe(decide, name="bad", batch_size=1).attach()
        good = probe(name="good").attach()
        record_trace("t", 100)
        flush()
        assert len(bad.offered) == POISON_LIMIT and bad.stats()["poisoned_now"] == 1
        assert bad.stats()["poisoned_records"] == 102 - POISON_LIMIT and law_holds(bad.stats())
        assert len(good.taken) == 102 and good.stats()["poisoned_now"] == 0

    @KINDS
    def test_FailuresThatAreNotInARowDoNotPoison(self, session, probe):
        def decide(record):
            if record.sequence % POISON_LIMIT:
                raise ValueError

        probe = probe(decide, batch_size=1).attach()
        record_trace("t", 100)
        flush()
        assert len(probe.offered) == 102 and probe.stats()["poisoned_now"] == 0

    @KINDS
    def test_WithoutALogOnDisk(self, directory, probe):
        trunkline.init(directory, processors="none", durability="memory")
        probe = probe().attach()
        record_trace("t", 1000)
        flush()
        assert probe.sequences() == list(range(1, 1003))

    def test_AnIdleProcessorCostsNothing(self, session):
        Hooks().attach()
        record_trace("t", 10)
        flush()
        time.sleep(0.2)
        before = time.process_time()
        time.sleep(1)
        assert time.process_time() - before < 0.2


class TestManners:
    @KINDS
    def test_ABlockedOneDelaysNobody(self, session, probe):
        go = threading.Event()
        blocked = probe(lambda record: go.wait(), name="blocked").attach()
        slow = probe(lambda record: time.sleep(0.0005), name="slow").attach()
        quick = probe(name="quick").attach()
        record_trace("t", 200)
        assert eventually(lambda: len(quick.taken) == 202)
        assert eventually(lambda: len(slow.taken) == 202)
        assert not blocked.taken
        go.set()
        flush()
        assert len(blocked.taken) == 202

    @KINDS
    def test_AShutdownEndsASlowOneAtItsDeadline(self, session, probe):
        go = threading.Event()
        probe(lambda record: go.wait()).attach()
        record_trace("t", 10)
        started = time.monotonic()
        assert not trunkline.shutdown(0.3)
        assert time.monotonic() - started < LIMIT
        go.set()

    def test_FlushAndShutdownAreAsked(self, session):
        order = []
        probe = Hooks().attach()
        threads = set()
        probe.decide = lambda record: (order.append(record.name), threads.add(threading.get_ident()))
        probe.on_flush = lambda: (order.append("flush"), threads.add(threading.get_ident()))
        record_trace("t", 1)
        flush()
        flush()
        assert order == ["t", "t 0", "t", "flush", "flush"] and len(threads) == 1
        trunkline.shutdown()
        assert probe.endings == 1

    def test_AFlushThatFailsIsContained(self, session, caplog):
        probe = Hooks().attach()
        probe.on_flush = lambda: 1 / 0
        flush()
        record_trace("t", 1)
        flush()
        assert len(probe.taken) == 3 and "ZeroDivisionError" in caplog.text

    @KINDS
    def test_WhatAHookRecordsIsNotRecorded(self, session, probe):
        def decide(record):
            with trunkline.trace("inside"), trunkline.span("inside") as span:
                assert not span.recording

        probe = probe(decide).attach()
        record_trace("t", 10)
        flush()
        assert len(probe.taken) == 12 and "inside" not in probe.names()

    def test_AHookAddsAndRemovesProcessors(self, session):
        other = Hooks(name="other")

        def decide(record):
            if record.name == "t":
                other.attach() if record.type == 1 else trunkline.remove_trace_processor(other)

        Hooks(decide, name="one").attach()
        record_trace("t", 1)
        flush()
        assert eventually(lambda: other.endings == 1)

    def test_SaveWorksInsideAHookOnly(self, session):
        probe = Hooks().attach()
        with pytest.raises(RuntimeError):
            probe.save(b"x")


class TestBuiltIns:
    def test_StartedByTheirNamesAndAsObjects(self, tmp_path):
        trunkline.init(tmp_path / "a", processors=["jsonl", trunkline.jsonl_processor(tmp_path / "second.jsonl"),
                                                   trunkline.local_processor(tmp_path / "x.db", max_bytes=1 << 30)])
        record_trace("t", 3)
        flush()
        ids = trunkline.set_trace_processors([trunkline.console_processor("stderr", "never")])
        assert len(ids) == 1
        record_trace("u", 3)
        assert trunkline.shutdown(60)
        first = (tmp_path / "a" / "traces.jsonl").read_text()
        assert (tmp_path / "second.jsonl").read_text() == first and first.count("\n") == 5
        assert (tmp_path / "x.db").exists()
