"""The model for those who have none at hand: generate and validate. It runs the tests, reads which assertion fails,
reads the functions which that line calls and what they call in turn, and tries small changes until the tests pass.
It sees only what the tools return, as any model does, and speaks the same protocol."""

from __future__ import annotations

from collections import deque
from typing import Any

from model import Completion, Message, to_text
from repair import Change, Failure, Function, called_functions, candidate_changes, read_failure
from trunkline import Usage

Wanted = list[tuple[str, dict[str, Any]]]


class Planner:
    name = "planner"
    provider = "trunkline-example"

    def __init__(self) -> None:
        self._next = self._start
        self._calls_made = 0
        self._failure = Failure()
        self._files: list[str] = []
        self._sources: dict[str, str] = {}
        self._suspects: deque[Function] = deque()
        self._seen: set[str] = set()
        self._current = Function("", "", "")
        self._changes: deque[Change] = deque()
        self._applied: Change | None = None

    def complete(self, messages: list[Message], tools: list[Message]) -> Completion:
        message = self._next(self._results(messages))
        # It has no tokens; about four characters are one elsewhere.
        usage = Usage(len(to_text(messages).encode()) // 4, len(to_text(message).encode()) // 4)
        return Completion(message, self.name, "tool_calls" if "tool_calls" in message else "stop", usage)

    @staticmethod
    def _results(messages: list[Message]) -> list[str]:
        """Of the tools, since the last answer."""
        results: list[str] = []
        for message in reversed(messages):
            if message.get("role") != "tool":
                break
            results.insert(0, message.get("content", ""))
        return results

    @staticmethod
    def _passed(result: str) -> bool:
        return result.startswith("exit code 0")

    def _start(self, results: list[str]) -> Message:
        self._next = self._read_sources
        return self._calls([("run_tests", {}), ("list_files", {})])

    def _read_sources(self, results: list[str]) -> Message:
        if len(results) != 2:
            return self._say("I did not get what I asked for.")
        if self._passed(results[0]):
            return self._say("The tests pass already.")
        failure = read_failure(results[0])
        if failure is None:
            return self._say("The tests fail in a way I do not understand.")
        self._failure = failure
        self._files = [each for each in results[1].splitlines() if each.endswith(".py") and not each.startswith("test")]
        if not self._files:
            return self._say("There is no source I could change.")
        self._next = self._take_suspects
        return self._calls([("read_file", {"path": each}) for each in self._files],
                           f"{failure.test} fails: {failure.complaint}. I look at what `{failure.line}` calls.")

    def _take_suspects(self, results: list[str]) -> Message:
        self._sources = dict(zip(self._files, results))
        self._suspect(self._failure.line)
        self._next = self._judge
        return self._next_try()

    def _judge(self, results: list[str]) -> Message:
        if results and self._passed(results[-1]) and self._applied is not None:
            return self._say(f"The tests pass. In {self._current.name} of {self._current.file} I changed "
                             f"{self._applied.what}.")
        return self._next_try()

    def _suspect(self, code: str) -> None:
        for function in called_functions(code, self._sources):
            if function.name not in self._seen:
                self._seen.add(function.name)
                self._suspects.append(function)

    def _next_try(self) -> Message:
        """The next change to the current suspect, or to the next one; what the last one did is undone in the same
        step."""
        wanted: Wanted = []
        if self._applied is not None:
            wanted.append(("edit_file", {"path": self._current.file, "old": self._applied.text,
                                         "new": self._current.text}))
            self._applied = None
        while not self._changes and self._suspects:
            self._current = self._suspects.popleft()
            self._changes.extend(candidate_changes(self._current, self._failure.complaint))
            self._suspect(self._current.text)
        if not self._changes:
            text = "No small change that I know makes the tests pass."
            return self._calls(wanted, text) if wanted else self._say(text)
        self._applied = self._changes.popleft()
        wanted.append(("edit_file", {"path": self._current.file, "old": self._current.text,
                                     "new": self._applied.text}))
        wanted.append(("run_tests", {}))
        return self._calls(wanted, f"In {self._current.name}: {self._applied.what}?")

    def _calls(self, wanted: Wanted, why: str = "") -> Message:
        calls = []
        for tool, arguments in wanted:
            self._calls_made += 1
            calls.append({"id": f"call_{self._calls_made}", "type": "function",
                          "function": {"name": tool, "arguments": to_text(arguments)}})
        return {"role": "assistant", "content": why, "tool_calls": calls}

    @staticmethod
    def _say(text: str) -> Message:
        return {"role": "assistant", "content": text}
