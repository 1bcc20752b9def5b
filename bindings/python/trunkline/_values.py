"""Values that are not scalars become JSON. Nothing here raises: a tracer does not fail the agent it watches."""

from __future__ import annotations

import dataclasses
import json
import math
import numbers
import operator
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any, Union


MAX_REPR = 10_000
MAX_DEPTH = 100  # the library takes 128
MAX_NODES = 100_000  # values in values, each counted as often as it is met
ALWAYS_DECIMAL = 2000  # bits; the interpreter may refuse the digits of integers beyond


def describe(value: object) -> str:
    """What repr says, if it can."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - the value's own code
        return f"<{type(value).__name__}>"
    return text if len(text) <= MAX_REPR else text[:MAX_REPR] + "..."


def _scalar(value: object) -> object:
    """Numbers of other libraries as Python's own; None: it is no number."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, numbers.Integral):
        return operator.index(value)
    if isinstance(value, numbers.Real):
        return float(value)
    # Scalars of numpy that register with no number class. Asked of the type: a mock has every attribute.
    if hasattr(type(value), "item") and hasattr(type(value), "shape") and value.shape == ():  # type: ignore[attr-defined]
        return value.item()  # type: ignore[attr-defined]
    return None


def _parts(value: Any) -> object:
    """A dict or list of what an object consists of; None: no such thing."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if callable(getattr(type(value), "model_dump", None)):
        return value.model_dump()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    return None


def _default(value: object) -> object:
    try:
        found = _scalar(value)
        if found is None:
            found = _parts(value)
    except Exception:  # noqa: BLE001 - the value's own code
        found = None
    return describe(value) if found is None else found


def _mark(value: object) -> str:
    """In place of what is cut off: its repr may be as large as what is spared."""
    return f"<{type(value).__name__}>"


def _integer(value: int) -> Union[int, str]:
    if value.bit_length() > ALWAYS_DECIMAL:
        try:
            int.__repr__(value)
        except ValueError:
            return hex(value)
    return value


class _Budget:
    """How much of one value may be visited: parts that are shared would take exponential time."""

    def __init__(self) -> None:
        self._left = MAX_NODES

    def take(self, count: int) -> bool:
        self._left -= count
        return self._left >= 0

    def admit(self, value: object) -> object:
        """The value, if the containers in it are within the budget."""
        pending = [value]
        while pending:
            container = pending.pop()
            if not isinstance(container, (dict, list, tuple)):
                continue
            if not self.take(1 + len(container)):
                raise ValueError("too many values")
            pending += container.values() if isinstance(container, dict) else container
        return value

    def default(self, value: object) -> object:
        return self.admit(_default(value))


class _Plain:
    """Makes values that have nothing in them that json refuses: odd keys, numbers that are none, circles."""

    def __init__(self) -> None:
        self._budget = _Budget()
        self._ancestors: set[int] = set()

    def of(self, value: object) -> object:
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int):
            return _integer(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if id(value) in self._ancestors or len(self._ancestors) > MAX_DEPTH or not self._budget.take(1):
            return _mark(value)
        with self._inside(value):
            if isinstance(value, dict):
                return {key if isinstance(key, str) else describe(key): self.of(item)
                        for key, item in self._most(value.items())}
            if isinstance(value, (list, tuple)):
                return [self.of(item) for item in self._most(value)]
            return self.of(_default(value))

    def _most(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            if not self._budget.take(1):
                return
            yield item

    @contextmanager
    def _inside(self, value: object) -> Iterator[None]:
        self._ancestors.add(id(value))
        try:
            yield
        finally:
            self._ancestors.discard(id(value))


def _json(value: object, budget: _Budget) -> str:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"),
                            default=budget.default).encode(value)


def to_json(value: object) -> str:
    """JSON text of anything."""
    try:
        budget = _Budget()
        return _json(budget.admit(value), budget)
    except Exception:  # noqa: BLE001 - what json refuses goes the long way
        pass
    try:
        return _json(_Plain().of(value), _Budget())
    except Exception:  # noqa: BLE001 - the value's own code
        return json.dumps(_mark(value))


def encode(value: object) -> Union[str, int, float, bool, tuple[str]]:
    """A scalar as itself, all else as JSON text in a tuple: what the extension module asks for."""
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)  # type: ignore[return-value]
    if not isinstance(value, (dict, list, tuple)):
        found = _default(value)
        if isinstance(found, (str, int, float, bool)):
            return found
        value = found
    return (to_json(value),)


def decode(text: str) -> object:
    """The library has checked that it is JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def dict_of(attributes: Mapping[str, object] | Iterable[tuple[str, object]] | None) -> dict[str, object] | None:
    if attributes is None or type(attributes) is dict:
        return attributes
    return dict(attributes)
