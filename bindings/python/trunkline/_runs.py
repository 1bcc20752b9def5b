"""Runs: containers of metrics, inside a trace or alone."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self, Union

from . import _trunkline as native
from ._context import OFF, current
from ._spans import Attributes, Span, Trace
from ._types import RunStatus
from ._values import dict_of

Path = Union[str, "os.PathLike[str]"]
Files = Union[Path, Iterable[Path], Mapping[str, Path]]


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
        delivered, and must not change until then. False: it is no file, or `artifact_path` leads elsewhere; a warning says
        which."""
        file = os.fspath(path)
        place = posixpath.join(artifact_path or "", os.path.basename(file))
        return native.run_log_artifact(self._handle, place, file) not in (native.EIO, native.EINVAL)

    def log_image(self, key: str, path: str | os.PathLike[str], step: int | None = None) -> bool:
        """A PNG, JPEG, GIF or WebP file under a key of the history. False: it is none, or cannot be read."""
        return self._log_media(native.MEDIA_IMAGE, key, path, step)

    def log_html(self, key: str, path: str | os.PathLike[str], step: int | None = None) -> bool:
        """A page, as log_image."""
        return self._log_media(native.MEDIA_HTML, key, path, step)

    def _log_media(self, kind: int, key: str, path: str | os.PathLike[str], step: int | None) -> bool:
        code = native.run_log_media(self._handle, -1 if step is None else step, key, kind, os.fspath(path))
        return code not in (native.EIO, native.EINVAL)

    def add_artifact(self, name: str, type: str, files: Files, *, aliases: Iterable[str] = (),
                     metadata: Attributes | None = None, description: str = "") -> bool:
        """An artifact that the run has made: a file or folder, several, or a mapping from names in the artifact to
        files. All are read now, and must not change until they are delivered. False: one cannot be read, or a name is
        none that an artifact can have."""
        if isinstance(files, (str, os.PathLike)):
            files = [files]
        named = files.items() if isinstance(files, Mapping) else [("", file) for file in files]
        flat = [text for path, file in named for text in (path, os.fspath(file))]
        code = native.run_add_artifact(self._handle, [name, type, description], list(aliases), flat, dict_of(metadata))
        return code not in (native.EIO, native.EINVAL, native.ELIMIT)

    def use_artifact(self, name: str) -> None:
        """Says that the run uses an artifact: "name:alias", or one of another project, "entity/project/name:alias"."""
        native.run_use_artifact(self._handle, name)

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
