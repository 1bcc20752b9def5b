"""What crashed or hung bindings before: the exit of the program, forks, the interpreter's lock. Each program ends by
itself within its limit, or the test fails."""

import json
import os
import signal

import pytest

import trunkline
from conftest import LIMIT, program, read_spans, run_child

# A processor that writes what it gets into a file, so that a dead process can be asked.
WRITER = """
import os, sys, threading, time
import trunkline
class Writer(trunkline.TraceProcessor):
    delay = 0
    def __init__(self, path): self.out = open(path, "a", buffering=1)
    def on_span_end(self, record):
        time.sleep(self.delay)
        self.out.write(record.name + "\\n")
    def shutdown(self): self.out.write("shutdown\\n")
def spans(n, name="s"):
    with trunkline.trace("t"):
        for i in range(n):
            with trunkline.span(name): pass
"""


def lines(path):
    return path.read_text().splitlines()


def test_exit_without_shutdown(tmp_path):
    """2,000 of 2,000 are delivered, by the processor in Python and into the store."""
    out = tmp_path / "out"
    run_child(WRITER + """
trunkline.init(sys.argv[1], processors=["local", Writer(sys.argv[2])])
spans(2000)
print("main done")
""", tmp_path / "store", out)
    assert lines(out) == ["s"] * 2000 + ["shutdown"]
    assert json.loads(program("stats", "--json", directory=tmp_path / "store"))["spans"] == 2000


def test_exit_while_a_hook_runs(tmp_path):
    """The worker is in mid-callback while the interpreter goes; the exit waits its time and no longer."""
    done = run_child(WRITER + """
Writer.delay = 0.02
trunkline.init(sys.argv[1], processors=[Writer(sys.argv[2])], exit_timeout=0.1)
spans(2000)
while not os.path.getsize(sys.argv[2]): time.sleep(0.001)
""", tmp_path / "store", tmp_path / "out")
    assert done.stderr == ""
    assert 0 < len(lines(tmp_path / "out")) < 2000, "the control: it was in the middle of it"


def test_exit_while_a_hook_is_blocked(tmp_path):
    run_child(WRITER + """
class Blocked(trunkline.TraceProcessor):
    def on_span_end(self, record): threading.Event().wait()
trunkline.init(sys.argv[1], processors=[Blocked(), Writer(sys.argv[2])], exit_timeout=5)
spans(200)
""", tmp_path / "store", tmp_path / "out")
    assert lines(tmp_path / "out") == ["s"] * 200 + ["shutdown"], "the blocked one held up its neighbour"


def test_exit_with_a_status_and_an_error(tmp_path):
    done = run_child(WRITER + "trunkline.init(sys.argv[1], processors=[Writer(sys.argv[2])]); spans(5); sys.exit(3)",
                     tmp_path / "store", tmp_path / "out", check=False)
    assert done.returncode == 3 and len(lines(tmp_path / "out")) == 6
    done = run_child(WRITER + """
trunkline.init(sys.argv[1], processors=[Writer(sys.argv[2])])
with trunkline.trace("t"), trunkline.span("failing"): raise ValueError("mine")
""", tmp_path / "store2", tmp_path / "out2", check=False)
    assert done.returncode == 1 and "ValueError: mine" in done.stderr and lines(tmp_path / "out2")[0] == "failing"


def test_daemon_threads_record_until_the_end(tmp_path):
    done = run_child(WRITER + """
trunkline.init(sys.argv[1], processors=[Writer(sys.argv[2])])
def forever():
    while True: spans(20)
for _ in range(4): threading.Thread(target=forever, daemon=True).start()
time.sleep(0.2)
""", tmp_path / "store", tmp_path / "out")
    assert done.stderr == "" and lines(tmp_path / "out")


def test_shutdown_from_a_foreign_library_that_holds_the_lock(tmp_path):
    """The interpreter's lock is held while the library shuts down: no hook can run, and it ends at its deadline."""
    library = os.path.join(os.path.dirname(trunkline.__file__), "libtrunkline.so.0")
    done = run_child(WRITER + """
import ctypes
trunkline.init(sys.argv[1], processors=[Writer(sys.argv[2])])
spans(2000)
started = time.monotonic()
code = ctypes.PyDLL(sys.argv[3]).tr_shutdown(1000)
print(code, time.monotonic() - started)
""", tmp_path / "store", tmp_path / "out", library)
    code, seconds = done.stdout.split()
    assert int(code) in (0, -5) and float(seconds) < LIMIT


def test_shutdown_releases_the_lock(tmp_path):
    done = run_child(WRITER + """
Writer.delay = 0.0001
trunkline.init(sys.argv[1], processors=[Writer(sys.argv[2])])
spans(2000)
print(trunkline.shutdown(60))
""", tmp_path / "store", tmp_path / "out")
    assert done.stdout == "True\n" and len(lines(tmp_path / "out")) == 2001


def test_flush_and_shutdown_inside_a_hook_are_refused(tmp_path):
    done = run_child(WRITER + """
class Inside(trunkline.TraceProcessor):
    def on_span_end(self, record):
        for call in (trunkline.force_flush, trunkline.shutdown):
            try: call()
            except trunkline.TrunklineError as error: print(error.code)
trunkline.init(sys.argv[1], processors=[Inside()])
spans(1)
print(trunkline.shutdown(60))
""", tmp_path / "store")
    assert done.stdout == "-7\n-7\nTrue\n"


def test_exception_in_a_processor(tmp_path):
    done = run_child(WRITER + """
class Bad(trunkline.TraceProcessor):
    def on_span_end(self, record): raise SystemExit("not me")
    def shutdown(self): raise KeyboardInterrupt
trunkline.init(sys.argv[1], processors=[Bad(), Writer(sys.argv[2])])
spans(100)
print(trunkline.shutdown(60))
""", tmp_path / "store", tmp_path / "out")
    assert done.stdout == "True\n" and len(lines(tmp_path / "out")) == 101
    assert "on_span_end of the processor Bad failed" in done.stderr


def test_dropped_processor_object(tmp_path):
    """Nobody but the library holds it."""
    run_child(WRITER + """
import gc
trunkline.init(sys.argv[1], processors="none")
trunkline.add_trace_processor(Writer(sys.argv[2]))
gc.collect()
spans(2000)
gc.collect()
""", tmp_path / "store", tmp_path / "out")
    assert len(lines(tmp_path / "out")) == 2001


def test_fork_then_flush(tmp_path):
    done = run_child(WRITER + """
trunkline.init(sys.argv[1], processors=["jsonl", Writer(sys.argv[2])])
spans(10, "parent")
trunkline.force_flush(60)
child = os.fork()
if child == 0:
    spans(10, "child")
    print(trunkline.force_flush(60), flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
spans(10, "parent")
print(status, trunkline.shutdown(60))
""", tmp_path / "store", tmp_path / "out")
    assert done.stdout == "True\n0 True\n"
    assert lines(tmp_path / "out") == ["parent"] * 20 + ["shutdown"], "the processors of the host stay in the parent"
    names = [each["name"] for each in read_spans(tmp_path / "store" / "traces.jsonl")]
    assert names.count("parent") == 20 and names.count("child") == 10


def test_fork_child_traces(tmp_path):
    """A child that is forked inside a span records on its own, with processors of its own."""
    run_child(WRITER + """
trunkline.init(sys.argv[1], processors=["jsonl", Writer(sys.argv[2] + ".parent")])
with trunkline.trace("outer"), trunkline.span("forking"):
    child = os.fork()
    if child == 0:
        assert trunkline.current_span() is None
        trunkline.add_trace_processor(Writer(sys.argv[2] + ".child"))
        spans(5, "child")
        with trunkline.span("alone"): pass
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
""", tmp_path / "store", tmp_path / "out")
    assert lines(tmp_path / "out.child") == ["child"] * 5 + ["alone", "shutdown"]
    assert lines(tmp_path / "out.parent") == ["forking", "shutdown"]
    spans = read_spans(tmp_path / "store" / "traces.jsonl")
    assert sorted(each["name"] for each in spans) == ["alone"] + ["child"] * 5 + ["forking"]
    assert not any(each.get("incomplete") for each in spans)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(tmp_path, method):
    (tmp_path / "work.py").write_text("""
import multiprocessing, sys, trunkline
def work(parent):
    if multiprocessing.get_start_method() != "fork": trunkline.init(sys.argv[1], processors="jsonl")
    with trunkline.trace("worker", traceparent=parent), trunkline.span("in the worker"): pass
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[2])
    trunkline.init(sys.argv[1], processors="jsonl")
    with trunkline.trace("t"), trunkline.span("s") as span:
        workers = [multiprocessing.Process(target=work, args=(span.traceparent,)) for _ in range(3)]
        for each in workers: each.start()
        for each in workers: each.join()
        assert [each.exitcode for each in workers] == [0, 0, 0]
""")
    run_child("import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
              if method == "fork" else "import os, sys; os.execv(sys.executable, [sys.executable] + sys.argv[1:])",
              tmp_path / "work.py", tmp_path / "store", method)
    # What a worker recorded is delivered when it ends, not only when somebody recovers it.
    spans = read_spans(tmp_path / "store" / "traces.jsonl")
    assert sorted(each["name"] for each in spans) == ["in the worker"] * 3 + ["s"]
    assert len({each["trace"] for each in spans}) == 1


def test_killed(tmp_path):
    """Every span whose end has returned is in the store afterwards."""
    done = run_child(WRITER + """
import signal
trunkline.init(sys.argv[1])
spans(500)
os.kill(os.getpid(), signal.SIGKILL)
""", tmp_path / "store", check=False)
    assert done.returncode == -signal.SIGKILL
    program("recover", directory=tmp_path / "store")
    assert json.loads(program("stats", "--json", directory=tmp_path / "store"))["spans"] == 500


def test_interrupted_by_the_keyboard(tmp_path):
    done = run_child(WRITER + """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored by whoever started the tests
trunkline.init(sys.argv[1], processors=[Writer(sys.argv[2])])
try:
    with trunkline.trace("t"), trunkline.span("s"):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
except KeyboardInterrupt: print("interrupted")
""", tmp_path / "store", tmp_path / "out")
    assert done.stdout == "interrupted\n" and lines(tmp_path / "out") == ["s", "shutdown"]


def test_the_loaded_library_is_checked(tmp_path):
    """A library of another major version is refused at import, by name."""
    done = run_child("""
import importlib.machinery, importlib.util, sys
import trunkline._trunkline as native
native.ABI_VERSION = 1 << 16
del sys.modules["trunkline"]
try: import trunkline
except ImportError as error: print(error)
""")
    assert "version 1.0" in done.stdout and "found 0.1" in done.stdout


def test_loaded_when_no_static_thread_local_storage_is_left(tmp_path):
    """As in programs with many extensions; the control: a library that needs some could not be loaded any more."""
    run_child("""
import ctypes, shutil, sys
module, place = sys.argv[1:3]
for number in range(400):
    copy = f"{place}/module{number}.so"
    shutil.copy(module, copy)
    try:
        ctypes.CDLL(copy)
    except OSError as error:
        assert "static TLS" in str(error), error
        break
else:
    raise AssertionError("there is always some left")
import trunkline
trunkline.init(f"{place}/store", processors=["jsonl"])
with trunkline.trace("late"):
    pass
assert trunkline.shutdown(60)
""", os.path.join(os.environ["TRUNKLINE_TEST_BIN"], "tls_module.so"), tmp_path)
    assert "late" in (tmp_path / "store" / "traces.jsonl").read_text()
