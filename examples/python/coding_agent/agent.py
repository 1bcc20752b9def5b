"""The agent: a loop of generation and tool calls, bounded in steps, each recorded as a span.

  trace > agent > step > generation, tool, tool, ...
                > critic (do the tests really pass?)
"""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass

from model import Completion, Message, Model
from tools import DEFINITIONS, run_tool
from trunkline import Kind, span
from workspace import Workspace

MAX_FAILED_GENERATIONS = 3
MAX_WRONG_ENDINGS = 2  # how often it may say that it is done and be wrong
MAX_CALLS = 16  # of one message
RETRY_DELAY = 0.1

INSTRUCTIONS = (
    "You repair a small Python program. One of its tests fails. Use the tools to run the tests, read the files and edit "
    "the program until all tests pass; do not change the tests. Then answer with one sentence that says what was wrong.")


@dataclass
class Report:
    passed: bool = False
    steps: int = 0
    stop_reason: str = ""  # success, final (the model gave up), max_steps, unrecoverable_error


class After(enum.Enum):
    """What follows a step."""

    GO_ON = "max_steps"
    PASSED = "success"
    GAVE_UP = "final"
    BROKEN = "unrecoverable_error"


def first_line(text: str) -> str:
    """For the terminal, whose control characters are nothing to be left to a model."""
    line = text.split("\n", 1)[0]
    line = line[:100] + "..." if len(line) > 100 else line
    return "".join(each if " " <= each <= "~" else "?" for each in line)


class Agent:
    def __init__(self, workspace: Workspace, model: Model, max_steps: int) -> None:
        self._workspace = workspace
        self._model = model
        self._max_steps = max_steps
        self._failed_generations = 0  # in a row
        self._wrong_endings = 0
        self._messages: list[Message] = [
            {"role": "system", "content": INSTRUCTIONS},
            {"role": "user", "content": "A test fails in this folder. Please repair the program."}]

    def work(self) -> Report:
        report = Report()
        with span("coding_agent", kind=Kind.AGENT, attributes={"gen_ai.agent.name": "coding_agent"}) as agent:
            agent.set_model(self._model.name)
            agent.set_input(INSTRUCTIONS)
            after = After.GO_ON
            while after is After.GO_ON and report.steps < self._max_steps:
                report.steps += 1
                after = self._step(report.steps)
            output = ""
            report.passed = after is After.PASSED
            if not report.passed:
                report.passed, output = self._verify()
            report.stop_reason = "success" if report.passed else after.value
            agent.set("stop_reason", report.stop_reason)
            agent.set_output(self._messages[-1].get("content") or "")
            if not report.passed:
                agent.set_error(report.stop_reason, first_line(output))
        return report

    def _step(self, number: int) -> After:
        with span(f"step {number}", kind=Kind.STEP) as step:
            step.set_step(number)
            completion = self._generate()
            if completion.error_type:
                print(f"step {number}: the model failed: {first_line(completion.error_message)}")
                step.set_error(completion.error_type, "the model failed")
                self._failed_generations += 1
                if self._failed_generations == MAX_FAILED_GENERATIONS:
                    return After.BROKEN
                time.sleep(RETRY_DELAY * 2**self._failed_generations)
                return After.GO_ON
            self._failed_generations = 0
            self._messages.append(completion.message)
            if said := completion.message.get("content"):
                print(f"step {number}: {first_line(said)}")
            calls = completion.message.get("tool_calls")
            if not calls:
                return self._judge_final_answer()
            for call in calls[:MAX_CALLS]:
                self._call_tool(call)
            for call in calls[MAX_CALLS:]:  # every call must be answered, or the conversation is not valid
                self._answer(call, "error: too many calls")
            return After.GO_ON

    def _generate(self) -> Completion:
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": self._model.provider}
        with span(f"chat {self._model.name}", kind=Kind.GENERATION, attributes=attributes) as generation:
            generation.set_model(self._model.name)
            generation.set_input(self._messages)
            completion = self._model.complete(self._messages, DEFINITIONS)
            if completion.error_type:
                generation.set_error(completion.error_type, completion.error_message)
                return completion
            generation.set_output(completion.message)
            generation.set_usage(completion.usage.input, completion.usage.output, total=completion.usage.total,
                                 cache_read=completion.usage.cache_read, reasoning=completion.usage.reasoning)
            generation.set("gen_ai.response.model", completion.model)
            generation.set("gen_ai.response.finish_reasons", completion.finish_reason)
            return completion

    def _call_tool(self, call: Message) -> None:
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        with span(name, kind=Kind.TOOL) as tool:
            tool.set("gen_ai.tool.name", name)
            tool.set("gen_ai.tool.call.id", call["id"])
            tool.set_input_json(arguments)
            result = run_tool(self._workspace, name, arguments)
            tool.set_output(result.text)
            if result.error_type:
                tool.set_error(result.error_type, result.text)
        print(f"  {name}: {first_line(result.text)}")
        self._answer(call, result.text)

    def _answer(self, call: Message, text: str) -> None:
        self._messages.append({"role": "tool", "tool_call_id": call["id"], "content": text})

    def _judge_final_answer(self) -> After:
        """The model says that it is done. Only the tests know."""
        passed, output = self._verify()
        if passed:
            return After.PASSED
        self._wrong_endings += 1
        if self._wrong_endings == MAX_WRONG_ENDINGS:
            return After.GAVE_UP
        self._messages.append({"role": "user", "content": f"The tests do not pass yet. They print:\n{output}"})
        return After.GO_ON

    def _verify(self) -> tuple[bool, str]:
        with span("tests", kind=Kind.CRITIC) as critic:
            passed, output = self._workspace.run_tests()
            critic.set_score("tests", 1.0 if passed else 0.0)
            critic.set_output(output)
        return passed, output
