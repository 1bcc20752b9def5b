"""Names for the numbers of the library, and the small values that records are made of."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, TypeAlias, Union

from . import _trunkline as native


class Kind(IntEnum):
    """What a span is. A kind decides how sinks present it and nothing else."""

    CUSTOM = native.KIND_CUSTOM
    WORKFLOW = native.KIND_WORKFLOW
    AGENT = native.KIND_AGENT
    STEP = native.KIND_STEP
    GENERATION = native.KIND_GENERATION
    REASONING = native.KIND_REASONING
    MESSAGE = native.KIND_MESSAGE
    TOOL = native.KIND_TOOL
    ACT = native.KIND_ACT
    MCP = native.KIND_MCP
    DECIDE = native.KIND_DECIDE
    PARSE = native.KIND_PARSE
    REDUCE = native.KIND_REDUCE
    CRITIC = native.KIND_CRITIC
    GUARDRAIL = native.KIND_GUARDRAIL
    HANDOFF = native.KIND_HANDOFF
    DELEGATE = native.KIND_DELEGATE
    FANOUT = native.KIND_FANOUT
    RETRIEVAL = native.KIND_RETRIEVAL
    EMBEDDING = native.KIND_EMBEDDING
    RERANK = native.KIND_RERANK
    CHUNK = native.KIND_CHUNK
    SPEECH_IN = native.KIND_SPEECH_IN
    SPEECH_OUT = native.KIND_SPEECH_OUT
    GROUP = native.KIND_GROUP
    MEMORY = native.KIND_MEMORY
    ATTACHMENT = native.KIND_ATTACHMENT


class RecordType(IntEnum):
    """What a record tells."""

    TRACE_START = native.RECORD_TRACE_START
    SPAN_START = native.RECORD_SPAN_START
    SPAN_END = native.RECORD_SPAN_END
    TRACE_END = native.RECORD_TRACE_END
    EVENT = native.RECORD_EVENT
    RUN_START = native.RECORD_RUN_START
    RUN_LOG = native.RECORD_RUN_LOG
    RUN_SUMMARY = native.RECORD_RUN_SUMMARY
    RUN_CONFIG = native.RECORD_RUN_CONFIG
    RUN_TAG = native.RECORD_RUN_TAG
    RUN_FINISH = native.RECORD_RUN_FINISH
    RUN_ARTIFACT = native.RECORD_RUN_ARTIFACT
    RUN_ADD_ARTIFACT = native.RECORD_RUN_ADD_ARTIFACT
    RUN_USE_ARTIFACT = native.RECORD_RUN_USE_ARTIFACT
    RUN_MEDIA = native.RECORD_RUN_MEDIA


class RunStatus(IntEnum):
    """How a run ended."""

    FINISHED = native.RUN_FINISHED
    FAILED = native.RUN_FAILED
    KILLED = native.RUN_KILLED


class Mode(IntEnum):
    """Where records are kept until every durable processor has them."""

    OFF = native.MODE_OFF
    FILE = native.MODE_FILE
    LOG_ONLY = native.MODE_LOG_ONLY
    MEMORY = native.MODE_MEMORY


KindLike: TypeAlias = Union[Kind, int, str]


def kind_number(kind: KindLike) -> int:
    """Of a Kind, its number, or its name in any case."""
    return Kind[kind.upper()] if isinstance(kind, str) else kind


class Usage(NamedTuple):
    """Tokens of a generation; None: not known. Cached tokens are part of input, reasoning tokens part of output."""

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


class Event(NamedTuple):
    """Something that happened at one instant inside a span."""

    name: str
    time_ns: int
    attributes: dict[str, object]


class TrunklineError(RuntimeError):
    """A call outside of the hot path failed. `code` is one of the library's result codes."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(message or native.strerror(code))
        self.code = code


def check(code: int) -> None:
    """Raises what a result code says."""
    if code < 0:
        raise TrunklineError(code)


def make_usage(*counts: int) -> Usage:
    return Usage(*(None if count < 0 else count for count in counts))
