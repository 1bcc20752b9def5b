"""What thinks: given the conversation and the tools, it answers with a message of the assistant, in the form of
OpenAI's chat completions. Either a server that speaks that protocol, or a planner without one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

from trunkline import Usage

Message = dict[str, Any]


def to_text(value: object) -> str:
    """JSON text, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass
class Completion:
    message: Message = field(default_factory=dict)
    model: str = ""
    finish_reason: str = ""
    usage: Usage = Usage()
    error_type: str = ""  # set when there is no message
    error_message: str = ""


class Model(Protocol):
    name: str
    provider: str

    def complete(self, messages: list[Message], tools: list[Message]) -> Completion: ...
