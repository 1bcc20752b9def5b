"""Which span is current. A contextvars variable: tasks of asyncio inherit it, threads by `ThreadPoolExecutor` or
`in_context` of this package."""

from __future__ import annotations

import concurrent.futures
import contextvars
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Scope(Protocol):
    """What spans are started in: the handles of a trace and of a span in it (0: the trace itself)."""

    _trace: int
    _handle: int


class Off:
    """The scope in which nothing is recorded."""

    __slots__ = ("_handle", "_trace")

    def __init__(self) -> None:
        self._trace = 0
        self._handle = 0


OFF = Off()
current: contextvars.ContextVar[Scope | None] = contextvars.ContextVar("trunkline.current", default=None)


def leave(token: contextvars.Token[Scope | None], scope: Scope | None, trace: int = 0) -> None:
    """Makes current what was before `scope`, if that is what is current, or else a span of the `trace` that ends. In
    another context than the one that was entered there is nothing to undo."""
    found = current.get()
    if found is not scope and (found is None or trace == 0 or found._trace != trace):
        return
    try:
        current.reset(token)
    except ValueError:
        pass


@contextmanager
def disabled() -> Iterator[None]:
    """Nothing that is started inside is recorded."""
    token = current.set(OFF)
    try:
        yield
    finally:
        leave(token, OFF)


def in_context(function: Callable[P, R]) -> Callable[P, R]:
    """The function, bound to the span that is current now; for threads. May be called several times, also at once."""
    scope = current.get()

    @functools.wraps(function)
    def bound(*args: P.args, **kwargs: P.kwargs) -> R:
        token = current.set(scope)
        try:
            return function(*args, **kwargs)
        finally:
            leave(token, scope)

    return bound


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """As in concurrent.futures; what is submitted runs in a copy of the context it was submitted in."""

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> concurrent.futures.Future[R]:
        context = contextvars.copy_context()
        return super().submit(functools.partial(context.run, fn, *args, **kwargs))
