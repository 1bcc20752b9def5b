"""What core/encode makes of records, decoded by OpenTelemetry's own types: every field of every message is compared with
what docs/conventions.md says. Run by the environment of otlp_requirements.txt."""
import json
import os
import subprocess
import unittest

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PROGRAM = os.path.join(os.environ.get("TRUNKLINE_TEST_BIN", "build/bin"), "otlp_encode")
VERSION = "0.1.0"
TRACE_ID, ROOT_ID, SPAN_ID, PARENT_ID, REMOTE_ID = "0190aa" + "1b" * 13, "a1" * 8, "b2" * 8, "c3" * 8, "d4" * 8
TRACE_START, SPAN_START, SPAN_END, TRACE_END = 1, 2, 3, 4
INCOMPLETE, FAILED = 1, 2

# name: (GenAI operation, OpenInference kind, MLflow type, span kind)
KINDS = [
    ("custom", "", "CHAIN", "UNKNOWN", 1), ("workflow", "invoke_workflow", "CHAIN", "WORKFLOW", 1),
    ("agent", "invoke_agent", "AGENT", "AGENT", 1), ("step", "", "CHAIN", "TASK", 1),
    ("generation", "chat", "LLM", "CHAT_MODEL", 3), ("reasoning", "", "CHAIN", "UNKNOWN", 1),
    ("message", "", "CHAIN", "UNKNOWN", 1), ("tool", "execute_tool", "TOOL", "TOOL", 1),
    ("act", "execute_tool", "TOOL", "TOOL", 1), ("mcp", "execute_tool", "TOOL", "TOOL", 3),
    ("decide", "", "CHAIN", "CHAIN", 1), ("parse", "", "CHAIN", "PARSER", 1), ("reduce", "", "CHAIN", "CHAIN", 1),
    ("critic", "", "EVALUATOR", "EVALUATOR", 1), ("guardrail", "", "GUARDRAIL", "GUARDRAIL", 1),
    ("handoff", "", "AGENT", "AGENT", 1), ("delegate", "invoke_agent", "AGENT", "AGENT", 1),
    ("fanout", "", "CHAIN", "CHAIN", 1), ("retrieval", "retrieval", "RETRIEVER", "RETRIEVER", 3),
    ("embedding", "embeddings", "EMBEDDING", "EMBEDDING", 3), ("rerank", "", "RERANKER", "RERANKER", 1),
    ("chunk", "", "CHAIN", "PARSER", 1), ("speech_in", "", "CHAIN", "UNKNOWN", 1),
    ("speech_out", "", "CHAIN", "UNKNOWN", 1), ("group", "", "CHAIN", "CHAIN", 1),
    ("memory", "", "CHAIN", "MEMORY", 1), ("attachment", "", "CHAIN", "UNKNOWN", 1),
    ("kind-27", "", "CHAIN", "UNKNOWN", 1), ("kind-28", "", "CHAIN", "UNKNOWN", 1),
]


def requests(dialect, records, **more):
    given = json.dumps({"records": records, **more})
    done = subprocess.run([PROGRAM, dialect], input=given.encode(), capture_output=True, timeout=60)
    if done.returncode:
        raise AssertionError(f"otlp_encode: {done.returncode} {done.stderr.decode()}")
    found, rest = [], done.stdout
    while rest:
        size = int(rest[:8], 16)
        found.append((rest[8:8 + size], ExportTraceServiceRequest.FromString(rest[8:8 + size])))
        rest = rest[8 + size:]
    return found


def spans(dialect, records, **more):
    return [span for _, request in requests(dialect, records, **more) for resource in request.resource_spans
            for scope in resource.scope_spans for span in scope.spans]


def any_value(value):
    """As Python has it; tuples and floats keep apart what == does not."""
    which = value.WhichOneof("value")
    if which is None:
        return None
    found = getattr(value, which)
    if which == "array_value":
        return [any_value(element) for element in found.values]
    if which == "kvlist_value":
        return {pair.key: any_value(pair.value) for pair in found.values}
    return ("double", repr(found)) if which == "double_value" else found


def attributes(message):
    found = {}
    for pair in message.attributes:
        assert pair.key not in found, f"{pair.key} is there twice"
        found[pair.key] = any_value(pair.value)
    return found


def record(**fields):
    return {"trace_id": TRACE_ID, "span_id": SPAN_ID, "parent_id": PARENT_ID, "name": "it", "start_ns": 10**18,
            "end_ns": 10**18 + 1234567, **fields}


def typed(kind, value):
    return {"type": kind, "value": value}


TRACE = {"type": TRACE_START, "trace_id": TRACE_ID, "span_id": ROOT_ID, "name": "answer", "group_id": "conv-7",
         "attributes": {"user.id": typed("str", "ada"), "gen_ai.agent.name": typed("str", "helper")}}
SCOPE = {"gen_ai.conversation.id": "conv-7", "session.id": "conv-7", "user.id": "ada", "gen_ai.agent.name": "helper"}


class Values(unittest.TestCase):
    VALUES = {
        "null": (typed("null", None), None), "true": (typed("bool", True), True), "false": (typed("bool", False), False),
        "zero": (typed("i64", 0), 0), "largest": (typed("i64", 2**63 - 1), 2**63 - 1),
        "smallest": (typed("i64", -2**63), -2**63), "third": (typed("f64", "0.1"), ("double", "0.1")),
        "minus zero": (typed("f64", "-0.0"), ("double", "-0.0")), "nan": (typed("f64", "nan"), ("double", "nan")),
        "inf": (typed("f64", "inf"), ("double", "inf")), "-inf": (typed("f64", "-inf"), ("double", "-inf")),
        "denormal": (typed("f64", "5e-324"), ("double", "5e-324")), "empty": (typed("str", ""), ""),
        "text": (typed("str", "a\0b\n\u00e9\u4e2d\U0001f600"), "a\0b\n\u00e9\u4e2d\U0001f600"),
        "long": (typed("str", "x" * 100_000), "x" * 100_000), "bad": (typed("bad_utf8", "61ff62"), "a\ufffdb"),
        "bytes": (typed("bytes", "00ff10"), b"\x00\xff\x10"), "no bytes": (typed("bytes", ""), b""),
        "json": (typed("json", '{"a": [1, null]}'), '{"a": [1, null]}'), "bools": (typed("bool[]", "010001"),
                                                                                   [True, False, True]),
        "integers": (typed("i64[]", [1, -1, 2**63 - 1]), [1, -1, 2**63 - 1]), "none": (typed("i64[]", []), []),
        "doubles": (typed("f64[]", ["1.5", "nan", "-inf"]), [("double", "1.5"), ("double", "nan"), ("double", "-inf")]),
        "texts": (typed("str[]", ["", "\u00e9"]), ["", "\u00e9"]),
    }

    def test_every_type_arrives_exactly(self):
        given = {key: value for key, (value, _) in self.VALUES.items()}
        [span] = spans("general", [record(attributes=given, events=[{"name": "e", "time_ns": 5, "attributes": given}])])
        expected = {key: value for key, (_, value) in self.VALUES.items()}
        found = attributes(span)
        self.assertEqual({key: found.get(key, "missing") for key in expected}, expected)
        self.assertEqual(attributes(span.events[0]), expected)
        self.assertEqual((span.events[0].name, span.events[0].time_unix_nano), ("e", 5))

    def test_bytes_are_text_for_mlflow(self):
        [span] = spans("mlflow", [record(attributes={"b": typed("bytes", "00ff10")})])
        self.assertEqual(attributes(span)["b"], "AP8Q")

    def test_json_is_structured_under_keys_of_mlflow_alone(self):
        text = ('{"i": 9223372036854775807, "big": 9223372036854775808, "d": 1.0, "huge": 1e400, "t": true, "f": false, '
                '"n": null, "s": "\\u00e9\\ud83d\\ude00\\n\\"", "k\\u0065y": {"": []}, "empty": {}, "list": [1, "2", [3]]}')
        expected = {"i": 2**63 - 1, "big": ("double", repr(float(2**63))), "d": ("double", "1.0"), "huge": "1e400",
                    "t": True, "f": False, "n": None, "s": "\u00e9\U0001f600\n\"", "key": {"": []}, "empty": {},
                    "list": [1, "2", [3]]}
        for dialect in ("general", "mlflow"):
            [span] = spans(dialect, [record(attributes={"mlflow.x": typed("json", text), "y": typed("json", text)})])
            self.assertEqual(attributes(span)["mlflow.x"], expected)
            self.assertEqual(attributes(span)["y"], text)
        for scalar, value in (("1", 1), ('"s"', "s"), ("null", None), ("[]", []), ("{}", {}), (" [ 1 ] ", [1])):
            [span] = spans("mlflow", [record(attributes={"mlflow.x": typed("json", scalar)})])
            self.assertEqual(attributes(span)["mlflow.x"], value)

    def test_what_is_too_deep_for_readers_is_text_from_there_on(self):
        for opening, closing in (('{"a":', "}"), ("[", "]")):
            text = opening * 120 + "1" + closing * 120
            [span] = spans("mlflow", [record(attributes={"mlflow.x": typed("json", text)})])
            value, depth = attributes(span)["mlflow.x"], 0
            while not isinstance(value, str):
                value, depth = next(iter(value.values() if isinstance(value, dict) else value)), depth + 1
            self.assertEqual((depth, value), (24, opening * 96 + "1" + closing * 96))

    def test_this_decoder_does_refuse_what_is_deeper(self):
        request = ExportTraceServiceRequest()
        value = request.resource_spans.add().scope_spans.add().spans.add().attributes.add().value
        for _ in range(40):
            value = value.kvlist_value.values.add().value
        value.int_value = 1
        with self.assertRaises(DecodeError):
            ExportTraceServiceRequest.FromString(request.SerializeToString())


class Spans(unittest.TestCase):
    def fields(self, kind):
        return record(kind=kind, model="m-1", usage=[120, 30, 150, 20, 3, 5], step=4, foreign_id="f-1", dropped=2,
                      input=typed("json", '{"q": 1}'), output=typed("str", "done"), score="0.5", score_name="judge",
                      attributes={"gen_ai.provider.name": typed("str", "acme"), "mine": typed("i64", 1)})

    def common(self, number, name, operation, oi):
        expected = {"gen_ai.provider.name": "acme", "gen_ai.system": "acme", "mine": 1, "trunkline.kind": name,
                    "openinference.span.kind": oi, "gen_ai.request.model": "m-1", "trunkline.step": 4,
                    "trunkline.foreign_id": "f-1", "gen_ai.evaluation.name": "judge",
                    "gen_ai.evaluation.score.value": ("double", "0.5"), **SCOPE}
        if operation:
            expected["gen_ai.operation.name"] = operation
        if number == 2:
            expected["gen_ai.agent.name"] = "it"
        if operation == "execute_tool":
            expected["gen_ai.tool.name"] = "it"
        if number == 9:
            expected["mcp.method.name"] = "tools/call"
        if number in (4, 19):
            expected["gen_ai.usage.reasoning.output_tokens"] = 5
        else:
            expected |= {"trunkline.usage.input_tokens": 120, "trunkline.usage.output_tokens": 30,
                         "trunkline.usage.total_tokens": 150, "trunkline.usage.cache_read_tokens": 20,
                         "trunkline.usage.cache_write_tokens": 3, "trunkline.usage.reasoning_tokens": 5}
        return expected

    def check_frame(self, span, span_kind):
        self.assertEqual(span.trace_id.hex(), TRACE_ID)
        self.assertEqual(span.span_id.hex(), SPAN_ID)
        self.assertEqual(span.parent_span_id.hex(), PARENT_ID)
        self.assertEqual((span.name, span.kind, span.flags), ("it", span_kind, 0x103))
        self.assertEqual((span.start_time_unix_nano, span.end_time_unix_nano), (10**18, 10**18 + 1234567))
        self.assertEqual((span.status.code, span.status.message), (1, ""))
        self.assertEqual((span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count), (2, 0, 0))
        self.assertEqual((list(span.links), span.trace_state), ([], ""))
        [event] = span.events
        self.assertEqual((event.name, event.time_unix_nano), ("gen_ai.evaluation.result", 10**18 + 1234567))
        self.assertEqual(attributes(event), {"gen_ai.evaluation.name": "judge",
                                             "gen_ai.evaluation.score.value": ("double", "0.5")})

    def test_every_kind_in_the_general_dialect(self):
        found = spans("general", [self.fields(kind) for kind in range(len(KINDS))], trace=TRACE)
        self.assertEqual(len(found), len(KINDS))
        for number, (span, (name, operation, oi, _, span_kind)) in enumerate(zip(found, KINDS)):
            with self.subTest(name):
                self.check_frame(span, span_kind)
                expected = self.common(number, name, operation, oi)
                expected |= {"input.value": '{"q": 1}', "input.mime_type": "application/json", "output.value": "done",
                             "output.mime_type": "text/plain"}
                if number in (4, 19):
                    expected |= {"gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 30,
                                 "gen_ai.usage.total_tokens": 150, "gen_ai.usage.cache_read.input_tokens": 20,
                                 "gen_ai.usage.cache_creation.input_tokens": 3}
                if operation == "execute_tool":
                    expected |= {"gen_ai.tool.call.arguments": '{"q": 1}', "gen_ai.tool.call.result": "done"}
                self.assertEqual(attributes(span), expected)

    def test_every_kind_for_mlflow(self):
        found = spans("mlflow", [self.fields(kind) for kind in range(len(KINDS))], trace=TRACE)
        for number, (span, (name, operation, oi, mlflow, span_kind)) in enumerate(zip(found, KINDS)):
            with self.subTest(name):
                self.check_frame(span, span_kind)
                expected = self.common(number, name, operation, oi)
                expected |= {"mlflow.spanType": mlflow, "mlflow.spanInputs": {"q": 1}, "mlflow.spanOutputs": "done"}
                if number in (4, 19):
                    expected |= {"mlflow.llm.model": "m-1", "mlflow.llm.provider": "acme", "mlflow.chat.tokenUsage": {
                        "input_tokens": 120, "output_tokens": 30, "total_tokens": 150, "cache_read_input_tokens": 20,
                        "cache_creation_input_tokens": 3}}
                self.assertEqual(attributes(span), expected)

    def test_what_the_host_says_under_a_name_of_a_reader_stands(self):
        given = {"gen_ai.operation.name": "text_completion", "openinference.span.kind": "CHAIN",
                 "mlflow.spanType": "mine", "gen_ai.conversation.id": "other", "user.id": "bob",
                 "gen_ai.agent.name": "a", "input.value": "in", "gen_ai.request.model": "m-2"}
        given = {key: typed("str", value) for key, value in given.items()}
        given["gen_ai.usage.input_tokens"] = typed("f64", "1.5")
        for dialect in ("general", "mlflow"):
            one = record(kind=0, model="m-1", usage=[7, 8, 15, -1, -1, -1], input=typed("str", "x"), attributes=given)
            [span] = spans(dialect, [one], trace=TRACE)
            found = attributes(span)
            self.assertEqual({key: found[key] for key in given if key != "gen_ai.usage.input_tokens"},
                             {key: value["value"] for key, value in given.items() if value["type"] == "str"})
            self.assertEqual(found["gen_ai.usage.input_tokens"], ("double", "1.5"))
            self.assertEqual(found["session.id"], "other")

    def test_tokens_of_an_operation_the_host_names(self):
        one = record(kind=0, usage=[7, 8, 15, -1, -1, -1], attributes={"gen_ai.operation.name": typed("str", "chat")})
        found = attributes(spans("general", [one])[0])
        self.assertEqual((found["gen_ai.usage.input_tokens"], "trunkline.usage.input_tokens" in found), (7, False))

    def test_an_absent_count_is_absent(self):
        found = attributes(spans("general", [record(kind=4, usage=[0, -1, 0, -1, -1, -1])])[0])
        self.assertEqual({key: value for key, value in found.items() if "usage" in key},
                         {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.total_tokens": 0})
        self.assertEqual([key for key in attributes(spans("general", [record(kind=4)])[0]) if "usage" in key], [])

    def test_an_error(self):
        one = record(kind=7, flags=FAILED, error_type="Timeout", error_message="boom \u00e9",
                     attributes={"exception.stacktrace": typed("str", "f()\n g()")})
        [span] = spans("general", [one])
        self.assertEqual((span.status.code, span.status.message), (2, "boom \u00e9"))
        self.assertEqual(attributes(span)["error.type"], "Timeout")
        self.assertEqual([event.name for event in span.events], ["exception"])
        self.assertEqual(attributes(span.events[0]), {"exception.type": "Timeout", "exception.message": "boom \u00e9",
                                                      "exception.stacktrace": "f()\n g()"})
        self.assertEqual(span.events[0].time_unix_nano, span.end_time_unix_nano)

    def test_an_error_that_the_host_described_is_not_described_twice(self):
        [span] = spans("general", [record(flags=FAILED, events=[{"name": "exception", "time_ns": 7}])])
        self.assertEqual([(event.name, event.time_unix_nano) for event in span.events], [("exception", 7)])
        self.assertEqual(attributes(span)["error.type"], "_OTHER")

    def test_what_was_ended_by_the_library_says_so(self):
        [span] = spans("general", [record(flags=INCOMPLETE)])
        self.assertEqual((span.status.code, attributes(span)["trunkline.incomplete"]), (0, True))
        [span] = spans("mlflow", [record(flags=INCOMPLETE)])
        self.assertEqual((span.status.code, span.status.message, attributes(span)["trunkline.incomplete"]),
                         (2, "never ended", True))

    def test_a_score_that_is_no_number_is_exact(self):
        found = attributes(spans("general", [record(kind=13, score="nan", score_name="judge")])[0])
        self.assertEqual(found["gen_ai.evaluation.score.value"], ("double", "nan"))
        self.assertNotIn("gen_ai.evaluation.score.value", attributes(spans("general", [record(kind=13)])[0]))

    def test_nothing_that_is_not_over_is_sent(self):
        refused = [record(type=SPAN_START, end_ns=0), record(end_ns=0), record(trace_id="00" * 16),
                   record(span_id="00" * 8), record(type=TRACE_START), record(type=6)]
        self.assertEqual(requests("general", refused), [])
        self.assertEqual(len(spans("general", refused + [record()])), 1)


class Traces(unittest.TestCase):
    def test_a_trace_is_the_span_above_the_others(self):
        end = {**TRACE, "type": TRACE_END, "start_ns": 5, "end_ns": 9, "flags": FAILED, "error_type": "E",
               "attributes": {"stop_reason": typed("str", "final"), "n": typed("i64", 3),
                              "o": typed("json", '{"a": 1}')}}
        child = record(parent_id="00" * 8)
        above = {**TRACE, "root_input": typed("str", "why?"), "root_output": typed("str", "so"),
                 "root_events": [{"name": "noted", "time_ns": 6}]}
        for dialect in ("general", "mlflow"):
            below, root = spans(dialect, [child, end], trace=above)
            self.assertEqual(below.parent_span_id, root.span_id)
            self.assertEqual((root.span_id.hex(), root.parent_span_id, root.flags), (ROOT_ID, b"", 0x103))
            self.assertEqual((root.name, root.start_time_unix_nano, root.end_time_unix_nano), ("answer", 5, 9))
            self.assertEqual((root.status.code, [event.name for event in root.events]), (2, ["noted", "exception"]))
            expected = {"stop_reason": "final", "n": 3, "o": '{"a": 1}', "trunkline.kind": "workflow",
                        "gen_ai.operation.name": "invoke_workflow", "openinference.span.kind": "CHAIN",
                        "gen_ai.workflow.name": "answer", "error.type": "E", **SCOPE}
            if dialect == "mlflow":
                expected |= {"mlflow.spanType": "WORKFLOW", "mlflow.spanInputs": "why?", "mlflow.spanOutputs": "so",
                             "mlflow.traceTag.mlflow.traceName": "answer", "mlflow.traceTag.stop_reason": "final",
                             "mlflow.traceTag.n": "3", "mlflow.traceTag.o": '{"a": 1}'}
            else:
                messages = [("gen_ai.input.messages", "user", "why?"), ("gen_ai.output.messages", "assistant", "so")]
                found = attributes(root)
                for key, role, text in messages:
                    [message] = json.loads(found[key])
                    self.assertEqual((message["role"], message["parts"]), (role, [{"type": "text", "content": text}]))
                    expected[key] = found[key]
            self.assertEqual(attributes(root), expected)

    def test_a_trace_that_came_over_the_wire(self):
        start = {**TRACE, "parent_id": REMOTE_ID}
        records = [record(parent_id=REMOTE_ID), record(), {**start, "type": TRACE_END, "start_ns": 5, "end_ns": 9}]
        top, below, root = spans("general", records, trace=start)
        self.assertEqual((top.parent_span_id.hex(), top.flags), (ROOT_ID, 0x101))
        self.assertEqual((below.parent_span_id.hex(), below.flags), (PARENT_ID, 0x101))
        self.assertEqual((root.parent_span_id.hex(), root.flags), (REMOTE_ID, 0x301))

    def test_a_span_without_a_known_trace_keeps_its_parent(self):
        [span] = spans("general", [record(parent_id="00" * 8)])
        self.assertEqual(span.parent_span_id, b"")


class Messages(unittest.TestCase):
    def messages(self, given, side="output", kind=4, **more):
        found = attributes(spans("general", [record(kind=kind, **{side: given}, **more)])[0])
        text = found.get(f"gen_ai.{side}.messages")
        return found if text is None else json.loads(text)

    def test_texts(self):
        self.assertEqual(self.messages(typed("str", "hi"), "input"),
                         [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}])
        answer = {"role": "assistant", "parts": [{"type": "text", "content": "yo"}], "finish_reason": "stop"}
        self.assertEqual(self.messages(typed("json", '"yo"')), [answer])
        self.assertEqual(self.messages(typed("str", "yo"), flags=FAILED), [{**answer, "finish_reason": "error"}])

    def test_the_form_of_chat_completions(self):
        call = {"id": "c1", "type": "function", "function": {"name": "w", "arguments": '{"city": "Paris"}'}}
        given = {"model": "m", "messages": [
            {"role": "system", "content": "be brief"}, {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "21"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"u": 1}}]}]}
        self.assertEqual(self.messages(typed("json", json.dumps(given)), "input"), [
            {"role": "system", "parts": [{"type": "text", "content": "be brief"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "w",
                                             "arguments": {"city": "Paris"}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "21"}]},
            {"role": "user", "parts": [{"type": "text", "content": "a"}, {"type": "image_url", "image_url": {"u": 1}}]}])
        answer = {"choices": [{"message": {"role": "assistant", "content": "x", "reasoning_content": "r"},
                               "finish_reason": "length"}]}
        self.assertEqual(self.messages(typed("json", json.dumps(answer))), [
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "r"}, {"type": "text", "content": "x"}],
             "finish_reason": "length"}])

    def test_the_form_of_content_blocks(self):
        given = {"role": "assistant", "stop_reason": "tool_use", "content": [
            {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "ok"},
            {"type": "tool_use", "id": "t", "name": "w", "input": {"a": 1}}]}
        self.assertEqual(self.messages(typed("json", json.dumps(given))), [
            {"role": "assistant", "finish_reason": "tool_use", "parts": [
                {"type": "reasoning", "content": "hm"}, {"type": "text", "content": "ok"},
                {"type": "tool_call", "id": "t", "name": "w", "arguments": {"a": 1}}]}])

    def test_messages_the_host_gives_get_their_finish_reason(self):
        given = [{"role": "assistant", "parts": [{"type": "text", "content": "x"}]}]
        one = record(kind=4, attributes={"gen_ai.output.messages": typed("json", json.dumps(given))})
        found = attributes(spans("general", [one])[0])
        self.assertEqual(json.loads(found["gen_ai.output.messages"]), [{**given[0], "finish_reason": "stop"}])
        self.assertNotIn("output.value", found)

    def test_what_is_no_conversation_is_a_value(self):
        for text in ('{"task": 1}', "[1, 2]", "[]", "3", '[{"role": 1}]', '{"choices": []}'):
            found = self.messages(typed("json", text), input=typed("str", "q"))
            self.assertEqual((found["output.value"], found["input.value"]), (text, "q"))
            self.assertNotIn("gen_ai.input.messages", found)

    def test_an_empty_text_is_nothing(self):
        found = self.messages(typed("str", ""), kind=7)
        self.assertFalse([key for key in found if key.startswith(("input.", "output.", "gen_ai.tool.call"))])


class Requests(unittest.TestCase):
    RESOURCE = {"service_name": "agent", "service_version": "1.2", "instance_id": "i-1", "host_name": "box",
                "executable": "prog", "process_id": 42, "project": "p", "attributes": {"team": typed("str", "a")}}

    def test_resource_and_scope(self):
        [(_, request)] = requests("general", [record()], resource=self.RESOURCE)
        [resource] = request.resource_spans
        arch = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        self.assertEqual(attributes(resource.resource), {
            "service.name": "agent", "service.version": "1.2", "service.instance.id": "i-1", "host.name": "box",
            "host.arch": arch, "os.type": "linux", "process.pid": 42, "process.executable.name": "prog",
            "openinference.project.name": "p", "telemetry.sdk.name": "trunkline", "telemetry.sdk.language": "cpp",
            "telemetry.sdk.version": VERSION, "team": "a"})
        [scope] = resource.scope_spans
        self.assertEqual((scope.scope.name, scope.scope.version), ("trunkline", VERSION))

    def test_a_service_has_a_name(self):
        [(_, request)] = requests("general", [record()])
        self.assertEqual(attributes(request.resource_spans[0].resource)["service.name"], "unknown_service")

    def test_limits_of_spans_and_bytes(self):
        given = [record(span_id=f"{i:016x}", attributes={"x": typed("str", "y" * 1000)}) for i in range(1, 251)]
        found = requests("general", given)
        self.assertEqual([len(r.resource_spans[0].scope_spans[0].spans) for _, r in found], [100, 100, 50])
        given[7]["attributes"]["x"]["value"] = "z" * 20_000
        found = requests("general", given, limits={"bytes": 10_000})
        ids = [span.span_id.hex() for _, r in found for span in r.resource_spans[0].scope_spans[0].spans]
        self.assertEqual(ids, [one["span_id"] for one in given])
        over = [r for body, r in found if len(body) > 10_000]
        self.assertEqual([len(r.resource_spans[0].scope_spans[0].spans) for r in over], [1])
        self.assertLess(len(found), 60)

    def test_every_field_is_one_this_decoder_knows(self):
        given = [record(kind=kind, flags=FAILED, score_name="s", usage=[1] * 6, input=typed("json", '{"a":[{}]}'),
                        events=[{"name": "e", "time_ns": 1}]) for kind in range(27)]
        for dialect in ("general", "mlflow"):
            for body, request in requests(dialect, given, trace=TRACE, resource=self.RESOURCE):
                request.DiscardUnknownFields()
                self.assertEqual(len(request.SerializeToString()), len(body))

    @staticmethod
    def seen(request):
        """All that the tests above look at."""
        return [(attributes(resource.resource), scope.scope.name, scope.scope.version, [
            (span.trace_id, span.span_id, span.parent_span_id, span.name, span.kind, span.flags, attributes(span),
             span.start_time_unix_nano, span.end_time_unix_nano, span.status.code, span.status.message,
             span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count, len(span.links),
             span.trace_state, [(event.name, event.time_unix_nano, attributes(event)) for event in span.events])
            for span in scope.spans]) for resource in request.resource_spans for scope in resource.scope_spans]

    def test_no_byte_goes_unseen(self):
        one = record(kind=4, flags=FAILED, error_message="boom", usage=[1, 2, 3, 4, 5, 6], dropped=1,
                     attributes={"mlflow.x": typed("json", '{"a": [1.5, null, true]}'), "f": typed("f64[]", ["1.5"])})
        [(body, request)] = requests("general", [one], trace=TRACE, resource=self.RESOURCE)
        expected, different = self.seen(request), 0
        for index in range(len(body)):
            changed = bytearray(body)
            changed[index] ^= 1
            try:
                same = self.seen(ExportTraceServiceRequest.FromString(bytes(changed))) == expected
            except (DecodeError, AssertionError):
                same = False
            self.assertFalse(same, f"byte {index} of {len(body)}: {body[max(0, index - 8):index + 8]}")
            different += 1
        self.assertGreater(different, 500)


if __name__ == "__main__":
    unittest.main()
