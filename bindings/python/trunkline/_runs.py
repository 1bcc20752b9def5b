"""Runs: containers of metrics, inside a trace or alone."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from . import _trunkline as native
from ._context import OFF, current
from ._spans import Attributes, Span, Trace
from ._types import RunStatus
from ._values import dict_of


class Run:
    """A run that has been started; `with` finishes it: as failed, when an exception leaves the block."""

    __slots__ = ("__weakref__", "_finished", "_handle", "_name")

    def __init__(self, handle: int, name: str | None) -> None:
        self._handle = handle
        self._name = name
        self._finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if not self._finished:
            self.finish(RunStatus.FINISHED if error is None else RunStatus.FAILED, 0 if error is None else 1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)

    @property
    def recording(self) -> bool:
        return self._handle != 0

    def log(self, metrics: Mapping[str, object], step: int | None = None) -> None:
        """Metrics of a step; without a number the sink counts."""
        native.run_log(self._handle, -1 if step is None else step, dict_of(metrics))

    def set_summary(self, items: Attributes) -> None:
        """Items of the summary."""
        native.run_set_summary(self._handle, dict_of(items))

    def set_config(self, items: Attributes) -> None:
        """Adds to the configuration."""
        native.run_set_config(self._handle, dict_of(items))

    def set_tag(self, key: str, value: str = "") -> None:
        """A tag; without a value a plain one."""
        native.run_set_tag(self._handle, key, value)

    def log_artifact(self, path: str | os.PathLike[str], artifact_path: str | None = None) -> bool:
        """A file of this machine, by its name in the folder `artifact_path` of the run's artifacts. It is read when it is
        delivered, and must not change until then. False: it is no file, or `artifact_path` leads elsewhere."""
        file = os.fspath(path)
        place = posixpath.join(artifact_path or "", os.path.basename(file))
        return native.run_log_artifact(self._handle, place, file) not in (native.EIO, native.EINVAL)

    def finish(self, status: RunStatus = RunStatus.FINISHED, exit_code: int = 0) -> None:
        """Finishes the run."""
        self._finished = True
        native.run_finish(self._handle, status, exit_code)

    def __repr__(self) -> str:
        return f"<trunkline.Run {self._name!r}{'' if self.recording else ', not recording'}>"


def start_run(name: str | None = None, *, project: str | None = None, group: str | None = None,
              config: Attributes | None = None, trace: Trace | Span | None = None) -> Run:
    """Starts a run, tied to `trace` or else to the current trace, if any."""
    around = current.get()
    if around is OFF:
        return Run(0, name)
    scope = trace if trace is not None else around
    return Run(native.run_start(0 if scope is None else scope._trace, name, project, group, dict_of(config)), name)
