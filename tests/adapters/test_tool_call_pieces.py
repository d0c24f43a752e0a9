"""Tool calls put together from what servers stream, those that number badly included."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awe_app.adapters.tool_call_pieces import MAX_CALLS, ToolCallPieces
from awe_app.domain.models import ModelFailed, ToolCall


def read(*deltas: Any) -> list[tuple[str, str, str]]:
    pieces = ToolCallPieces()
    for delta in deltas:
        pieces.feed(delta)
    return [(call.id, call.name, call.arguments) for call in pieces.calls()]


def piece(index: int | None = None, own: str | None = None, name: str | None = None, arguments: Any = None) -> Any:
    whole = {"index": index, "id": own, "function": {"name": name, "arguments": arguments}}
    return {key: value for key, value in whole.items() if value is not None}


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=4), st.text(max_size=30)), max_size=5),
    st.integers(1, 7),
    st.randoms(),
)
def test_however_they_are_cut_and_mixed_they_come_together(calls: list[tuple[str, str]], cut: int, chance: Any):
    expected = [ToolCall(f"id{place}", name, arguments or "{}") for place, (name, arguments) in enumerate(calls)]
    queues: list[list[Any]] = []
    for place, (name, arguments) in enumerate(calls):
        rest = [piece(place, arguments=arguments[at : at + cut]) for at in range(0, len(arguments), cut)]
        queues.append([piece(place, f"id{place}", name, ""), *rest])
    pieces = ToolCallPieces()
    for queue in queues:  # they begin in order, and go on mixed
        pieces.feed([queue.pop(0)])
    while queues := [queue for queue in queues if queue]:
        pieces.feed([chance.choice(queues).pop(0)])
    assert list(pieces.calls()) == expected


def test_a_server_that_numbers_every_call_zero_is_understood_by_their_ids():
    first, second = piece(0, "a", "add", '{"x": 1}'), piece(0, "b", "add", '{"x": 2}')
    assert read([first], [second]) == [("a", "add", '{"x": 1}'), ("b", "add", '{"x": 2}')]
    assert read([first, second]) == read([first], [second])


def test_without_numbers_a_name_begins_a_call_and_the_rest_goes_on():
    read_calls = read([piece(name="add", arguments='{"x"')], [piece(arguments=": 1}")], [piece(name="sub")])
    assert [(name, arguments) for _own, name, arguments in read_calls] == [("add", '{"x": 1}'), ("sub", "{}")]


def test_numbered_zero_and_without_ids_a_complete_call_is_not_gone_on_with():
    calls = read([piece(0, name="add", arguments='{"x": 1}')], [piece(0, name="add", arguments='{"x": 2}')])
    assert [arguments for _own, _name, arguments in calls] == ['{"x": 1}', '{"x": 2}']


def test_a_name_said_with_every_piece_is_one_call():
    assert read([piece(0, "a", "add", '{"x"')], [piece(0, "a", "add", ": 1}")]) == [("a", "add", '{"x": 1}')]


def test_missing_and_repeated_ids_become_different_ones():
    calls = read([piece(0, name="add"), piece(1, name="add"), piece(2, "a", "add"), piece(3, "a", "add")])
    ids = [own for own, _name, _arguments in calls]
    assert len(set(ids)) == 4
    assert ids[2] == "a"
    assert all(ids)


def test_arguments_that_are_an_object_become_json():
    ((_own, _name, arguments),) = read([piece(0, "a", "add", {"x": 1})])
    assert json.loads(arguments) == {"x": 1}


@pytest.mark.parametrize("delta", [None, {}, "x", [None, 7], [[]]])
def test_what_is_no_piece_is_passed_over(delta: Any):
    assert read(delta) == []


@pytest.mark.parametrize("function", [None, 7, {}, {"name": 7, "arguments": 7}])
def test_a_call_without_a_name_is_a_failure(function: Any):
    with pytest.raises(ModelFailed) as failure:
        read([{"index": 0, "id": "a", "function": function}])
    assert (failure.value.code, failure.value.retryable) == ("MODEL_ERROR", True)


def test_a_model_that_runs_wild_is_stopped():
    with pytest.raises(ModelFailed, match=str(MAX_CALLS)):
        read([piece(place, f"id{place}", "add") for place in range(MAX_CALLS + 1)])
