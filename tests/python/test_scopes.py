"""What is current: after the end of a trace, across the steps of generators, inside disabled() and after failures."""

import asyncio

import pytest

import trunkline
from conftest import flush


def stats():
    return trunkline.stats()


@pytest.mark.parametrize("around", ["trace", "span", "own trace"])
def test_what_outlives_its_trace_begins_a_trace_of_its_own(keeper, around):
    @trunkline.trace(group="late")
    def late():
        with trunkline.span("inside late"):
            pass

    async def outlive(ended):
        await ended.wait()
        late()
        with trunkline.span("later"):
            with trunkline.span("inside later"):
                pass

    async def main():
        ended = asyncio.Event()
        if around == "trace":
            with trunkline.trace("short"):
                task = asyncio.create_task(outlive(ended))
        elif around == "span":
            with trunkline.trace("short"), trunkline.span("part"):
                task = asyncio.create_task(outlive(ended))
        else:
            with trunkline.span("short"):
                task = asyncio.create_task(outlive(ended))
        ended.set()
        await task

    asyncio.run(main())
    flush()
    names = [each.name for each in keeper.traces()]
    assert names[0] == "short" and names[1].endswith("late") and names[2:] == ["later"]
    assert keeper.parent_name("inside later") == "later" and keeper.parent_name("inside late") == names[1]
    assert next(each for each in keeper.records if each.name == names[1]).group_id == "late"


def test_an_explicit_parent_that_has_ended_gets_no_children(keeper):
    with trunkline.trace("short") as trace:
        pass
    assert not trace.span("late").start().recording
    flush()
    assert [each.name for each in keeper.traces()] == ["short"]


def test_the_current_span_of_another_is_left_alone(keeper):
    with trunkline.trace("t"):
        first, second = trunkline.span("first"), trunkline.span("second")
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert trunkline.current_span() is second
        with trunkline.span("child"):
            pass
        second.__exit__(None, None, None)
    assert trunkline.current_span() is None
    flush()
    assert keeper.parent_name("child") == "second"


def test_a_trace_that_ends_leaves_no_span_of_its_own_current(keeper):
    with trunkline.span("own"):
        left_open = trunkline.span("left open")
        left_open.__enter__()
    assert trunkline.current_span() is None


def test_a_span_that_is_open_across_a_yield_is_the_parent_in_the_next_step(keeper):
    @trunkline.trace("numbers")
    def numbers():
        with trunkline.span("open"):
            yield 1
            with trunkline.span("in open"):
                yield 2
        with trunkline.span("after"):
            yield 3

    @trunkline.trace("asynchronous")
    async def asynchronous():
        with trunkline.span("open a"):
            yield 1
            with trunkline.span("in open a"):
                yield 2

    async def consume():
        return [value async for value in asynchronous()]

    with trunkline.trace("t"):
        for _ in numbers():
            with trunkline.span("consumer"):
                pass
    assert asyncio.run(consume()) == [1, 2]
    assert trunkline.current_span() is None
    flush()
    parents = {name: keeper.parent_name(name) for name in ("open", "in open", "after", "open a", "in open a")}
    assert parents == {"open": "numbers", "in open": "open", "after": "numbers", "open a": "asynchronous",
                       "in open a": "open a"}
    assert all(each.parent_id is None for each in keeper.spans() if each.name == "consumer")


def test_nothing_starts_inside_disabled(keeper):
    with trunkline.trace("t") as trace, trunkline.span("s") as span:
        before = stats()["spans_started"]
        with trunkline.disabled():
            assert trunkline.current_trace() is None
            for started in (trace.span("a").start(), span.span("b").start(), trunkline.span("c", parent=span).start()):
                assert not started.recording
                started.end()
            with trace.span("d") as inside:
                assert not inside.recording
                assert not trunkline.span("e").start().recording
            trace.record("f", 1, 2)
            assert not trunkline.start_run("r", trace=trace).recording
        assert stats()["spans_started"] == before
        with trace.span("g"):
            pass
    flush()
    assert {each.name for each in keeper.spans()} == {"s", "g"}
    assert not [each for each in keeper.records if each.type == trunkline.RecordType.RUN_START]


@pytest.mark.parametrize("how", ["start", "with", "decorator"])
def test_a_start_that_fails_ends_the_trace_it_brought(keeper, how):
    wrong = {1: 2}
    with pytest.raises(TypeError):
        if how == "start":
            trunkline.span("bad", attributes=wrong).start()
        elif how == "with":
            with trunkline.span("bad", attributes=wrong):
                pass
        else:
            trunkline.trace("bad", attributes=wrong)(lambda: None)()
    counts = stats()
    assert (counts["traces_started"], counts["traces_ended"]) == (1, 1)
    assert trunkline.current_span() is None


@pytest.mark.parametrize("make", ["span", "trace"])
def test_an_exit_whose_error_cannot_be_set_leaves_and_ends(keeper, make):
    class Failing(trunkline.Span if make == "span" else trunkline.Trace):
        def set_error(self, error, message=None):
            raise RuntimeError("set_error failed")

    with pytest.raises(RuntimeError, match="set_error failed"):
        with Failing("outer"):
            raise ValueError("x")
    assert trunkline.current_trace() is None
    counts = stats()
    assert (counts["traces_started"], counts["traces_ended"]) == (1, 1)
    assert counts["spans_started"] == counts["spans_ended"]


def test_the_current_trace(keeper):
    assert trunkline.current_trace() is None
    with trunkline.trace("t") as trace:
        assert trunkline.current_trace() is trace
        with trunkline.span("a"), trunkline.span("b"):
            trunkline.current_trace().set("from", "inside")
            assert trunkline.current_trace() is trace
        with trunkline.trace("other") as other:
            with trace.span("c"):
                assert trunkline.current_trace() is trace
            assert trunkline.current_trace() is other
    with trunkline.span("own"):
        assert trunkline.current_trace().trace_id == trunkline.current_span().trace_id
    flush()
    assert {each.name: each.attributes for each in keeper.traces()}["t"] == {"from": "inside"}


def test_a_kind_that_is_none_is_refused_at_the_decoration(keeper):
    with pytest.raises(KeyError):
        trunkline.trace(kind="bogus")
