"""Values that are hard to write down: shared, circular, huge, or not what they look like."""

import dataclasses
import json
import sys
from unittest import mock

import pytest

import trunkline
from conftest import flush, run_child

# A value that takes 2 to the power of its depth steps ends by the limit of the child and not with the test's patience.
SHARED = """
import dataclasses, sys
from trunkline import _values

@dataclasses.dataclass
class Pair:
    left: object
    right: object

def shared(depth, pair):
    value = "leaf"
    for _ in range(depth):
        value = pair(value, value)
    return value

def circle(make):
    first, second = [], {}
    first += [second, second, first, make(first, second)]
    second.update(a=first, b=second, c=make(second, first))
    return first

PAIRS = {"list": lambda a, b: [a, b], "tuple": lambda a, b: (a, b), "dict": lambda a, b: {"a": a, "b": b},
         "dataclass": Pair, "odd keys": lambda a, b: {1j: a, 2j: b}, "numbers": lambda a, b: [a, float("nan"), b]}
pair = PAIRS[sys.argv[2]]
value = circle(pair) if sys.argv[1] == "circle" else shared(60, pair)
text = _values.to_json(value)
assert 2 < len(text) < 20_000_000, len(text)
"""


@pytest.mark.parametrize("pair", ["list", "tuple", "dict", "dataclass", "odd keys", "numbers"])
@pytest.mark.parametrize("shape", ["shared", "circle"])
def test_shared_and_circular_values_take_bounded_time(shape, pair):
    run_child(SHARED, shape, pair)


def test_a_circle_is_cut_where_it_closes_and_what_is_shared_stays(keeper):
    value = {"name": "root", "children": [{"n": 1}]}
    value["self"] = value
    shared = ["x"]
    with trunkline.span("s") as span:
        span.set("circle", value)
        span.set("shared", {"a": shared, "b": shared, "nan": float("nan")})
    flush()
    attributes = keeper.span("s").attributes
    assert attributes["circle"] == {"name": "root", "children": [{"n": 1}], "self": "<dict>"}
    assert attributes["shared"] == {"a": ["x"], "b": ["x"], "nan": "nan"}


def test_a_large_value_is_whole_within_the_budget():
    from trunkline import _values

    rows = [[i, i + 1] for i in range(20_000)]
    assert json.loads(_values.to_json(rows)) == rows
    assert len(_values.to_json([[1]] * 200_000)) < 1_000_000


@pytest.mark.parametrize("make", [mock.Mock, mock.MagicMock, mock.NonCallableMagicMock])
def test_mocks_are_described(keeper, make):
    @trunkline.trace
    def work(client):
        return {"client": client}

    client = make(name="client")
    assert work(client)["client"] is client
    flush()
    record = keeper.span("work")
    assert "Mock" in record.input["client"] and record.input["client"] == record.output["client"]
    assert not client.mock_calls


def test_an_index_makes_no_number():
    from trunkline import _values

    class Row:
        def __index__(self):
            return 7

        def __repr__(self):
            return "row 7"

    assert _values.encode(Row()) == "row 7"


def test_integers_of_too_many_digits_are_hexadecimal(keeper):
    huge = 10 ** (sys.get_int_max_str_digits() + 10)
    with trunkline.span("s") as span:
        span.set("alone", huge)
        span.set("below", -huge)
        span.set("list", [1, huge])
        span.set("deep", {"a": [huge, {"b": 2**70}]})
        span.set_input(huge)
        span.set_output({"n": huge})
    flush()
    record = keeper.span("s")
    assert record.attributes == {"alone": hex(huge), "below": hex(-huge), "list": [1, hex(huge)],
                                 "deep": {"a": [hex(huge), {"b": 2**70}]}}
    assert record.input == hex(huge) and record.output == {"n": hex(huge)}


def test_what_was_read_by_attribute_still_is(keeper):
    @dataclasses.dataclass
    class Inner:
        n: int

    class Model:
        def model_dump(self):
            return {"inner": Inner(3)}

    class Scalar:
        shape = ()

        def item(self):
            return 4.5

    with trunkline.span("s", attributes={"model": Model(), "scalar": Scalar()}):
        pass
    flush()
    assert keeper.span("s").attributes == {"model": {"inner": {"n": 3}}, "scalar": 4.5}
