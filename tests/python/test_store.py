"""End to end: what Python records is read back from the local store by the program."""

import json

import trunkline
from conftest import program


def test_read_back_from_the_store(directory):
    trunkline.init(directory)
    with trunkline.trace("answer a question", group="talk", metadata={"user": "u1"}) as trace:
        with trunkline.span("think", kind="agent") as agent:
            with trunkline.span("chat", kind=trunkline.Kind.GENERATION, attributes={"temperature": 0.5}) as call:
                call.set_model("gpt-4o")
                call.set_usage(14, 2)
                call.set_input([{"role": "user", "content": "6 times 7?"}])
                call.set_output("42")
        trace_id = trace.trace_id
        trace.set("stop_reason", "success")
    assert agent.recording
    assert trunkline.shutdown(60)
    shown = program("show", trace_id, directory=directory)
    for expected in ("answer a question", "think", "chat", "gpt-4o"):
        assert expected in shown
    told = json.loads(program("show", trace_id, "--json", directory=directory))
    assert "stop_reason" in json.dumps(told)
