"""Start and end of the library, its counts, and what happens at the exit of the program and in forked children."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, Literal

from . import _processors
from . import _trunkline as native
from ._context import current
from ._processors import BuiltIn, Processor, TraceProcessor
from ._types import TrunklineError

DEFAULT_EXIT_TIMEOUT = 2.0
Level = Literal["off", "error", "warn", "info", "debug"]

_CHOICES: dict[str, dict[str, int]] = {
    "durability": {"memory": native.DURABILITY_MEMORY, "log": native.DURABILITY_LOG,
                   "fsync": native.DURABILITY_FSYNC},
    "recorder": {"file": native.RECORDER_FILE, "memory": native.RECORDER_MEMORY},
    "content": {"on": native.CONTENT_ON, "off": native.CONTENT_OFF},
    "overflow": {"drop": native.OVERFLOW_DROP_NEWEST, "block": native.OVERFLOW_BLOCK},
    "log_level": {"off": native.LEVEL_OFF, "error": native.LEVEL_ERROR, "warn": native.LEVEL_WARN,
                  "info": native.LEVEL_INFO, "debug": native.LEVEL_DEBUG},
}


class _Exit:
    """What the end of the program does."""

    timeout = DEFAULT_EXIT_TIMEOUT
    registered = False


def _milliseconds(seconds: float) -> int:
    return min(max(int(seconds * 1000), 0), 0xFFFFFFFF)


def _names_and_objects(processors: Sequence[str | Processor] | str | None) -> tuple[str | None, list[Processor]]:
    """Built-ins that are only named are the library's to start; the rest is registered afterwards."""
    if processors is None or isinstance(processors, str):
        return processors, []
    names = [each for each in processors if isinstance(each, str)]
    return ",".join(names) or "none", [each for each in processors if not isinstance(each, str)]


def _list_of(names: Sequence[str] | str | None) -> str | None:
    return names if names is None or isinstance(names, str) else ",".join(names)


def _exit_timeout(given: float | None) -> float:
    if given is not None:
        return given
    try:
        return int(os.environ.get("TRUNKLINE_EXIT_TIMEOUT_MS", "")) / 1000
    except ValueError:
        return DEFAULT_EXIT_TIMEOUT


def init(directory: str | os.PathLike[str] | None = None, *,
         processors: Sequence[str | Processor] | str | None = None, service_name: str | None = None,
         recorder_directory: str | os.PathLike[str] | None = None, max_memory: int | None = None,
         max_disk: int | None = None, max_value_bytes: int | None = None, max_attributes: int | None = None,
         durability: Literal["memory", "log", "fsync"] | None = None,
         recorder: Literal["file", "memory"] | None = None, content: Literal["on", "off"] | None = None,
         overflow: Literal["drop", "block"] | None = None, block_timeout: float | None = None,
         sample_ratio: float | None = None, redact_keys: Sequence[str] | str | None = None,
         redact_patterns: Sequence[str] | str | None = None, default_redaction: bool = True, disabled: bool = False,
         adopt: bool = True, log_level: Level | None = None, end_grace: float | None = None,
         exit_timeout: float | None = None) -> None:
    """Starts the library. What is not given comes from the environment (TRUNKLINE_*) or is the default. Times are in
    seconds. `processors`: names of built-ins and processor objects; the default is the local store."""
    names, objects = _names_and_objects(processors)
    exit_timeout = _exit_timeout(exit_timeout)
    options: dict[str, Any] = {
        "directory": None if directory is None else os.fspath(directory),
        "recorder_directory": None if recorder_directory is None else os.fspath(recorder_directory),
        "service_name": service_name, "processors": names, "max_memory": max_memory, "max_disk": max_disk,
        "max_value_bytes": max_value_bytes, "max_attributes": max_attributes, "sample_ratio": sample_ratio,
        "block_timeout_ms": None if block_timeout is None else _milliseconds(block_timeout),
        "end_grace_ms": None if end_grace is None else _milliseconds(end_grace),
        "exit_timeout_ms": _milliseconds(exit_timeout),
        "redact_keys": _list_of(redact_keys),
        "redact_patterns": _list_of(redact_patterns),
        "flags": (native.CONFIG_DISABLED if disabled else 0) | (0 if adopt else native.CONFIG_NO_ADOPTION) |
                 (0 if default_redaction else native.CONFIG_NO_DEFAULT_REDACTION),
    }
    for name, given in (("durability", durability), ("recorder", recorder), ("content", content),
                        ("overflow", overflow), ("log_level", log_level)):
        if given is not None and given not in _CHOICES[name]:
            raise ValueError(f"{name} is one of {', '.join(_CHOICES[name])}")
        options[name] = None if given is None else _CHOICES[name][given]
    _start({name: value for name, value in options.items() if value is not None}, objects, exit_timeout)


def _start(options: dict[str, Any], objects: list[Processor], exit_timeout: float) -> None:
    for each in objects:
        if not isinstance(each, (TraceProcessor, BuiltIn)):
            raise TypeError(f"{each!r} is no processor")
    code, message = native.init(options)
    if code < 0:
        raise TrunklineError(code, message)
    _Exit.timeout = exit_timeout
    if not _Exit.registered:
        _Exit.registered = True
        atexit.register(_at_exit)
        _finish_with_multiprocessing()
    try:
        for each in objects:
            _processors.add_trace_processor(each)
    except BaseException:
        native.shutdown(0)
        raise


def force_flush(timeout: float = 5.0) -> bool:
    """Waits until all that was recorded before is with every processor, and asks each to pass it on. False: the time
    was over before."""
    if _processors.inside_hook():
        raise TrunklineError(native.EREENTRANT)
    deadline = time.monotonic() + timeout
    code = native.flush(_milliseconds(timeout))
    if code < 0 and code != native.ETIMEDOUT:
        raise TrunklineError(code)
    flushed = [each.flush() for each in _processors.deliveries()]
    return all([each.wait(max(deadline - time.monotonic(), 0.0)) for each in flushed]) and code == 0


def shutdown(timeout: float = 5.0) -> bool:
    """Ends open spans as incomplete, delivers what is left within the time and ends all processors. False: something
    is left. Idempotent; init() may start the library again."""
    if _processors.inside_hook():
        raise TrunklineError(native.EREENTRANT)
    deadline = time.monotonic() + timeout
    deliveries = _processors.deliveries()
    code = native.shutdown(_milliseconds(timeout))
    # The library has let them go; what their threads are doing may need a moment, or for ever.
    ended = [each.wait(deadline - time.monotonic()) for each in deliveries]
    return code == 0 and all(ended)


def _at_exit() -> None:
    # With the interpreter still whole: hooks may run, and nobody holds its lock while the library waits for them.
    if not _processors.inside_hook():
        shutdown(_Exit.timeout)


def stats() -> dict[str, int]:
    """Counts of the library."""
    counts = native.stats()
    if isinstance(counts, int):
        raise TrunklineError(counts)
    return counts


def processor_stats(processor: TraceProcessor | int) -> dict[str, int]:
    """Counts of a processor, by itself or by its id; by its id also after its removal."""
    if not isinstance(processor, int):
        delivery = next((each for each in _processors.deliveries() if each.processor is processor), None)
        if delivery is None:
            raise TrunklineError(native.ENOENT)
        processor = delivery.id
    counts = native.processor_stats(processor)
    if isinstance(counts, int):
        raise TrunklineError(counts)
    return counts


def _finish_with_multiprocessing() -> None:
    """Its workers leave without the exit handlers of the program; they have a registry of their own."""
    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        util.Finalize(None, _at_exit, exitpriority=-100)


def _after_fork_in_child() -> None:
    """The parent's threads and spans are not here. What the child starts is a new instance's."""
    _processors.after_fork_in_child()
    current.set(None)
    util = sys.modules.get("multiprocessing.util")
    if util is not None and _Exit.registered:  # it empties that registry first, then calls this
        util.register_after_fork(_Exit, lambda _: _finish_with_multiprocessing())


os.register_at_fork(after_in_child=_after_fork_in_child)
