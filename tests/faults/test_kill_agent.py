"""``kill -9`` in the middle of an agent's tool loop: what was recorded is never asked or done again."""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from awe_app.adapters.settings_store import SettingsStore
from awe_app.domain import events as ev
from awe_app.domain.ids import ExecutionId
from awe_app.domain.models import ToolCall
from tests.builders import graph, node
from tests.conftest import Figures
from tests.faults.conftest import WARMED, Ground, Nursery, check_journal
from tests.http_server import Asked, HttpServer, says
from tests.model_server import ModelServer, Reply

TURNS = 4
"""Calls of the model that one run of the agent takes."""
TOKENS = (11, 7)


class Arrival(NamedTuple):
    """One request that reached the world, which outlives every worker."""

    execution_id: str
    turn: int
    """Turns that the model had been shown before it."""
    what: str
    """``model``, or what a tool call is about."""
    key: str = ""
    """The idempotency key of a tool call."""

    @property
    def place(self) -> int:
        """Where it stands in a run: calls of a turn come after the model's answer, the next turn after them."""
        return 2 * self.turn + (self.what != "model")


@dataclass
class World:
    """A model and a service beyond the process; both write down who came."""

    model: ModelServer = field(init=False)
    service: HttpServer = field(init=False)
    arrivals: list[Arrival] = field(default_factory=list)
    takes_s: float = 0.0
    held: str = ""
    """The tool call that gets no answer, once."""
    holding: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.model, self.service = ModelServer(keep_alive=True, script=self._answer), HttpServer()
        self.service.otherwise = self._serve

    def of(self, execution_id: str) -> list[Arrival]:
        """What came from one execution, in order."""
        return [arrival for arrival in self.arrivals if arrival.execution_id == execution_id]

    def repeated(self) -> int:
        """Calls of the model that came again, as their answers were not recorded in time."""
        came = Counter((arrival.execution_id, arrival.turn) for arrival in self.arrivals if arrival.what == "model")
        return came.total() - len(came)

    def told(self, execution_id: str) -> list[dict[str, Any]]:
        """All that the model was told in the last call."""
        bodies = [body for body in self.model.requests if _id_of(body) == execution_id]
        return bodies[-1]["messages"]

    def calls(self, execution_id: str, turn: int) -> list[ToolCall]:
        """What the model asks for in a turn."""

        def post(what: str) -> ToolCall:
            given = {"url": f"{self.service.url}/{execution_id}/{turn}/{what}", "method": "POST"}
            return ToolCall(f"{turn}-{what}", "http_request", json.dumps(given))

        sum_ = ToolCall(f"{turn}-sum", "calculator", json.dumps({"expression": f"{turn} + 1"}))
        return [[post("a"), sum_], [post("b"), sum_, post("c")], [post("d")], []][turn]

    def _answer(self, body: dict[str, Any]) -> Reply:
        execution_id = _id_of(body)
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        self.arrivals.append(Arrival(execution_id, turn, "model"))
        calls = self.calls(execution_id, turn)
        text = "" if calls else f"Done with {execution_id}"
        return Reply(text, tool_calls=calls, delay_s=self.takes_s, usage=TOKENS)

    async def _serve(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        _slash, execution_id, turn, what = asked.target.split("/")
        self.arrivals.append(Arrival(execution_id, int(turn), what, asked.headers["idempotency-key"]))
        if what == self.held:
            self.held = ""
            self.holding.set()
            await asked.reader.read()
            raise ConnectionResetError
        await asyncio.sleep(self.takes_s)
        await says(f"did {what}")(asked, writer)


def _id_of(body: dict[str, Any]) -> str:
    return next(message["content"] for message in body["messages"] if message["role"] == "user").split()[-1]


@pytest.fixture
async def world(ground: Ground) -> AsyncIterator[World]:
    made = World()
    async with made.model as model, made.service as service:
        provider = {"id": "mock", "kind": "openai_compatible", "base_url": model.base_url, "models": ["m"]}
        await SettingsStore(ground.house.database).put(ground.house.user.id, {"providers": [provider]})
        tools = [
            "calculator",
            {"name": "http_request", "requires_approval": False, "settings": {"allowed_hosts": [service.host]}},
        ]
        config = {"model": "mock/m", "user_prompt": "Work on {{ execution.id }}", "tools": tools}
        await ground.add(graph("talk -> end", node("talk", "agent", config), node("end", "output", {})))
        yield made


def job(ground: Ground, world: World, first: int, last: int) -> dict[str, Any]:
    """What a worker is told: the executions of these keys."""
    return {**ground.job, "hosts": [world.model.host, world.service.host], "keys": [first, last]}


async def kill(nursery: Nursery, pid: int) -> bool:
    """Whether the worker still lived."""
    os.kill(pid, signal.SIGKILL)
    return await asyncio.to_thread(nursery.wait, pid) == -signal.SIGKILL


async def finish(ground: Ground, nursery: Nursery, world: World, last: int) -> list[ExecutionId]:
    """Let a last worker do what is left; gives all executions after they were checked."""
    pid = nursery.fork(**job(ground, world, 0, last))
    assert await asyncio.to_thread(nursery.wait, pid) == 0, (nursery.folder / "log").read_text()
    ids = list(dict.fromkeys(ExecutionId(words[1]) for words in ground.notes.of("accepted")))
    for execution_id in ids:
        await check(ground, world, execution_id)
    return ids


async def check(ground: Ground, world: World, execution_id: ExecutionId) -> None:
    """It completed, each step stands in the journal once, and nothing was asked again that stood there."""
    events = await ground.house.journal.read(execution_id)
    check_journal(events)
    state = await ground.house.executions.get(ground.house.user, execution_id)
    assert (state.status, state.result) == ("completed", f"Done with {execution_id}")
    asked, answered = TOKENS
    assert (state.usage.prompt_tokens, state.usage.completion_tokens) == (TURNS * asked, TURNS * answered)
    expected = {"task", *(f"model/{turn + 1}" for turn in range(TURNS))}
    expected |= {f"tool/{t + 1}/{n}" for t in range(TURNS) for n in range(len(world.calls(execution_id, t)))}
    assert Counter(event.key for event in events if isinstance(event, ev.StepTaken)) == Counter(expected)

    arrivals = world.of(execution_id)
    assert all(a.place <= b.place for a, b in pairwise(arrivals)), "a recorded call was made again"
    keys = {(arrival.turn, arrival.what): arrival.key for arrival in arrivals if arrival.what != "model"}
    assert all(keys[a.turn, a.what] == a.key for a in arrivals if a.what != "model"), "a call came under another key"
    assert len(set(keys.values())) == len(keys), "two calls share a key"

    messages = world.told(execution_id)
    calls = [call for turn in range(TURNS) for call in world.calls(execution_id, turn)]
    results = {message["tool_call_id"]: message["content"] for message in messages if message["role"] == "tool"}
    assert [m["tool_call_id"] for m in messages if m["role"] == "tool"] == [call.id for call in calls]
    for call in calls:
        turn, what = call.id.split("-")
        expected_text = f"{int(turn) + 1}" if what == "sum" else f"did {what}"
        assert expected_text in results[call.id]


async def steps_of(ground: Ground, execution_id: str) -> set[str]:
    """What the journal holds so far."""
    events = await ground.house.journal.read(ExecutionId(execution_id))
    return {event.key for event in events if isinstance(event, ev.StepTaken)}


async def test_killed_between_two_calls_of_the_model_it_goes_on_with_the_next_one(
    ground: Ground, nursery: Nursery, world: World
) -> None:
    world.held = "c"
    pid = nursery.fork(**job(ground, world, 0, 1))
    await world.holding.wait()
    execution_id = world.arrivals[-1].execution_id
    while not await steps_of(ground, execution_id) >= {"tool/2/0", "tool/2/1"}:
        await asyncio.sleep(0.02)
    assert await kill(nursery, pid)  # the second answer and two of its three results are kept, the third is under way
    assert await finish(ground, nursery, world, 1) == [execution_id]
    came = Counter((arrival.turn, arrival.what) for arrival in world.of(execution_id))
    assert came == {
        **{(turn, "model"): 1 for turn in range(TURNS)},
        (0, "a"): 1,
        (1, "b"): 1,
        (1, "c"): 2,
        (2, "d"): 1,
    }


async def test_killed_at_random_in_the_tool_loop_no_recorded_call_is_made_again(
    ground: Ground, nursery: Nursery, world: World, figures: Figures
) -> None:
    await asyncio.to_thread(nursery.warm, **job(ground, world, -WARMED, 0))
    world.takes_s = 0.02
    chance = random.Random(11)
    kills, target, executions = 0, figures.of(5, 200), 0
    while kills < target or not world.repeated():  # some kills have to fall into a call of the model
        executions += 2
        before = len(world.arrivals)
        pid = nursery.fork(**job(ground, world, 0, executions))
        while len(world.arrivals) == before:
            await asyncio.sleep(0.005)
        await asyncio.sleep(chance.uniform(0, 0.25))
        kills += await kill(nursery, pid)
    ids = await finish(ground, nursery, world, executions)
    assert len(ids) == executions + WARMED
