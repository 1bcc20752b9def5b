"""What every processor of the host may rely on, as tests/conformance proves it for C: the same cases under the same
names, for processors in Python. Here: a process is killed, and the next one takes over."""

import json
import os
import signal

import trunkline
from conftest import eventually, flush, run_child
from probes import KINDS, Hooks, OnBatch, record_trace
from trunkline import Again


CRASH = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[3])
import trunkline
from probes import Hooks, OnBatch, record_trace
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
    def options(self, **changed):
        return {"name": "probe", "destination": "here", "durable": True, "batch_size": 10, "saves": True, **changed}

    @KINDS
    def test_TheSuccessorGoesOnWithTheLastState(self, directory, probe):
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
from probes import OnBatch, record_trace
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
from probes import Hooks, record_trace
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
