"""Traces and spans: objects around the library's handles. Nothing that is recorded raises, except wrong types."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from . import _trunkline as native
from ._context import OFF, Scope, current, leave
from ._types import Event, Kind, KindLike, kind_number, make_usage
from ._values import decode, dict_of, encode, to_json

Attributes = Mapping[str, object]

_get_current = current.get
_set_current = current.set


def error_of(error: BaseException) -> tuple[str, str]:
    """A short type and the message of an exception."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        return name, str(error)
    except Exception:  # noqa: BLE001 - the exception's own code
        return name, ""


def _error(error: BaseException | str, message: str | None) -> tuple[str, str]:
    if isinstance(error, BaseException):
        name, text = error_of(error)
        return name, text if message is None else message
    return error, message or ""


class Span(native.SpanBase):
    """A timed step of the current span, or of `parent`. `with` (or `async with`) starts it, makes it current and ends
    it; or call start() and end()."""

    __slots__ = ("__weakref__",)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)

    def span(self, name: str, *, kind: KindLike = Kind.CUSTOM, attributes: Attributes | None = None) -> Span:
        """A child of this span, wherever it is started."""
        return Span(name, kind=kind, attributes=attributes, parent=self)

    @property
    def recording(self) -> bool:
        """Whether the span was accepted. False: nothing was started, tracing is off, or the trace is not sampled."""
        return self._handle != 0

    @property
    def trace_id(self) -> str | None:
        """32 hexadecimal digits; None when it is not recorded or its trace has ended."""
        return native.trace_id(self._trace)

    @property
    def span_id(self) -> str | None:
        """16 hexadecimal digits; None when the span is not recorded or has ended."""
        return native.span_id(self._handle)

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context that makes another process go on from this span."""
        return native.inject(self._handle)

    def update(self, attributes: Attributes) -> None:
        """Sets several attributes in one call."""
        native.span_set_many(self._handle, dict_of(attributes))

    def set_input(self, value: object) -> None:
        """What went in: text, or anything else as JSON."""
        if type(value) is str:
            native.span_set_input(self._handle, native.TYPE_STR, value)
        elif self._handle:
            native.span_set_input(self._handle, native.TYPE_JSON, to_json(value))

    def set_input_json(self, text: str) -> None:
        """What went in, as JSON text that is there already."""
        native.span_set_input(self._handle, native.TYPE_JSON, text)

    def set_output(self, value: object) -> None:
        """What came out: text, or anything else as JSON."""
        if type(value) is str:
            native.span_set_output(self._handle, native.TYPE_STR, value)
        elif self._handle:
            native.span_set_output(self._handle, native.TYPE_JSON, to_json(value))

    def set_output_json(self, text: str) -> None:
        """What came out, as JSON text that is there already."""
        native.span_set_output(self._handle, native.TYPE_JSON, text)

    def set_model(self, model: str) -> None:
        """The model that is asked for."""
        native.span_set_model(self._handle, model)

    def set_usage(self, input: int | None = None, output: int | None = None, *, total: int | None = None,
                  cache_read: int | None = None, cache_write: int | None = None,
                  reasoning: int | None = None) -> None:
        """Tokens of a generation. A total that is not given is input + output."""
        native.span_set_usage(self._handle, input, output, total, cache_read, cache_write, reasoning)


    def set_score(self, name: str, score: float) -> None:
        """A score, and the name of what scored."""
        native.span_set_score(self._handle, name, score)

    def set_step(self, step: int) -> None:
        """The number of a step."""
        native.span_set_step(self._handle, step)

    def set_error(self, error: BaseException | str, message: str | None = None) -> None:
        """Marks the span as failed: by an exception, or by a short type and a message."""
        native.span_set_error(self._handle, *_error(error, message))

    def set_foreign_id(self, id: str) -> None:
        """The id that another system gave the span."""
        native.span_set_foreign_id(self._handle, id)

    def event(self, name: str, attributes: Attributes | None = None) -> None:
        """Something happened now."""
        native.span_event(self._handle, name, dict_of(attributes))

    def __repr__(self) -> str:
        return f"<trunkline.Span {self.name!r}{'' if self.recording else ', not recording'}>"


class Trace:
    """One run of an agent. `with` (or `async with`) starts it, makes it current and ends it; or start() and end()."""

    __slots__ = ("__weakref__", "_foreign_id", "_group", "_handle", "_metadata", "_name", "_started", "_token",
                 "_trace", "_traceparent")
    _trace: int
    _handle: int

    def __init__(self, name: str, group: str | None = None, foreign_id: str | None = None,
                 traceparent: str | None = None, metadata: Attributes | None = None) -> None:
        self._name = name
        self._group = group
        self._foreign_id = foreign_id
        self._traceparent = traceparent
        self._metadata = metadata
        self._trace = self._handle = 0
        self._started = False
        self._token: contextvars.Token[Scope | None] | None = None

    def start(self) -> Self:
        """Starts the trace without making it current."""
        if self._started:
            raise RuntimeError("a trace is started once")
        self._started = True
        if _get_current() is not OFF:
            self._trace = native.trace_start(self._name, self._group, self._foreign_id, self._traceparent,
                                             dict_of(self._metadata))
        return self

    def __enter__(self) -> Self:
        if not self._started:
            self.start()
        self._token = _set_current(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        try:
            if error is not None:
                self.set_error(error)
        finally:
            if self._token is not None:
                leave(self._token, self, self._trace)
                self._token = None
            native.trace_end(self._trace)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)

    def end(self) -> None:
        """Ends the trace. Spans that are still open may end for a while, then they are ended as incomplete."""
        native.trace_end(self._trace)

    def span(self, name: str, *, kind: KindLike = Kind.CUSTOM, attributes: Attributes | None = None) -> Span:
        """A span at the top of this trace, wherever it is started."""
        return Span(name, kind=kind, attributes=attributes, parent=self)

    def record(self, name: str, start_ns: int, end_ns: int, *, kind: KindLike = Kind.CUSTOM,
               parent: Span | None = None, attributes: Attributes | None = None,
               error: BaseException | str | None = None, foreign_id: str | None = None) -> None:
        """Records a span that was timed elsewhere, in Unix nanoseconds."""
        if _get_current() is OFF:
            return
        error_type, message = (None, None) if error is None else _error(error, None)
        native.span_record(self._trace, 0 if parent is None else parent._handle, kind_number(kind), start_ns, end_ns,
                           name, foreign_id, error_type, message, dict_of(attributes))

    @property
    def recording(self) -> bool:
        """Whether the trace was accepted. False: nothing was started, tracing is off, or it is not sampled."""
        return self._trace != 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def trace_id(self) -> str | None:
        """32 hexadecimal digits; None when the trace is not recorded or has ended."""
        return native.trace_id(self._trace)

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context that makes another process go on in this trace."""
        return native.inject(self._trace)

    def set(self, key: str, value: object) -> None:
        """Sets an item of metadata. `stop_reason` is the well-known key for why an agent stopped."""
        native.trace_set(self._trace, key, value)

    def update(self, metadata: Attributes) -> None:
        """Sets several items of metadata."""
        for key, value in metadata.items():
            native.trace_set(self._trace, key, value)

    def set_error(self, error: BaseException | str, message: str | None = None) -> None:
        """Marks the trace as failed: by an exception, or by a short type and a message."""
        native.trace_set_error(self._trace, *_error(error, message))

    def event(self, name: str, attributes: Attributes | None = None) -> None:
        """Something happened now; delivered at once."""
        native.trace_event(self._trace, name, dict_of(attributes))

    def __repr__(self) -> str:
        return f"<trunkline.Trace {self._name!r}{'' if self.recording else ', not recording'}>"


span = Span  #: `with span("search", kind="tool") as s: ...`


def current_span() -> Span | None:
    """The span that is current here, if any."""
    scope = _get_current()
    return scope if isinstance(scope, Span) else None


def current_trace() -> Trace | None:
    """The trace of the current context, if any: to set its metadata from anywhere inside. Not after a fork."""
    scope = _get_current()
    if isinstance(scope, Span):
        scope = scope._in_trace
    return scope if isinstance(scope, Trace) else None


def current_traceparent() -> str | None:
    """The W3C trace context of the current span or trace, to be sent to another process."""
    scope = _get_current()
    return None if scope is None else native.inject(scope._handle or scope._trace)


native.lend({
    "encode": encode, "decode": decode, "make_usage": make_usage, "make_event": Event, "kind_number": kind_number,
    "get_current": current.get, "set_current": current.set, "reset_current": current.reset,
    "start_trace": lambda name: Trace(name).start(), "off": OFF,
})
