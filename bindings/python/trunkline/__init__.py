"""Trunkline: a native tracer for LLM agents.

    import trunkline

    trunkline.init()

    @trunkline.trace(kind="tool")
    def search(query: str) -> list[str]:
        return ["42"]

    with trunkline.trace("answer a question"):
        with trunkline.span("chat", kind="generation") as call:
            call.set_model("gpt-4o")
            call.set_usage(14, 2)
        search("6 times 7")
"""

from . import _trunkline
from ._context import ThreadPoolExecutor, disabled, in_context
from ._decorate import Traced, trace
from ._lifecycle import force_flush, init, processor_stats, shutdown, stats
from ._processors import (
    Again,
    BuiltIn,
    TraceProcessor,
    add_trace_processor,
    console_processor,
    download_wandb_artifact,
    family_preset,
    jsonl_processor,
    local_processor,
    mlflow_processor,
    remove_trace_processor,
    set_trace_processors,
    wandb_processor,
)
from ._runs import Run, start_run
from ._spans import Span, Trace, current_span, current_trace, current_traceparent, span
from ._trunkline import Batch, Record
from ._types import Event, Kind, Mode, RecordType, RunStatus, TrunklineError, Usage

# The headers this package was built with, against the library that was loaded.
if _trunkline.abi_version() >> 16 != _trunkline.ABI_VERSION >> 16 or _trunkline.abi_version() < _trunkline.ABI_VERSION:
    raise ImportError(
        f"trunkline was built for version {_trunkline.ABI_VERSION >> 16}.{_trunkline.ABI_VERSION & 0xFFFF} of the "
        f"library's interface and found {_trunkline.abi_version() >> 16}.{_trunkline.abi_version() & 0xFFFF}")

__version__ = _trunkline.version()

AGAIN = _trunkline.EAGAIN  #: for Batch.ack: to be offered again

__all__ = [
    "AGAIN", "Again", "Batch", "BuiltIn", "Event", "Kind", "Mode", "Record", "RecordType", "Run", "RunStatus",
    "Span", "ThreadPoolExecutor", "Trace", "TraceProcessor", "Traced", "TrunklineError", "Usage",
    "add_trace_processor", "console_processor", "current_span", "current_trace", "current_traceparent",
    "disabled", "download_wandb_artifact", "family_preset", "force_flush", "in_context", "init",
    "jsonl_processor", "local_processor", "mlflow_processor", "processor_stats", "remove_trace_processor",
    "set_trace_processors", "shutdown", "span", "start_run", "stats", "trace", "wandb_processor",
]
