"""`trace`: a context manager, and a decorator for functions of every sort."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar, overload

from . import _trunkline as native
from ._context import Scope, current, leave
from ._spans import Attributes, Span, Trace
from ._types import Kind, KindLike, kind_number

F = TypeVar("F", bound=Callable[..., Any])

MAX_YIELDED = 1000


class Traced(Trace):
    """What `trace(...)` gives: a trace to be entered, or a decorator."""

    __slots__ = ("_attributes", "_capture_input", "_capture_output", "_given_name", "_kind", "_max_yielded")

    def __init__(self, name: str | None, kind: KindLike, attributes: Attributes | None, group: str | None,
                 foreign_id: str | None, traceparent: str | None, metadata: Attributes | None, capture_input: bool,
                 capture_output: bool, max_yielded: int) -> None:
        super().__init__(name or "trace", group, foreign_id, traceparent, metadata)
        self._given_name = name
        self._kind = kind_number(kind)  # a name that is none is refused here and not at each call
        self._attributes = attributes
        self._capture_input = capture_input
        self._capture_output = capture_output
        self._max_yielded = max_yielded

    def __call__(self, function: F) -> F:
        """Decorates a function, coroutine function, generator or async generator function, or method."""
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(self(function.__func__))
        wrapped: F = _wrap(function, self)
        return wrapped


@overload
def trace(function: F, /) -> F: ...
@overload
def trace(name: str | None = None, *, kind: KindLike = ..., attributes: Attributes | None = ...,
          group: str | None = ..., foreign_id: str | None = ..., traceparent: str | None = ...,
          metadata: Attributes | None = ..., capture_input: bool = ..., capture_output: bool = ...,
          max_yielded: int = ...) -> Traced: ...
def trace(name: Any = None, *, kind: KindLike = Kind.CUSTOM, attributes: Attributes | None = None,
          group: str | None = None, foreign_id: str | None = None, traceparent: str | None = None,
          metadata: Attributes | None = None, capture_input: bool = True, capture_output: bool = True,
          max_yielded: int = MAX_YIELDED) -> Any:
    """`with trace("answer"):` starts a trace. `@trace` or `@trace("name", ...)` makes each call of a function a span of
    the current trace, or a trace of its own where there is none.

    `kind`, `attributes`, `capture_input`, `capture_output` and `max_yielded` (how many values of a generator are kept
    as its output) are for decorated functions, the others for the trace that is started."""
    if name is None or isinstance(name, str):
        return Traced(name, kind, attributes, group, foreign_id, traceparent, metadata, capture_input, capture_output,
                      max_yielded)
    return trace()(name)


class _Parameters:
    """The arguments of a call by name, without self or cls."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.names: list[str] = []
        self.rest = "args"
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return
        for parameter in parameters:
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                self.names.append(parameter.name)
            elif parameter.kind is parameter.VAR_POSITIONAL:
                self.rest = parameter.name
        self.bound = self.names[:1] in (["self"], ["cls"])

    bound = False

    def of(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object]:
        named: dict[str, object] = dict(zip(self.names, args))
        if len(args) > len(self.names):
            named[self.rest] = args[len(self.names):]
        if self.bound:
            named.pop(self.names[0], None)
        named.update(kwargs)
        return named


class _Call:
    """One call of a decorated function: its span, and the trace around it when there is none yet."""

    __slots__ = ("_own_trace", "_plan", "_inside", "_token", "closed", "count", "span", "yielded")

    def __init__(self, plan: _Plan, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        self._plan = plan
        self._own_trace: Trace | None = None
        self.span = self._start()
        self._inside: Scope | None = self.span
        self.yielded: list[object] = []
        self.count = 0
        self.closed = False
        if plan.options._capture_input and self.span.recording:
            self.span.set_input(plan.parameters.of(args, kwargs))

    def _start(self) -> Span:
        plan, options, scope = self._plan, self._plan.options, current.get()
        if scope is not None:
            span = Span(plan.name, kind=options._kind, attributes=options._attributes, parent=scope).start()
            if span.recording or scope._trace == 0 or native.trace_id(scope._trace) is not None:
                return span
        # There is no trace around the call, or it has ended.
        self._own_trace = Trace(plan.name, options._group, options._foreign_id, options._traceparent,
                                options._metadata).start()
        try:
            return Span(plan.name, kind=options._kind, attributes=options._attributes, parent=self._own_trace).start()
        except BaseException:
            self._own_trace.end()
            raise

    def __enter__(self) -> _Call:
        """Around the whole of a function: the span is current in it, and ends with it."""
        self._token = current.set(self.span)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        leave(self._token, self.span)
        self.end(error)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Around one step of a generator: the span is current while its code runs, not while its consumer's does. What
        the code made current in one step is current in the next."""
        token = current.set(self._inside)
        try:
            yield
        finally:
            self._inside = current.get()
            leave(token, self._inside)

    def note(self, value: object) -> object:
        self.count += 1
        if self.count <= self._plan.options._max_yielded and self._plan.options._capture_output:
            self.yielded.append(value)
        return value

    def returned(self, value: object) -> None:
        if self._plan.options._capture_output and value is not None:
            self.span.set_output(value)

    def end(self, error: BaseException | None = None) -> None:
        try:
            if error is not None:
                self.span.set_error(error)
                if self._own_trace is not None:
                    self._own_trace.set_error(error)
        finally:
            self.span.end()
            if self._own_trace is not None:
                self._own_trace.end()

    def end_generator(self, error: BaseException | None = None) -> None:
        if self.span.recording:
            self.span.set("trunkline.yielded", self.count)
            if self.closed:
                self.span.set("trunkline.closed", True)
            if self.yielded:
                text = all(isinstance(value, str) for value in self.yielded)
                self.span.set_output("".join(self.yielded) if text else self.yielded)  # type: ignore[arg-type]
        self.end(error)


class _Plan:
    """What is the same for all calls of a decorated function."""

    __slots__ = ("name", "options", "parameters")

    def __init__(self, function: Callable[..., object], options: Traced) -> None:
        name = getattr(function, "__qualname__", type(function).__name__)
        self.name = options._given_name or name.rsplit("<locals>.", 1)[-1]
        self.options = options
        self.parameters = _Parameters(function)

    def call(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> _Call:
        return _Call(self, args, kwargs)


def _wrap(function: Callable[..., Any], options: Traced) -> Any:
    plan = _Plan(function, options)
    if inspect.isasyncgenfunction(function):
        return _wrap_async_generator(function, plan)
    if inspect.isgeneratorfunction(function):
        return _wrap_generator(function, plan)
    if inspect.iscoroutinefunction(function):
        return _wrap_coroutine(function, plan)
    return _wrap_function(function, plan)


def _wrap_function(function: Callable[..., Any], plan: _Plan) -> Callable[..., Any]:
    @functools.wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Any:
        with plan.call(args, kwargs) as call:
            result = function(*args, **kwargs)
            call.returned(result)
        return result

    return traced


def _wrap_coroutine(function: Callable[..., Any], plan: _Plan) -> Callable[..., Any]:
    @functools.wraps(function)
    async def traced(*args: Any, **kwargs: Any) -> Any:
        with plan.call(args, kwargs) as call:
            result = await function(*args, **kwargs)
            call.returned(result)
        return result

    return traced


def _wrap_generator(function: Callable[..., Any], plan: _Plan) -> Callable[..., Any]:
    """The span begins with the first value that is asked for; a generator nobody consumes leaves none."""

    @functools.wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        call = plan.call(args, kwargs)
        try:
            result = yield from _Steps(function(*args, **kwargs), call)
        except BaseException as error:
            call.end_generator(None if call.closed else error)
            raise
        call.end_generator()
        return result

    return traced


class _Steps(Generator[Any, Any, Any]):
    """A generator whose code runs with the span current."""

    def __init__(self, inner: Generator[Any, Any, Any], call: _Call) -> None:
        self._inner = inner
        self._call = call

    def send(self, value: Any) -> Any:
        with self._call.running():
            sent = self._inner.send(value)
        return self._call.note(sent)

    def throw(self, kind: Any, value: Any = None, traceback: TracebackType | None = None) -> Any:
        error = kind if value is None else value
        with self._call.running():
            sent = self._inner.throw(error)
        return self._call.note(sent)

    def close(self) -> None:
        self._call.closed = True
        with self._call.running():
            self._inner.close()


def _wrap_async_generator(function: Callable[..., Any], plan: _Plan) -> Callable[..., Any]:
    @functools.wraps(function)
    async def traced(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        call = plan.call(args, kwargs)
        inner = function(*args, **kwargs)
        step = inner.__anext__
        try:
            while True:
                with call.running():
                    value = await step()
                try:
                    sent = yield call.note(value)
                except GeneratorExit:
                    call.closed = True
                    with call.running():
                        await inner.aclose()
                    raise
                except BaseException as error:
                    step = functools.partial(inner.athrow, error)
                else:
                    step = functools.partial(inner.asend, sent)
        except StopAsyncIteration:
            call.end_generator()
        except BaseException as error:
            call.end_generator(None if call.closed and isinstance(error, GeneratorExit) else error)
            raise

    return traced
