"""A model behind HTTP."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from model import Completion, Message, to_text
from trunkline import Usage

MAX_ANSWER = 4 << 20
TIMEOUT = 120.0


class BadAnswer(Exception):
    """What came is no chat completion."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


def _count(usage: dict[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _usage(answer: dict[str, Any]) -> Usage:
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return Usage()
    details = [each if isinstance(each, dict) else {} for each in
               (usage.get("prompt_tokens_details"), usage.get("completion_tokens_details"))]
    return Usage(_count(usage, "prompt_tokens"), _count(usage, "completion_tokens"), _count(usage, "total_tokens"),
                 cache_read=_count(details[0], "cached_tokens"), reasoning=_count(details[1], "reasoning_tokens"))


def _well_formed(call: Any) -> bool:
    """The form that a call must have to be sent back."""
    function = call.get("function") if isinstance(call, dict) else None
    return (isinstance(function, dict) and isinstance(call.get("id"), str) and bool(call["id"]) and
            isinstance(function.get("name"), str) and bool(function["name"]) and
            isinstance(function.get("arguments"), str))


def _read(body: bytes, asked: str) -> Completion:
    quoted = body[:200].decode(errors="replace")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise BadAnswer(f"the answer is not a JSON object: {quoted}")
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise BadAnswer(f"the answer has no choice: {quoted}")
    message = choices[0].get("message")
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    if (not isinstance(message, dict) or message.get("role") != "assistant" or
            not (calls is None or (isinstance(calls, list) and all(map(_well_formed, calls))))):
        raise BadAnswer(f"the answer has no message of the assistant: {quoted}")
    finish_reason = choices[0].get("finish_reason")
    return Completion(message, str(answer.get("model") or asked), finish_reason if finish_reason else "",
                      _usage(answer))


class OpenAiModel:
    provider = "openai"

    def __init__(self, base_url: str, key: str, name: str) -> None:
        parts = urllib.parse.urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("OPENAI_BASE_URL must begin with http:// or https:// and hold no user")
        if any(each <= " " or each in '"\\\x7f' for each in base_url + key):
            raise ValueError("OPENAI_BASE_URL and OPENAI_API_KEY must not hold blanks, quotes or control characters")
        if key and parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("OPENAI_API_KEY is not sent unencrypted to another machine")
        self.name = name
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._opener = urllib.request.build_opener(_NoRedirects)

    def complete(self, messages: list[Message], tools: list[Message]) -> Completion:
        body = to_text({"model": self.name, "messages": messages, "tools": tools}).encode()
        request = urllib.request.Request(self._url, body, self._headers)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return _read(answer.read(MAX_ANSWER), self.name)
        except urllib.error.HTTPError as error:
            quoted = error.read(200).decode(errors="replace")
            return Completion(error_type=f"http_{error.code}", error_message=quoted)
        except (OSError, http.client.HTTPException) as error:
            return Completion(error_type="transport", error_message=str(error))
        except BadAnswer as error:
            return Completion(error_type="bad_answer", error_message=str(error))
