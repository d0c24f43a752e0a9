"""Agents on real services: questions answered by people, workflows as tools, and processes that stop in between."""

from typing import Any

from awe_app.domain.ids import Path
from awe_app.domain.protocols import Capabilities
from tests.agents.scripted import COST, ByTurn, Directory, Scripted, calls
from tests.builders import graph, node
from tests.services.conftest import House
from tests.services.test_children import DOUBLE, children, store
from tests.services.test_waiting import begin, reach

AGENT = Path("a")


async def restart(house: House, model: Scripted) -> None:
    """What a new process does, with this model."""
    await house.stop()
    house.start(capabilities=Capabilities(Directory(model)))
    await house.executions.adopt()


def agent(*tools: Any, **config: Any) -> dict[str, Any]:
    return graph(
        "a -> end",
        node("a", "agent", {"user_prompt": "Go.", "tools": list(tools), **config}),
        node("end", "output", {}),
    )


async def test_a_person_agrees_to_each_call_and_the_cost_counts_once(house: House) -> None:
    sums = [("calculator", {"expression": f"{n} + 1"}) for n in (1, 2)]
    model = ByTurn("a", calls(*sums), "Done.")
    await restart(house, model)
    execution_id = await begin(house, agent({"name": "calculator", "requires_approval": True}))
    for decision, n in (("approved", 1), ("rejected", 2)):
        while True:
            waits = await reach(house, execution_id, "waiting")
            event = waits.node_states[AGENT].waiting
            if event is not None and event.data is not None and event.data["arguments"] == sums[n - 1][1]:
                break
        await restart(house, model)  # the wait holds no process
        await house.executions.answer(house.user, execution_id, AGENT, decision, "so be it", {})
    ended = await house.executions.wait(house.user, execution_id, 60)
    assert (ended.status, ended.result) == ("completed", "Done.")
    assert [m.content for m in model.requests[-1].messages if m.role == "tool"] == [
        "2",
        "Error: a person did not allow this call: so be it",
    ]
    assert len(model.requests) == 2
    assert ended.usage == COST + COST


async def test_workflows_are_tools_of_an_agent(house: House) -> None:
    inner = await store(house, DOUBLE)
    names = [("run_test", {"word": "a"}), ("calculator", {"expression": "2 * 3"}), ("run_test", {"word": "b"})]
    model = ByTurn("a", calls(*names, ("run_test", {"words": "c"})), "Done.")
    await restart(house, model)
    execution_id = await begin(house, agent("calculator", {"name": "workflow", "settings": {"workflow_id": inner}}))
    ended = await house.executions.wait(house.user, execution_id, 60)
    assert (ended.status, ended.result) == ("completed", "Done.")
    first, sum_, second, wrong = (m.content for m in model.requests[-1].messages if m.role == "tool")
    assert ("\naa\n" in first, sum_, "\nbb\n" in second) == (True, "6", True)
    assert "Error" in wrong
    assert {child.result for child in await children(house, inner)} >= {"aa", "bb"}
    assert len(model.requests) == 2
