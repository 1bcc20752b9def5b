"""Processors: built in, or written in Python. Each of the latter has one thread that pulls its records, in order."""

from __future__ import annotations

import abc
import json
import logging
import os
import select
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Union

from . import _trunkline as native
from ._context import OFF, current
from ._trunkline import Batch, Record
from ._types import RecordType, TrunklineError, check

log = logging.getLogger("trunkline")
DEFAULT_BATCH_SIZE = 512


class Again(Exception):
    """Raised by a hook: offer this again later, with backoff."""


class TraceProcessor(abc.ABC):
    """Receives records. Override the hooks you want. All of them run on one thread, one at a time, never on a thread
    that records; what they raise is logged and counted and goes no further. Sixteen failures in a row end the delivery
    to this processor alone. Nothing that a hook starts is recorded.

    Either `on_batch` gets everything, or the hooks for single records do. A processor sees the traces that are started
    while it is registered."""

    name: ClassVar[str] = ""  #: 1 to 64 characters; empty: the name of the class
    destination: ClassVar[str | None] = None  #: where it sends to, without secrets; part of its identity
    durable: ClassVar[bool] = False  #: what a dead process left goes to the next processor of equal identity
    span_starts: ClassVar[bool] = False  #: `on_batch` wants records of span starts too
    batch_size: ClassVar[int] = DEFAULT_BATCH_SIZE  #: 0: the default

    def on_trace_start(self, record: Record) -> None: ...
    def on_span_start(self, record: Record) -> None: ...
    def on_span_end(self, record: Record) -> None: ...
    def on_trace_end(self, record: Record) -> None: ...
    def on_run(self, record: Record) -> None:
        """Records of runs, and events of traces."""

    def on_batch(self, batch: Batch) -> None: ...
    def restore(self, run_id: str, state: bytes) -> None:
        """The state that was saved for a run of a dead process, before its first delivery here."""

    def force_flush(self) -> None:
        """Pass on what you hold back."""

    def shutdown(self) -> None:
        """Called once, after the last hook: at the end of the library, or at the removal of the processor."""

    def save(self, state: bytes) -> None:
        """Inside a hook that is given records: keeps up to 64 KiB with the position in the log, once these records are
        acknowledged."""
        delivery = getattr(_thread, "delivery", None)
        if delivery is None or delivery.processor is not self:
            raise RuntimeError("save() works inside a hook of the same processor")
        delivery.state = bytes(state)


@dataclass(frozen=True)
class BuiltIn:
    """A processor of the library, with its options, which may hold a credential and are not shown."""

    kind: str
    options: str = field(repr=False)


def local_processor(path: str | os.PathLike[str] | None = None, max_bytes: int | None = None) -> BuiltIn:
    """The local store, which the program `trunkline` reads. Default: traces.db in the directory."""
    return _built_in("local", path=None if path is None else os.fspath(path), max_bytes=max_bytes)


def jsonl_processor(path: str | os.PathLike[str] | None = None) -> BuiltIn:
    """JSON lines, one record a line. Default: traces.jsonl in the directory."""
    return _built_in("jsonl", path=None if path is None else os.fspath(path))


def console_processor(stream: Literal["stderr", "stdout"] | None = None,
                      color: Literal["auto", "always", "never"] | None = None) -> BuiltIn:
    """A readable tree on a stream."""
    return _built_in("console", stream=stream, color=color)


def mlflow_processor(tracking_uri: str | None = None, experiment_name: str | None = None, run_name: str | None = None, *,
                     experiment_id: str | None = None, run_id: str | None = None, tags: dict[str, str] | None = None,
                     auto_end_run: bool | None = None, traces: bool | None = None, username: str | None = None,
                     password: str | None = None, token: str | None = None, tls_ca: str | None = None,
                     tls_client_certificate: str | None = None, tls_insecure: bool | None = None,
                     timeout_ms: int | None = None) -> BuiltIn:
    """MLflow: a run for each trace. What is not given is taken from MLflow's own variables."""
    return _built_in("mlflow", tracking_uri=tracking_uri, experiment_name=experiment_name, run_name=run_name,
                     experiment_id=experiment_id, run_id=run_id, tags=tags, auto_end_run=auto_end_run, traces=traces,
                     username=username, password=password, token=token, tls_ca=tls_ca,
                     tls_client_certificate=tls_client_certificate, tls_insecure=tls_insecure, timeout_ms=timeout_ms)


def wandb_processor(project: str | None = None, name: str | None = None, *, entity: str | None = None,
                    config: dict[str, object] | None = None, tags: list[str] | None = None, group: str | None = None,
                    job_type: str | None = None, notes: str | None = None, id: str | None = None,
                    resume: str | None = None, auto_finish: bool | None = None, trace_tree: bool | None = None,
                    mode: str | None = None, dir: str | None = None, base_url: str | None = None,
                    api_key: str | None = None, tls_ca: str | None = None, timeout_ms: int | None = None,
                    interval_ms: int | None = None) -> BuiltIn:
    """W&B: a run for each trace. What is not given is taken from W&B's own variables; without a key, or with
    mode="offline", runs are written to files that `wandb sync` takes."""
    return _built_in("wandb", project=project, name=name, entity=entity, config=config, tags=tags, group=group,
                     job_type=job_type, notes=notes, id=id, resume=resume, auto_finish=auto_finish,
                     trace_tree=trace_tree, mode=mode, dir=dir, base_url=base_url, api_key=api_key, tls_ca=tls_ca,
                     timeout_ms=timeout_ms, interval_ms=interval_ms)


def download_wandb_artifact(name: str, folder: str | os.PathLike[str], *, project: str | None = None,
                            entity: str | None = None, base_url: str | None = None, api_key: str | None = None,
                            tls_ca: str | None = None, timeout_ms: int | None = None) -> str:
    """Fetches an artifact of W&B, "entity/project/name:alias", into a folder, and returns the folder. Each file is
    checked; TrunklineError says what was wrong."""
    options = {"project": project, "entity": entity, "base_url": base_url, "api_key": api_key, "tls_ca": tls_ca,
               "timeout_ms": timeout_ms}
    given = json.dumps({key: value for key, value in options.items() if value is not None})
    place = os.fspath(folder)
    failed = native.wandb_download_artifact([given, name, place])
    if failed is not None:
        raise TrunklineError(*failed)
    return place


def family_preset(model: str) -> dict[str, object]:
    """What an agent for a family of models, found by its name or a model's, is commonly set up with: for `config`."""
    found = native.family_preset(model)
    if found is None:
        raise ValueError(f"no family of models is known for {model!r}")
    return dict(json.loads(found))


def _built_in(kind: str, **options: object) -> BuiltIn:
    return BuiltIn(kind, json.dumps({key: value for key, value in options.items() if value is not None}))


Processor = Union[TraceProcessor, BuiltIn]
Description = Union[tuple[str, str], tuple[str, "str | None", int, int]]
Hook = Callable[[Record], None]

_HOOKS = {
    RecordType.TRACE_START: "on_trace_start",
    RecordType.SPAN_START: "on_span_start",
    RecordType.SPAN_END: "on_span_end",
    RecordType.TRACE_END: "on_trace_end",
}
_thread = threading.local()


def _overrides(processor: TraceProcessor, name: str) -> bool:
    return getattr(type(processor), name) is not getattr(TraceProcessor, name) or name in vars(processor)


class Delivery:
    """One processor in Python and the thread that serves it."""

    def __init__(self, processor: TraceProcessor) -> None:
        self.processor = processor
        self.state: bytes | None = None
        self.id = 0
        self._batches = _overrides(processor, "on_batch")
        self._hooks = self._single_hooks()
        self._lock = threading.Lock()
        self._flushes: list[threading.Event] = []
        self._ended = False
        self._last_hook_returned = threading.Event()
        self._wake = -1
        self._ready = -1
        if not self._batches and not any(self._hooks):
            raise TypeError(f"{type(processor).__name__} overrides no hook for records")

    def _single_hooks(self) -> list[Hook | None]:
        """By type of record."""
        hooks: list[Hook | None] = []
        for kind in range(max(RecordType) + 1):
            name = _HOOKS.get(kind, "on_run") if kind else ""  # type: ignore[call-overload]
            wanted = bool(name) and not self._batches and _overrides(self.processor, name)
            hooks.append(getattr(self.processor, name) if wanted else None)
        return hooks

    def description(self) -> Description:
        processor = self.processor
        flags = native.PROCESSOR_DURABLE if processor.durable else 0
        if processor.span_starts or _overrides(processor, "on_span_start"):
            flags |= native.PROCESSOR_SPAN_STARTS
        return (processor.name or type(processor).__name__, processor.destination, flags, self._most())

    def _most(self) -> int:
        return self.processor.batch_size or DEFAULT_BATCH_SIZE

    def start(self, id: int) -> None:
        self.id = id
        descriptor = native.poll_fd(id)
        if descriptor < 0:  # the library has been shut down meanwhile
            self._finish()
            return
        self._ready = os.dup(descriptor)  # the library closes its own
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        name = f"trunkline-{type(self.processor).__name__}"
        try:
            threading.Thread(target=self._run, name=name, daemon=True).start()
        except RuntimeError:  # no more threads
            native.remove_processor(id)
            self._finish()
            raise

    def flush(self) -> threading.Event:
        """Asks the thread to call force_flush; the event tells when it has."""
        done = threading.Event()
        with self._lock:
            if self._ended or not _overrides(self.processor, "force_flush"):
                done.set()
            else:
                self._flushes.append(done)
                os.eventfd_write(self._wake, 1)
        return done

    def wait(self, timeout: float) -> bool:
        """Whether the last hook has returned within the time."""
        return self._last_hook_returned.wait(max(timeout, 0.0))

    def close_in_child(self) -> None:
        """After a fork there is no thread."""
        self._ended = True
        for descriptor in (self._ready, self._wake):
            if descriptor >= 0:
                os.close(descriptor)

    # ---- on the thread ----

    def _run(self) -> None:
        current.set(OFF)
        _thread.delivery = self
        waiting = select.poll()
        waiting.register(self._ready, select.POLLIN)
        waiting.register(self._wake, select.POLLIN)
        try:
            while self._drain():
                waiting.poll()
        finally:
            self._finish()

    def _drain(self) -> bool:
        """Takes what there is. False: there will be no more."""
        while True:
            self._answer_flushes()
            batch = native.poll(self.id, self._most())
            if batch is None:
                return True
            if isinstance(batch, int):
                return False
            self.state = None
            if self._restore(batch):
                if self._batches:
                    self._deliver(batch)
                else:
                    self._deliver_each(batch)

    def _guarded(self, hook: Callable[..., None], *arguments: object) -> int:
        try:
            hook(*arguments)
        except BaseException as error:  # noqa: BLE001 - nothing of a processor reaches the agent
            return self._refused(hook, error)
        return 0

    def _restore(self, batch: Batch) -> bool:
        if batch.state is None or not _overrides(self.processor, "restore"):
            return True
        if self._guarded(self.processor.restore, batch.run_id, batch.state) != native.EAGAIN:
            return True
        batch.ack(native.EAGAIN)
        return False

    def _deliver(self, batch: Batch) -> None:
        result = self._guarded(self.processor.on_batch, batch)
        if len(batch) > 0 and (result != 0 or not batch.retained):
            try:
                batch.ack(result, self.state if result == 0 else None)
            except ValueError:  # retained, and another thread acknowledged it just now
                pass

    def _deliver_each(self, batch: Batch) -> None:
        hooks = self._hooks
        taken = 0
        state: bytes | None = None
        for record in batch:
            type_of_record = record.type
            hook = hooks[type_of_record] if type_of_record < len(hooks) else None
            if hook is not None:
                try:
                    hook(record)
                except BaseException as error:  # noqa: BLE001 - nothing of a processor reaches the agent
                    batch.ack_part(taken, self._refused(hook, error), state)
                    return
                state = self.state
            taken += 1
        batch.ack(0, state)

    def _refused(self, hook: Callable[..., None], error: BaseException) -> int:
        if isinstance(error, Again):
            return native.EAGAIN
        try:
            log.error("%s of the processor %s failed", getattr(hook, "__name__", "a hook"),
                      type(self.processor).__name__, exc_info=error)
        except BaseException:  # noqa: BLE001 - filters and handlers are the program's own code
            pass
        return native.EINTERNAL

    def _answer_flushes(self) -> None:
        with self._lock:
            flushes, self._flushes = self._flushes, []
            if flushes:
                os.eventfd_read(self._wake)
        if flushes:
            self._guarded(self.processor.force_flush)
        for done in flushes:
            done.set()

    def _finish(self) -> None:
        with self._lock:
            self._ended = True
            flushes, self._flushes = self._flushes, []
            for descriptor in (self._ready, self._wake):
                if descriptor >= 0:
                    os.close(descriptor)
            self._ready = self._wake = -1
        self._guarded(self.processor.shutdown)
        _registry.forget(self)
        self._last_hook_returned.set()
        for done in flushes:
            done.set()


class Registry:
    """The processors in Python that have not ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deliveries: list[Delivery] = []
        self._built_ins: list[tuple[BuiltIn, int]] = []

    def all(self) -> list[Delivery]:
        with self._lock:
            return list(self._deliveries)

    def find(self, processor: TraceProcessor) -> Delivery | None:
        return next((each for each in self.all() if each.processor is processor), None)

    def forget(self, delivery: Delivery) -> None:
        with self._lock:
            if delivery in self._deliveries:
                self._deliveries.remove(delivery)

    def take_ids(self, processor: BuiltIn) -> list[int]:
        """Under which it was added, and forgets them."""
        with self._lock:
            ids = [id for each, id in self._built_ins if each is processor]
            self._built_ins = [(each, id) for each, id in self._built_ins if each is not processor]
        return ids

    def register(self, processors: Sequence[Processor], replace: bool) -> list[int]:
        deliveries = [Delivery(each) if isinstance(each, TraceProcessor) else None for each in processors]
        described: list[Description] = []
        for processor, delivery in zip(processors, deliveries):
            if delivery is not None:
                described.append(delivery.description())
            elif isinstance(processor, BuiltIn):
                described.append((processor.kind, processor.options))
            else:
                raise TypeError(f"{processor!r} is no processor")
        objects = [each.processor for each in deliveries if each is not None]
        if any(one is other for i, one in enumerate(objects) for other in objects[:i]):
            raise ValueError("the same processor is given twice")
        for delivery in deliveries:
            if delivery is not None and self.find(delivery.processor) is not None:
                raise ValueError("the processor is registered already")
        ids = native.replace_processors(described) if replace else native.add_processor(described)
        if isinstance(ids, int):
            raise TrunklineError(ids)
        with self._lock:
            self._deliveries += [each for each in deliveries if each is not None]
            kept = [] if replace else self._built_ins
            self._built_ins = kept + [(each, id) for each, id in zip(processors, ids) if isinstance(each, BuiltIn)]
        for delivery, id in zip(deliveries, ids):
            if delivery is not None:
                delivery.start(id)
        return ids

    def after_fork_in_child(self) -> None:
        self._lock = threading.Lock()
        for delivery in self._deliveries:
            delivery.close_in_child()
        self._deliveries = []
        self._built_ins = []


_registry = Registry()


def inside_hook() -> bool:
    return getattr(_thread, "delivery", None) is not None


def deliveries() -> list[Delivery]:
    return _registry.all()


def after_fork_in_child() -> None:
    _thread.__dict__.clear()
    _registry.after_fork_in_child()


def add_trace_processor(processor: Processor) -> int:
    """Adds a processor; it gets the traces that start from now on. Returns its id."""
    return _registry.register([processor], False)[0]


def set_trace_processors(processors: Sequence[Processor]) -> list[int]:
    """Replaces all processors, the default one included. All or none."""
    return _registry.register(processors, True)


def remove_trace_processor(processor: Processor | int) -> None:
    """Removes a processor, by itself or by its id. Returns at once; its `shutdown` comes when its last hook has
    returned."""
    if isinstance(processor, int):
        ids = [processor]
    elif isinstance(processor, BuiltIn):
        ids = _registry.take_ids(processor)
    else:
        delivery = _registry.find(processor)
        ids = [] if delivery is None else [delivery.id]
    check(min((native.remove_processor(id) for id in ids), default=native.ENOENT))
