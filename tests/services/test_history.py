"""What is read of executions: first passes of long loops, the others by path, large values only when asked for."""

from typing import Any

import pytest

from awe_app.domain.errors import NotFound
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import Path
from awe_app.domain.pages import PageQuery
from awe_app.domain.previews import is_preview
from tests.builders import graph, node
from tests.services.conftest import House
from tests.services.test_executions import follow, start

LARGE = "x" * 300_000
TEXT = node("i", "input", {"fields": [{"name": "text", "type": "long_text"}]})


def inside(loop_id: str, each: dict[str, Any]) -> dict[str, Any]:
    return {**each, "parent_id": loop_id}


def repeat(loop_id: str, times: int) -> dict[str, Any]:
    return node(loop_id, "loop", {"mode": "repeat", "times": times})


def text_of(node_id: str, template: str) -> dict[str, Any]:
    return node(node_id, config={"template": template})


LONG = graph(
    "outer",
    repeat("outer", 2),
    inside("outer", repeat("inner", 203)),
    inside("inner", text_of("write", "{{ loops.outer.index }}.{{ index }}")),
)


async def run(house: House, raw: dict[str, Any], inputs: dict[str, Any] | None = None) -> ExecutionState:
    begun = await start(house, raw, inputs)
    await house.executions.wait(house.user, begun.execution_id, 60)
    return await house.executions.get(house.user, begun.execution_id)


async def test_of_long_loops_the_first_200_passes_are_shown_and_the_others_found_by_their_path(house: House) -> None:
    state = await run(house, LONG)
    assert state.status == "completed"
    assert len(state.node_states) == 1 + 2 + 2 * 200
    assert Path("outer[1]/inner[199]/write") in state.node_states
    assert Path("outer[1]/inner[200]/write") not in state.node_states
    assert len(state.result["outer"][1]) == 203

    async def nodes(prefix: str, limit: int = 200, offset: int = 0) -> tuple[list[Any], int]:
        page = await house.executions.nodes(house.user, state.execution_id, prefix, limit, offset)
        return [found.path for found in page.items], page.total

    every, total = await nodes("")
    assert (every[:4], total) == (["outer", "outer[0]/inner", *(f"outer[0]/inner[{n}]/write" for n in (0, 1))], 409)
    assert every[12:14] == ["outer[0]/inner[10]/write", "outer[0]/inner[11]/write"]
    assert await nodes("outer[1]/inner[20") == (
        [f"outer[1]/inner[{n}]/write" for n in (20, 200, 201, 202)], 4
    )  # fmt: skip
    assert await nodes("outer[1]/", 2, 202) == (["outer[1]/inner[201]/write", "outer[1]/inner[202]/write"], 204)
    assert await nodes("outer[1]/", 2, 204) == ([], 204)
    assert await nodes("nobody") == ([], 0)
    page = await house.executions.nodes(house.user, state.execution_id, "outer[1]/inner[202]/", 50, 0)
    assert [(found.status, found.output) for found in page.items] == [("completed", "1.202")]
    with pytest.raises(NotFound):
        await house.executions.nodes(house.other, state.execution_id, "", 50, 0)


async def test_large_values_are_given_to_who_opens_an_execution_and_previewed_elsewhere(house: House) -> None:
    raw = graph("i -> copy -> o", TEXT, text_of("copy", "{{ inputs.text }}"), node("o", "output", {}))
    state = await run(house, raw, {"text": LARGE})
    assert state.result == state.node_states[Path("copy")].output == LARGE
    assert state.inputs == {"text": LARGE}
    looked = await house.executions.look(house.user, state.execution_id)
    assert is_preview(looked.result)
    assert is_preview(looked.node_states[Path("copy")].output)
    assert is_preview(looked.inputs["text"])
    (row,) = (await house.executions.list(house.user, PageQuery())).items
    assert row.result == looked.result
    messages = await follow(house, state.execution_id)
    assert messages[-1].data["result"] == looked.result
    assert all(len(str(message.data)) < 20_000 for message in messages)
    page = await house.executions.nodes(house.user, state.execution_id, "copy", 50, 0)
    assert [found.output for found in page.items] == [LARGE]


async def test_what_goes_on_after_a_stop_gets_its_large_values_back(house: House) -> None:
    raw = graph(
        "i -> a -> gate -> end",
        TEXT,
        text_of("a", "{{ inputs.text }}!"),
        node("gate", "gate", {}),
        node("end", "output", {"value": ["{{ nodes.a.output }}", "{{ variables.kept }}"]}),
        variables={"kept": LARGE},
    )
    begun = await start(house, raw, {"text": LARGE})
    await house.gate.reached.wait()
    await house.stop()
    house.start()
    house.gate.open.set()
    await house.executions.adopt()
    ended = await house.executions.wait(house.user, begun.execution_id, 30)
    assert (ended.status, ended.result) == ("completed", [f"{LARGE}!", LARGE])
    assert ended == await house.executions.get(house.user, begun.execution_id)


async def test_an_approval_in_a_late_pass_can_be_answered_and_a_late_node_is_stopped(house: House) -> None:
    ask = node("ask", "approval", {"message": "Go on?"}, disabled=False)
    skip = node("late", "condition", {"expression": "{{ index == `202` }}"})
    raw = graph("each", repeat("each", 203), inside("each", skip), inside("each", ask))
    raw["edges"] = [{"id": "e", "source": "late", "target": "ask", "source_handle": "true"}]
    begun = [await start(house, raw) for _ in range(2)]
    for each in begun:
        state = await house.executions.wait(house.user, each.execution_id, 60)
        assert state.status == "waiting"
    path = Path("each[202]/ask")
    await house.executions.answer(house.user, begun[0].execution_id, path, "approved", "", {})
    ended = await house.executions.wait(house.user, begun[0].execution_id, 60)
    assert ended.status == "completed"
    await house.executions.cancel(house.user, begun[1].execution_id)
    page = await house.executions.nodes(house.user, begun[1].execution_id, path, 1, 0)
    assert [found.status for found in page.items] == ["cancelled"]
