"""Traces and spans: what is set is what processors and stores get."""

import asyncio
import contextvars
import dataclasses
import datetime
import decimal
import enum
import gc
import hashlib
import math
import sys
import threading

import pytest

import trunkline
from conftest import Keeper, flush
from trunkline import Kind


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: object


def test_every_field_of_a_span(keeper):
    with trunkline.trace("t", group="g", foreign_id="run_7", metadata={"user": "u", "tags": ["a", "b"]}) as trace:
        with trunkline.span("s", kind=Kind.GENERATION, attributes={"first": 1}) as span:
            span.set("second", "two")
            span.update({"third": 3.5, "fourth": True})
            span.set_input({"role": "user", "text": "ü"})
            span.set_output("done")
            span.set_model("gpt-4o")
            span.set_usage(10, 5, cache_read=4, reasoning=2)
            span.set_score("judge", 0.5)
            span.set_step(3)
            span.set_foreign_id("span_9")
            span.event("token", {"n": 1})
            ids = trace.trace_id, span.trace_id, span.span_id
        trace.set("stop_reason", "success")
        trace.event("note", {"k": "v"})
    flush()
    record = keeper.span("s")
    assert record.kind == Kind.GENERATION
    assert record.attributes == {"first": 1, "second": "two", "third": 3.5, "fourth": True}
    assert record.input == {"role": "user", "text": "ü"}
    assert record.output == "done"
    assert record.model == "gpt-4o"
    assert record.usage == trunkline.Usage(10, 5, 15, 4, None, 2)
    assert (record.score_name, record.score, record.step, record.foreign_id) == ("judge", 0.5, 3, "span_9")
    assert [(event.name, event.attributes) for event in record.events] == [("token", {"n": 1})]
    assert ids == (record.trace_id, record.trace_id, record.span_id)
    assert not record.failed and not record.incomplete and record.end_ns >= record.start_ns > 0
    ended = keeper.traces()[0]
    started = next(each for each in keeper.records if each.type == trunkline.RecordType.TRACE_START)
    assert started.group_id == "g" and started.foreign_id == "run_7"
    assert ended.attributes == {"user": "u", "tags": ["a", "b"], "stop_reason": "success"}
    noted = next(each for each in keeper.records if each.type == trunkline.RecordType.EVENT)
    assert (noted.name, noted.attributes) == ("note", {"k": "v"})


@pytest.mark.parametrize("given, kept", [
    (None, None), (True, True), (0, 0), (-(2**63), -(2**63)), (2**63, str(2**63)), (1.5, 1.5), ("", ""), ("x\0y", "x\0y"),
    (b"\0\xff", b"\0\xff"), (bytearray(b"ab"), b"ab"), ([], []), ([1, 2], [1, 2]), ((1.5, 2.5), [1.5, 2.5]),
    ([True, False], [True, False]), (["a", "ü"], ["a", "ü"]), ([1, "a"], [1, "a"]), ([1, 2**70], [1, 2**70]),
    ([1, None], [1, None]), ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}), ({1: 2}, {"1": 2}), ({(1, 2): 3}, {"(1, 2)": 3}),
    (Color.RED, "red"), (Kind.TOOL, 7), (Point(1, [Color.RED]), {"x": 1, "y": ["red"]}), (decimal.Decimal("1.5"), "Decimal('1.5')"),
    (datetime.date(2026, 1, 2), "datetime.date(2026, 1, 2)"), ([math.nan, "x"], ["nan", "x"]), ({"a": math.inf}, {"a": "inf"}),
    ("\ud800", "\ufffd\ufffd\ufffd"),
], ids=lambda value: ascii(value)[:30])
def test_values(keeper, given, kept):
    with trunkline.trace("t"), trunkline.span("s") as span:
        span.set("key", given)
    flush()
    assert keeper.span("s").attributes == {"key": kept}


def test_not_a_number_is_kept(keeper):
    with trunkline.trace("t"), trunkline.span("s", attributes={"key": math.nan}):
        pass
    flush()
    assert math.isnan(keeper.span("s").attributes["key"])


class Bad:
    def __repr__(self):
        raise ValueError("no repr")


class BadDict(dict):
    def items(self):
        raise ValueError("no items")


def circle():
    value = []
    value.append(value)
    return value


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("given", [Bad(), [Bad(), "x"], {"a": Bad()}, circle(), deep(100_000), BadDict(a=1), object],
                         ids=["bad", "list", "dict", "circle", "deep", "bad dict", "class"])
def test_hostile_values_do_not_raise(keeper, given):
    with trunkline.trace("t"), trunkline.span("s") as span:
        span.set("key", given)
        span.set_input(given)
        span.set("after", 1)
    flush()
    assert keeper.span("s").attributes["after"] == 1
    assert "key" in keeper.span("s").attributes


def test_a_value_that_changes_the_attributes_while_they_are_read(keeper):
    attributes = {}

    class Changing:
        def __repr__(self):
            attributes.clear()
            return "changed"

    attributes.update({f"k{i}": Changing() for i in range(20)})
    with trunkline.trace("t"), trunkline.span("s", attributes=attributes):
        pass
    flush()
    assert len(keeper.span("s").attributes) == 20


def test_wrong_types_are_type_errors(keeper):
    with trunkline.trace("t"), trunkline.span("s") as span:
        with pytest.raises(TypeError):
            span.set(1, "x")
        with pytest.raises(TypeError):
            span.update({1: "x"})
        with pytest.raises((TypeError, ValueError)):
            span.update(7)
        with pytest.raises(KeyError):
            trunkline.span("x", kind="no such kind").start()


def test_errors_are_recorded_and_go_on_unchanged(keeper):
    raised = ValueError("what went wrong")
    with pytest.raises(ValueError) as caught:
        with trunkline.trace("t"):
            with trunkline.span("s"):
                raise raised
    assert caught.value is raised and raised.__cause__ is None and raised.__context__ is None
    flush()
    record = keeper.span("s")
    assert record.failed and (record.error_type, record.error_message) == ("ValueError", "what went wrong")
    assert keeper.traces()[0].error_type == "ValueError"


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(3), asyncio.CancelledError(), GeneratorExit()],
                         ids=lambda each: type(each).__name__)
def test_errors_that_are_no_exceptions(keeper, raised):
    with pytest.raises(type(raised)) as caught:
        with trunkline.trace("t"), trunkline.span("s"):
            raise raised
    assert caught.value is raised
    flush()
    assert keeper.span("s").failed


def test_an_exception_that_cannot_be_printed(keeper):
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    with pytest.raises(Silent):
        with trunkline.trace("t"), trunkline.span("s"):
            raise Silent
    flush()
    assert keeper.span("s").error_type.endswith("Silent")


def test_parents(keeper):
    with trunkline.trace("t") as trace:
        with trunkline.span("a") as a:
            with trunkline.span("b"):
                with trunkline.span("c"):
                    assert trunkline.current_span().name == "c"
            with trunkline.span("d"):
                pass
            with trunkline.span("of the trace", parent=trace):
                pass
        a_again = trunkline.span("e").start()
        a_again.end()
        assert trunkline.current_span() is None
    with trunkline.span("f", parent=a):
        pass
    flush()
    names = {each: keeper.parent_name(each) for each in ("a", "b", "c", "d", "of the trace", "e")}
    assert names == {"a": None, "b": "a", "c": "b", "d": "a", "of the trace": None, "e": None}


def test_a_span_outside_of_every_trace_brings_its_own(keeper):
    with pytest.raises(OSError):
        with trunkline.span("alone"):
            with trunkline.span("child"):
                raise OSError("x")
    span = trunkline.span("by hand").start()
    span.end()
    flush()
    assert [each.name for each in keeper.traces()] == ["alone", "by hand"]
    assert [each.failed for each in keeper.traces()] == [True, False]
    assert keeper.span("child").trace_id == keeper.span("alone").trace_id != keeper.span("by hand").trace_id


def test_started_once(keeper):
    with trunkline.trace("t") as trace:
        with trunkline.span("s") as span:
            with pytest.raises(RuntimeError):
                span.start()
        with pytest.raises(RuntimeError):
            trace.start()


def test_asynchronous_context_managers(keeper):
    async def main():
        async with trunkline.trace("t"):
            async with trunkline.span("a"):
                async with trunkline.span("b"):
                    await asyncio.sleep(0)
            with pytest.raises(KeyError):
                async with trunkline.span("c"):
                    raise KeyError("x")

    asyncio.run(main())
    flush()
    assert keeper.parent_name("b") == "a" and keeper.span("c").error_type == "KeyError"


def test_left_in_another_context(keeper):
    """Leaving where it was not entered ends the span and undoes nothing else."""
    with trunkline.trace("t"):
        span = trunkline.span("s")
        contextvars.copy_context().run(span.__enter__)
        span.__exit__(None, None, None)
        with trunkline.span("after"):
            pass
    flush()
    assert keeper.parent_name("after") is None and not keeper.span("s").incomplete


def test_disabled_scope(keeper):
    with trunkline.trace("t") as outer:
        with trunkline.disabled():
            with trunkline.trace("off") as trace, trunkline.span("off") as span:
                span.set("k", object())
                assert not trace.recording and not span.recording
                assert span.traceparent is None and trunkline.current_traceparent() is None
            with trunkline.start_run("off") as run:
                assert not run.recording
        with trunkline.span("on"):
            pass
        assert outer.recording
    flush()
    assert [each.name for each in keeper.spans()] == ["on"] and len(keeper.traces()) == 1


def test_disabled_from_the_start(directory):
    keeper = Keeper()
    trunkline.init(directory, disabled=True, processors="none")
    with trunkline.trace("t") as trace, trunkline.span("s") as span:
        span.set("k", 1)
        assert not trace.recording and span.trace_id is None
    assert trunkline.stats()["mode"] == trunkline.Mode.OFF
    assert keeper.records == [] and not (directory / "run").exists()


def test_without_a_start_and_after_the_end(directory):
    with trunkline.trace("t"), trunkline.span("s") as span:
        span.set("k", 1)
        assert not span.recording
    with pytest.raises(trunkline.TrunklineError):
        trunkline.force_flush()
    trunkline.init(directory, processors="none")
    with pytest.raises(trunkline.TrunklineError) as caught:
        trunkline.init(directory)
    assert caught.value.code == -3
    assert trunkline.shutdown(60) and trunkline.shutdown(60)
    with trunkline.span("s") as span:
        assert not span.recording
    trunkline.init(directory, processors="none")
    with trunkline.span("s") as span:
        assert span.recording


def test_sampled_out(directory):
    trunkline.init(directory, processors="none", sample_ratio=0.0)
    with trunkline.trace("t") as trace, trunkline.span("s") as span:
        assert not trace.recording and not span.recording
    assert trunkline.stats()["traces_sampled_out"] == 1


def test_traceparent_out_and_in(keeper):
    with trunkline.trace("here"), trunkline.span("caller") as caller:
        sent = trunkline.current_traceparent()
        assert sent == caller.traceparent and len(sent) == 55
        span_id, trace_id = caller.span_id, caller.trace_id
    with trunkline.trace("there", traceparent=sent) as there:
        assert there.trace_id == trace_id
        with trunkline.span("callee"):
            pass
    not_sampled = sent[:-2] + "00"
    with trunkline.trace("unsampled", traceparent=not_sampled) as unsampled:
        assert not unsampled.recording
    with trunkline.trace("rubbish", traceparent="00-rubbish") as rubbish:
        assert rubbish.recording and rubbish.trace_id != trace_id
    flush()
    assert keeper.span("callee").trace_id == trace_id
    assert span_id == keeper.span("caller").span_id


def test_recorded_elsewhere(keeper):
    with trunkline.trace("t") as trace:
        with trunkline.span("parent") as parent:
            trace.record("late", 1_000, 3_000, kind="tool", parent=parent, attributes={"a": 1},
                         error=ValueError("x"), foreign_id="f")
    flush()
    record = keeper.span("late")
    assert (record.start_ns, record.end_ns, record.kind, record.attributes) == (1000, 3000, Kind.TOOL, {"a": 1})
    assert (record.error_type, record.error_message, record.foreign_id) == ("ValueError", "x", "f")
    assert keeper.parent_name("late") == "parent"


def test_runs(keeper):
    with trunkline.trace("t"):
        with trunkline.start_run("tuning", project="p", group="g", config={"lr": 0.1}) as run:
            run.log({"loss": 0.5, "ok": True}, step=3)
            run.log({"loss": 0.4})
            run.set_config({"layers": 2})
            run.set_summary({"best": 0.4})
            run.set_tag("nightly")
            run.set_tag("team", "agents")
    with pytest.raises(ValueError):
        with trunkline.start_run("failing"):
            raise ValueError
    flush()
    types = trunkline.RecordType
    of_run = [each for each in keeper.records if types.RUN_START <= each.type]
    assert [each.type for each in of_run] == [6, 7, 7, 9, 8, 10, 10, 11, 6, 11]
    start, first, second, config, summary = of_run[:5]
    assert (start.name, start.project, start.group_id, start.attributes) == ("tuning", "p", "g", {"lr": 0.1})
    assert (first.step, first.attributes, second.step) == (3, {"loss": 0.5, "ok": True}, None)
    assert config.attributes == {"layers": 2} and summary.attributes == {"best": 0.4}
    assert of_run[7].run_status == trunkline.RunStatus.FINISHED and of_run[7].exit_code == 0
    assert of_run[9].run_status == trunkline.RunStatus.FAILED and of_run[9].exit_code == 1


def test_artifacts_of_runs(keeper, tmp_path):
    file = tmp_path / "löss.txt"
    file.write_text("0.5")
    with trunkline.start_run("tuning") as run:
        assert run.log_artifact(file) and run.log_artifact(str(file), "plots/of today")
        assert not run.log_artifact(tmp_path) and not run.log_artifact(tmp_path / "none")
        assert not run.log_artifact(file, "../up") and not run.log_artifact(file, "/root")
    flush()
    found = [each for each in keeper.records if each.type == trunkline.RecordType.RUN_ARTIFACT]
    assert [each.name for each in found] == ["löss.txt", "plots/of today/löss.txt"]
    about = {"file": str(file), "size": 3, "modified_ns": file.stat().st_mtime_ns}
    assert [each.attributes for each in found] == [about, about]


def test_sets_of_files_and_media(keeper, tmp_path):
    page, image, folder = tmp_path / "p.html", tmp_path / "i.gif", tmp_path / "data"
    page.write_text("<p>")
    image.write_bytes(b"GIF89a\x07\0\x05\0")
    folder.mkdir()
    (folder / "ä").write_text("x")
    with trunkline.start_run("tuning") as run:
        assert run.log_image("i", image, step=4) and run.log_html("p", str(page))
        assert not run.log_image("i", page) and not run.log_html("../p", page) and not run.log_html("p", folder)
        assert run.add_artifact("index", "dataset", folder, aliases=["best"], metadata={"n": 1}, description="d")
        assert run.add_artifact("index", "dataset", {"a/b": page, "": image})
        assert run.add_artifact("i", "t", [page, image])
        assert not run.add_artifact("index", "dataset", []) and not run.add_artifact("a b", "dataset", page)
        assert not run.add_artifact("index", "dataset", {"../b": page}) and not run.add_artifact("i", "t", "/no/such")
        run.use_artifact("team/project/index:v0")
    flush()
    kinds = trunkline.RecordType
    found = [each for each in keeper.records if each.type >= kinds.RUN_ADD_ARTIFACT]
    assert [(each.type, each.name) for each in found] == [
        (kinds.RUN_MEDIA, "i"), (kinds.RUN_MEDIA, "p"), (kinds.RUN_ADD_ARTIFACT, "index"),
        (kinds.RUN_ADD_ARTIFACT, "index"), (kinds.RUN_ADD_ARTIFACT, "i"), (kinds.RUN_USE_ARTIFACT, "team/project/index:v0")]
    about = found[0].attributes
    assert (about["media"], about["format"], about["width"], about["height"], found[0].step) == ("image", "gif", 7, 5, 4)
    assert about["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()
    made = found[2].attributes
    assert (made["type"], made["description"], made["aliases"], made["metadata"]) == ("dataset", "d", ["best"], {"n": 1})
    assert made["files"] == [{"path": "ä", "file": str(folder / "ä"), "size": 1, "md5": hashlib.md5(b"x").hexdigest(),
                              "modified_ns": (folder / "ä").stat().st_mtime_ns}]
    assert [each["path"] for each in found[3].attributes["files"]] == ["a/b", "i.gif"]


def test_what_cannot_be_downloaded(monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(trunkline.TrunklineError, match="API key") as caught:
        trunkline.download_wandb_artifact("e/p/a:v0", tmp_path)
    assert caught.value.code == -1


def test_redaction_and_content(directory):
    keeper = Keeper()
    trunkline.init(directory, processors=[keeper], content="off", redact_keys=["shoe_size"])
    with trunkline.trace("t"), trunkline.span("s", attributes={"shoe_size": 44, "n": 1, "said": "hello"}) as span:
        span.set_input("private")
    flush()
    record = keeper.span("s")
    assert record.attributes["shoe_size"] == "__redacted__" and record.attributes["n"] == 1
    assert record.input is None and "hello" not in str(record.attributes)


def test_threads_record_at_once(keeper):
    def work(n):
        with trunkline.trace(f"t{n}"):
            for i in range(200):
                with trunkline.span("s", attributes={"n": n}) as span:
                    span.set("i", i)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flush()
    assert len(keeper.spans()) == 1600
    assert {(each.attributes["n"], each.attributes["i"]) for each in keeper.spans()} == {
        (n, i) for n in range(8) for i in range(200)}


def test_nothing_is_left_behind(keeper):
    """Spans, values and records, also where something raises: no object of theirs stays, and memory does not grow."""
    def work(n):
        for i in range(n):
            with trunkline.trace("t", metadata={"a": [1]}):
                with trunkline.span("s", kind="tool", attributes={"i": i, "l": ["a", "b"], "d": {"k": [i]}}) as span:
                    span.set("x" * 20, 2**70)
                    span.set_input({"i": i})
                    span.event("e", {"t": ("a", 1)})
                    for bad in (lambda: span.set(1, 2), lambda: span.update({2: 3}), lambda: trunkline.span(3),
                                lambda: trunkline.span("x", kind="none").start(), lambda: span.start()):
                        with pytest.raises((TypeError, KeyError, RuntimeError)):
                            bad()
                with trunkline.span("alone", attributes={"span": span}) as alone:
                    alone.set("self", alone)
        flush()
        for record in keeper.records:
            for field in dir(record):
                getattr(record, field)
        del keeper.records[:]

    def traced():
        gc.collect()
        return sum(isinstance(each, (trunkline.Span, trunkline.Trace)) for each in gc.get_objects())

    work(200)
    blocks = []
    for _ in range(4):
        work(200)
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    assert traced() == 0
    assert min(b - a for a, b in zip(blocks, blocks[1:])) < 100, blocks
