"""@trace on functions of every sort, and the parents that spans get across tasks and threads."""

import asyncio
import contextvars
import gc
import inspect
import threading

import pytest

import trunkline
from conftest import eventually, flush


def test_functions(keeper):
    @trunkline.trace
    def add(a, b=2, *rest, c=3):
        """Adds."""
        return {"sum": a + b + sum(rest) + c}

    assert add.__name__ == "add" and add.__doc__ == "Adds." and inspect.signature(add).parameters.keys() >= {"a", "c"}
    with trunkline.trace("t"):
        assert add(1, 2, 3, 4, c=5) == {"sum": 15}
    assert add(1)["sum"] == 6
    flush()
    inside, alone = keeper.spans()
    assert inside.name == "add" and inside.input == {"a": 1, "b": 2, "rest": [3, 4], "c": 5}
    assert inside.output == {"sum": 15}
    assert [each.name for each in keeper.traces()] == ["t", "add"]
    assert alone.input == {"a": 1} and alone.trace_id != inside.trace_id


def test_options(keeper):
    @trunkline.trace("named", kind="tool", attributes={"team": "x"}, group="g", metadata={"m": 1}, capture_input=False,
                     capture_output=False)
    def work(secret):
        with trunkline.span("child"):
            return secret

    work("hidden")
    flush()
    record = keeper.span("named")
    assert record.kind == trunkline.Kind.TOOL and record.attributes == {"team": "x"}
    assert record.input is None and record.output is None
    assert keeper.parent_name("child") == "named"
    assert keeper.traces()[0].attributes == {"m": 1} and keeper.records[0].group_id == "g"


def test_methods(keeper):
    class Agent:
        @trunkline.trace
        def method(self, a):
            return a

        @trunkline.trace
        @classmethod
        def of_class(cls, a):
            return cls, a

        @staticmethod
        @trunkline.trace(kind="tool")
        def of_none(a):
            return a

        @trunkline.trace
        async def asynchronous(self, a):
            return a

    assert Agent().method(1) == 1 and Agent.of_class(2) == (Agent, 2) and Agent.of_none(3) == 3
    assert asyncio.run(Agent().asynchronous(4)) == 4
    flush()
    assert [(each.name, each.input) for each in keeper.spans()] == [
        ("Agent.method", {"a": 1}), ("Agent.of_class", {"a": 2}), ("Agent.of_none", {"a": 3}),
        ("Agent.asynchronous", {"a": 4})]


def test_errors_go_on_unchanged(keeper):
    raised = ValueError("x")

    @trunkline.trace
    def fails():
        raise raised

    @trunkline.trace
    async def fails_later():
        await asyncio.sleep(0)
        raise raised

    for call in (fails, lambda: asyncio.run(fails_later())):
        with pytest.raises(ValueError) as caught:
            call()
        assert caught.value is raised
    with trunkline.span("after"):
        pass
    flush()
    assert keeper.span("fails").error_message == "x" and keeper.span("fails_later").error_type == "ValueError"
    assert [each.failed for each in keeper.traces()] == [True, True, False]
    assert keeper.parent_name("after") is None


def test_cancelled_coroutine(keeper):
    @trunkline.trace
    async def waits():
        await asyncio.sleep(60)

    async def main():
        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    flush()
    assert keeper.span("waits").error_type == "asyncio.exceptions.CancelledError"


def test_gather_parents(keeper):
    @trunkline.trace
    async def leaf(name, wait):
        async with trunkline.span(f"under {name}"):
            await asyncio.sleep(wait)

    @trunkline.trace
    async def branch(name):
        async with trunkline.span(name):
            await asyncio.gather(*(leaf(f"{name}{i}", 0.001 * (3 - i)) for i in range(3)))

    async def main():
        async with trunkline.trace("t"):
            await asyncio.gather(branch("a"), branch("b"))
            assert trunkline.current_span() is None

    asyncio.run(main())
    flush()
    by_id = {each.span_id: each for each in keeper.spans()}
    leaves = [each for each in keeper.spans() if each.name == "leaf" or each.name.endswith("leaf")]
    assert len(leaves) == 6
    for each in leaves:
        assert by_id[each.parent_id].name == each.input["name"][0]
    for each in keeper.spans():
        if each.name.startswith("under "):
            assert by_id[each.parent_id].input["name"] == each.name.split()[1]


def test_thread_pool_parent(keeper):
    def work(n):
        with trunkline.span(f"work {n}"):
            return threading.get_ident()

    with trunkline.trace("t"):
        with trunkline.span("caller"):
            with trunkline.ThreadPoolExecutor(4) as pool:
                assert threading.get_ident() not in list(pool.map(work, range(8)))
                assert pool.submit(work, n=8).result() != threading.get_ident()
            bound = trunkline.in_context(work)
            threads = [threading.Thread(target=bound, args=(9 + i,)) for i in range(2)]
            threads.append(threading.Thread(target=work, args=(11,)))  # the control: nothing is passed on
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with pytest.raises(ZeroDivisionError):
            with trunkline.ThreadPoolExecutor(1) as pool:
                pool.submit(lambda: 1 / 0).result()
    flush()
    for n in range(11):
        assert keeper.parent_name(f"work {n}") == "caller"
    assert keeper.parent_name("work 11") is None
    assert keeper.span("work 11").trace_id != keeper.span("caller").trace_id


# ---- generators ----


def numbers(fail_at=None):
    @trunkline.trace
    def numbers(n):
        for i in range(n):
            with trunkline.span(f"making {i}"):
                if i == fail_at:
                    raise ValueError("no more")
            got = yield i
            if got is not None:
                yield got
        return "the end"

    return numbers


def test_generator(keeper):
    def consumer():
        result = yield from numbers()(3)
        assert result == "the end"

    assert inspect.isgeneratorfunction(numbers())
    with trunkline.trace("t"):
        for value in consumer():
            assert trunkline.current_span() is None
            with trunkline.span(f"using {value}"):
                pass
    flush()
    record = next(each for each in keeper.spans() if each.output)
    assert record.output == [0, 1, 2] and record.input == {"n": 3}
    assert record.attributes == {"trunkline.yielded": 3} and not record.failed
    assert [keeper.parent_name(f"making {i}") for i in range(3)] == [record.name] * 3
    assert [keeper.parent_name(f"using {i}") for i in range(3)] == [None] * 3


def test_generator_text_is_joined_and_bounded(keeper):
    @trunkline.trace(max_yielded=3)
    def words():
        yield from ["a", "b", "c", "d", "e"]

    assert "".join(words()) == "abcde"
    flush()
    record = keeper.spans()[0]
    assert record.output == "abc" and record.attributes["trunkline.yielded"] == 5


def test_generator_send_throw_and_error(keeper):
    generator = numbers(fail_at=2)(5)
    assert next(generator) == 0 and generator.send("x") == "x" and next(generator) == 1
    with pytest.raises(ValueError, match="no more"):
        next(generator)

    @trunkline.trace
    def catches():
        try:
            yield 1
        except KeyError as error:
            yield error

    thrown = KeyError("k")
    generator = catches()
    next(generator)
    assert generator.throw(thrown) is thrown
    assert list(generator) == []
    flush()
    failed = [each for each in keeper.spans() if each.failed and each.attributes]
    assert len(failed) == 1 and failed[0].output == [0, "x", 1] and failed[0].error_message == "no more"
    assert len(keeper.spans()) == 5


def test_generator_close_and_collection(keeper):
    generator = numbers()(10)
    next(generator)
    generator.close()
    generator = numbers()(10)
    next(generator)
    del generator
    gc.collect()
    flush()
    records = [each for each in keeper.spans() if "trunkline.closed" in each.attributes]
    assert [(each.output, each.attributes, each.failed) for each in records] == [
        ([0], {"trunkline.yielded": 1, "trunkline.closed": True}, False)] * 2


def test_generator_not_consumed(keeper):
    generator = numbers()(3)
    unstarted = numbers()(3)
    unstarted.close()
    del generator, unstarted
    gc.collect()
    with trunkline.span("after"):
        pass
    flush()
    assert [each.name for each in keeper.spans()] == ["after"]
    assert trunkline.stats()["traces_started"] == 1


def test_generator_consumed_in_other_contexts(keeper):
    with trunkline.trace("t"):
        generator = numbers()(3)
        for _ in range(3):
            contextvars.copy_context().run(next, generator)
        with trunkline.span("after"):
            pass
        assert list(generator) == []
    flush()
    assert keeper.parent_name("after") is None


# ---- asynchronous generators ----


def ticks(closed=None, fail_at=None):
    @trunkline.trace
    async def ticks(n):
        try:
            for i in range(n):
                async with trunkline.span(f"making {i}"):
                    await asyncio.sleep(0)
                    if i == fail_at:
                        raise ValueError("no more")
                yield i
        finally:
            if closed is not None:
                closed.append(trunkline.current_span().name)
                await asyncio.sleep(0)

    return ticks


def test_async_generator(keeper):
    async def main():
        async with trunkline.trace("t"):
            async for value in ticks()(3):
                assert trunkline.current_span() is None
                async with trunkline.span(f"using {value}"):
                    await asyncio.sleep(0)

    asyncio.run(main())
    assert inspect.isasyncgenfunction(ticks())
    flush()
    record = next(each for each in keeper.spans() if each.output)
    assert record.output == [0, 1, 2] and record.attributes == {"trunkline.yielded": 3}
    assert [keeper.parent_name(f"making {i}") for i in range(3)] == [record.name] * 3
    assert [keeper.parent_name(f"using {i}") for i in range(3)] == [None] * 3


def test_async_generator_aclose(keeper):
    closed = []

    async def main():
        async with trunkline.trace("t"):
            generator = ticks(closed)(10)
            assert await anext(generator) == 0
            await generator.aclose()
            async with trunkline.span("after"):
                pass

    asyncio.run(main())
    flush()
    record = next(each for each in keeper.spans() if "trunkline.closed" in each.attributes)
    assert closed == [record.name] and record.output == [0] and not record.failed
    assert keeper.parent_name("after") is None


def test_async_generator_collected(keeper):
    closed = []

    async def main():
        generator = ticks(closed)(10)
        await anext(generator)
        del generator
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())
    flush()
    record = next(each for each in keeper.spans() if "trunkline.closed" in each.attributes)
    assert len(closed) == 1 and record.output == [0]


def test_async_generator_error_throw_and_send(keeper):
    @trunkline.trace
    async def echo():
        got = yield "first"
        while True:
            try:
                got = yield got
            except KeyError as error:
                got = type(error).__name__

    async def main():
        with pytest.raises(ValueError):
            async for _ in ticks(fail_at=1)(3):
                pass
        generator = echo()
        assert await anext(generator) == "first"
        assert await generator.asend(5) == 5
        assert await generator.athrow(KeyError("k")) == "KeyError"
        with pytest.raises(OSError):
            await generator.athrow(OSError("x"))

    asyncio.run(main())
    flush()
    failed = [each for each in keeper.spans() if each.attributes]
    assert [(each.error_type, each.output) for each in failed] == [
        ("ValueError", [0]), ("OSError", ["first", 5, "KeyError"])]


def test_async_generator_cancelled(keeper):
    async def main():
        async def consume():
            async for _ in ticks()(10**9):
                pass

        task = asyncio.ensure_future(consume())
        while not trunkline.stats()["spans_ended"]:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    flush()
    assert eventually(lambda: any("trunkline.yielded" in each.attributes for each in keeper.spans()))
    assert not any(each.incomplete for each in keeper.spans())
