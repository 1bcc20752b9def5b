"""Values that are not scalars become JSON. Nothing here raises: a tracer does not fail the agent it watches."""

from __future__ import annotations

import dataclasses
import json
import math
import numbers
import operator
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Union


MAX_REPR = 10_000
MAX_DEPTH = 100  # the library takes 128


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
    if isinstance(value, numbers.Integral) or hasattr(type(value), "__index__"):
        return operator.index(value)  # type: ignore[arg-type]
    if isinstance(value, numbers.Real):
        return float(value)
    item = getattr(value, "item", None)  # scalars of numpy that register with no number class
    if callable(item) and getattr(value, "shape", None) == ():
        return item()
    return None


def _parts(value: Any) -> object:
    """A dict or list of what an object consists of; None: no such thing."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return dump()
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


def _plain(value: object, depth: int = 0) -> object:
    """The value with nothing in it that json refuses: odd keys, numbers that are none, circles."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth > MAX_DEPTH:
        return describe(value)
    if isinstance(value, dict):
        return {key if isinstance(key, str) else describe(key): _plain(item, depth + 1)
                for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    return _plain(_default(value), depth + 1)


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_default)


def to_json(value: object) -> str:
    """JSON text of anything."""
    try:
        return _encoder.encode(value)
    except Exception:  # noqa: BLE001 - what json refuses goes the long way
        pass
    try:
        return _encoder.encode(_plain(value))
    except Exception:  # noqa: BLE001 - the value's own code
        return json.dumps(describe(value))


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
