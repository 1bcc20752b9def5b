"""What every processor of the host may rely on, as tests/conformance proves it for C: the same cases under the same
names, for a processor in Python with on_batch and one with single-record hooks."""

import gc
import json
import os
import signal
import threading
import time
import weakref

import pytest

import trunkline
from conftest import eventually, flush, run_child
from trunkline import AGAIN, Again

POISON_LIMIT = 16


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


@pytest.fixture
def session(directory):
    trunkline.init(directory, processors="none")
    return directory


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
        assert trunkline.shutdown() and probe.endings == 1

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
        assert not trunkline.shutdown(0.2) and time.monotonic() - started < 5
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
        assert trunkline.shutdown(20)
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
        assert trunkline.shutdown()
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
        assert inside.wait(20)
        started = time.monotonic()
        trunkline.remove_trace_processor(probe)
        assert time.monotonic() - started < 5 and probe.endings == 0
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
            trunkline.shutdown(5)
            stop.set()
            for thread in threads:
                thread.join()
            assert eventually(lambda: all(each.endings == 1 for each in probes)), [each.endings for each in probes]


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
        assert time.monotonic() - started < 10
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


CRASH = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[3])
import trunkline
from test_conformance import Hooks, OnBatch, record_trace
from conftest import eventually
probe = {"on_batch": OnBatch, "single_hooks": Hooks}[sys.argv[2]](
    name="probe", destination="here", durable=True, batch_size=10, saves=True)
most = int(sys.argv[4])
def decide(record):
    if len(probe.taken) >= most: raise trunkline.Again
probe.decide = decide
trunkline.init(sys.argv[1], processors="none")
probe.attach()
if sys.argv[5] == "record": record_trace("t", 300)
assert eventually(lambda: len(probe.taken) >= most)
booked = "delivered_records" if sys.argv[5] == "record" else "adopted_records"
assert eventually(lambda: probe.stats()[booked] == len(probe.taken)), probe.stats()
if sys.argv[5] == "record": assert eventually(lambda: trunkline.stats()["records_logged"] == 302)
print(probe.taken[-1][0] if probe.taken else 0, [each[1] for each in probe.restored], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def victim(directory, kind, most, what="record"):
    done = run_child(CRASH, directory, kind, os.path.dirname(__file__), most, what, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    last, restored = done.stdout.split(" ", 1)
    return int(last), json.loads(restored.replace("'", '"'))


class TestCrash:
    """A process is killed; the next one that uses its directory takes over."""

    def options(self, **changed):
        return {"name": "probe", "destination": "here", "durable": True, "batch_size": 10, "saves": True, **changed}

    @KINDS
    def test_TheSuccessorGoesOnWithTheLastState(self, directory, probe, request):
        last, _ = victim(directory, "on_batch" if probe is OnBatch else "single_hooks", 100)
        assert 100 <= last < 302
        others = [probe(**self.options(name="other")), probe(**self.options(destination="there")),
                  probe(**self.options(durable=False, name="passing"))]
        successor = probe(**self.options())
        trunkline.init(directory, processors="none")
        for each in (*others, successor):
            each.attach()
        assert eventually(lambda: len(successor.taken) == 302 - last)
        record_trace("new", 1)
        flush()
        old = [each for each in successor.taken if not each[1].startswith("new")]
        assert [each[0] for each in old] == list(range(last + 1, 303)), "a gap, or a record delivered twice"
        run_ids = {each[4] for each in old}
        assert len(run_ids) == 1 and successor.restored == [(run_ids.pop(), str(last), 0)]
        assert successor.stats()["adopted_records"] == 302 - last and successor.stats()["delivered_records"] == 3
        assert [len(each.taken) for each in others] == [3, 3, 3] and not any(each.restored for each in others)

    @KINDS
    def test_SuccessorsThatDieToo(self, directory, probe):
        kind = "on_batch" if probe is OnBatch else "single_hooks"
        last, _ = victim(directory, kind, 50)
        for _ in range(2):
            before = last
            last, restored = victim(directory, kind, 60, "take over")
            assert last >= before + 60 and restored == [str(before)]
        successor = probe(**self.options())
        trunkline.init(directory, processors="none")
        successor.attach()
        assert eventually(lambda: len(successor.taken) == 302 - last)
        assert successor.sequences()[0] == last + 1 and successor.restored[0][1] == str(last)

    @KINDS
    def test_RestoreIsOfferedAgain(self, directory, probe):
        last, _ = victim(directory, "on_batch" if probe is OnBatch else "single_hooks", 100)
        successor = probe(**self.options())
        refusals = []

        def restore(run_id, state):
            probe.restore(successor, run_id, state)
            if len(refusals) < 3:
                refusals.append(state)
                raise Again

        successor.restore = restore
        trunkline.init(directory, processors="none")
        successor.attach()
        assert eventually(lambda: len(successor.taken) == 302 - last)
        assert [each[1:] for each in successor.restored] == [(str(last), 0)] * 4

    def test_AnEarlierBatchThatWasNotAcknowledgedComesAgain(self, directory):
        done = run_child("""
import os, signal, sys
sys.path.insert(0, sys.argv[2])
import trunkline
from test_conformance import OnBatch, record_trace
from conftest import eventually
probe = OnBatch(keep=lambda batch: True, name="probe", destination="here", durable=True, batch_size=10)
trunkline.init(sys.argv[1], processors="none")
probe.attach()
record_trace("t", 300)
assert eventually(lambda: sum(map(len, probe.kept)) == 302 and trunkline.stats()["records_logged"] == 302)
probe.kept[0].ack(0, b"first")
for batch in reversed(probe.kept[3:]): batch.ack(0, b"later")
last = probe.kept[2][0].sequence - 1
probe.kept[1].ack(0, b"second")
print(last, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
""", directory, os.path.dirname(__file__), check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        last = int(done.stdout)
        successor = OnBatch(**self.options())
        trunkline.init(directory, processors="none")
        successor.attach()
        assert eventually(lambda: len(successor.taken) == 302 - last)
        assert last > 1 and successor.sequences()[0] == last + 1
        assert [each[1] for each in successor.restored] == ["second"]

    def test_ARemovedOneLeavesNoCursor(self, directory):
        done = run_child("""
import os, signal, sys
sys.path.insert(0, sys.argv[2])
import trunkline
from test_conformance import Hooks, record_trace
from conftest import eventually
probe = Hooks(name="probe", destination="here", durable=True)
def decide(record):
    if record.sequence > 1: raise trunkline.Again
probe.decide = decide
trunkline.init(sys.argv[1], processors="none")
probe.attach()
record_trace("t", 10)
assert eventually(lambda: trunkline.stats()["records_logged"] == 12)
trunkline.remove_trace_processor(probe)
os.kill(os.getpid(), signal.SIGKILL)
""", directory, os.path.dirname(__file__), check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        successor = Hooks(**self.options())
        trunkline.init(directory, processors="none")
        successor.attach()
        assert eventually(lambda: trunkline.stats()["runs_adopted"] == 1)
        flush()
        assert successor.taken == []


class TestBuiltIns:
    def test_StartedByTheirNamesAndAsObjects(self, tmp_path):
        trunkline.init(tmp_path / "a", processors=["jsonl", trunkline.jsonl_processor(tmp_path / "second.jsonl"),
                                                   trunkline.local_processor(tmp_path / "x.db", max_bytes=1 << 30)])
        record_trace("t", 3)
        flush()
        ids = trunkline.set_trace_processors([trunkline.console_processor("stderr", "never")])
        assert len(ids) == 1
        record_trace("u", 3)
        assert trunkline.shutdown()
        first = (tmp_path / "a" / "traces.jsonl").read_text()
        assert (tmp_path / "second.jsonl").read_text() == first and first.count("\n") == 5
        assert (tmp_path / "x.db").exists()
