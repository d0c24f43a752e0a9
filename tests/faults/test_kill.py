"""``kill -9``: at random, and at every single point where something is stored or done."""

import asyncio
import os
import random
import signal

from tests.builders import graph, node
from tests.conftest import Figures
from tests.faults.conftest import WARMED, Ground, Nursery

TRIES = {"max_attempts": 3, "backoff_s": 0.005, "backoff_factor": 1}


def inside(loop: str, spec: dict) -> dict:
    return {**spec, "parent_id": loop}


def effect(node_id: str, takes_s: float = 0.0, **rest: object) -> dict:
    config = {"takes_s": takes_s, **{k: rest.pop(k) for k in ("fails_first", "breaks") if k in rest}}
    return node(node_id, "effect", config, **rest)


BRANCHES = graph(
    "a -> pick; pick:true -> yes -> join; pick:false -> no -> join; join -> wait -> flaky -> last",
    effect("a", 0.002),
    node("pick", "condition", {"field": 1, "value": 1}),
    effect("yes", 0.002),
    effect("no"),
    node("join", "merge", {"mode": "all"}),
    node("wait", "delay", {"seconds": 0.01}),
    effect("flaky", 0.002, fails_first=2, retry=TRIES),
    name="Branches, a delay, a node that fails twice",
)
LOOPS = graph(
    "before -> outer -> after; before -> items -> after",
    effect("before"),
    node("outer", "loop", {"items": [0, 1, 2], "concurrency": 2}),
    inside("outer", node("inner", "loop", {"mode": "repeat", "times": 2})),
    inside("inner", effect("deep", 0.003)),
    inside("outer", effect("beside", 0.003, fails_first=1, retry=TRIES)),
    node("items", "loop", {"items": [0, 1, 2, 3], "concurrency": 4, "on_item_error": "collect"}),
    inside("items", effect("odd", 0.003, breaks="odd")),
    node("after", "merge", {"mode": "all"}),
    name="Loops in loops, with passes that fail",
)
PEOPLE = graph(
    "a -> ask; ask:approved -> yes -> end; ask:rejected -> no -> end; a -> slow -> end",
    effect("a"),
    node("ask", "approval", {"message": "Go on?"}),
    effect("yes"),
    effect("no"),
    effect("slow", 0.01),
    node("end", "merge", {"mode": "all"}),
    name="A person is asked",
)
FAILS = graph("a -> bad; b", effect("a"), effect("bad", 0.002, breaks="always"), effect("b", 0.004), name="It fails")

ASKED = graph(
    "first -> ask; ask:approved -> yes; ask:rejected -> no",
    effect("first", 0.002),
    node("ask", "approval", {"message": "Go on?"}),
    name="Run by others, asks somebody",
)
BROKEN = graph("good -> bad", effect("good"), effect("bad", breaks="always"), name="Run by others, fails")


def calls(asked: str, broken: str) -> dict:
    """A workflow that runs others: several at once, and one again that has failed."""
    again = {"max_attempts": 2, "backoff_s": 0.005}
    return graph(
        "a -> each -> end; a -> hopeless -> end",
        effect("a"),
        node("each", "loop", {"items": [0, 1, 2], "concurrency": 2}),
        inside("each", node("call", "subworkflow", {"workflow_id": asked})),
        node("hopeless", "subworkflow", {"workflow_id": broken}, retry=again, on_error="continue", default_output=0),
        node("end", "merge", {"mode": "all"}),
        name="It runs others",
    )


async def test_kill_9_at_random_loses_nothing_and_repeats_nothing(
    ground: Ground, nursery: Nursery, figures: Figures
) -> None:
    others = [await ground.add(raw, start=False) for raw in (ASKED, BROKEN)]
    for raw in (BRANCHES, LOOPS, PEOPLE, FAILS, calls(*others)):
        await ground.add(raw)
    nursery.warm(**ground.job)
    chance = random.Random(9)
    kills, target, executions = 0, figures.of(25, 250), 0
    while kills < target:
        executions += 5
        pid = nursery.fork(**ground.job, keys=[0, executions])
        await asyncio.sleep(chance.uniform(0.03, 0.3))
        os.kill(pid, signal.SIGKILL)
        kills += nursery.wait(pid) == -signal.SIGKILL
    pid = nursery.fork(**ground.job, keys=[0, executions])
    assert await asyncio.to_thread(nursery.wait, pid) == 0, (nursery.folder / "log").read_text()
    assert await ground.check() == executions + WARMED


CHILD = graph("deeper -> deepest", effect("deeper"), effect("deepest"), name="Run by another")


def everything(child: str) -> dict:
    """Branch, loop, retry, sub-workflow, wait."""
    return graph(
        "a -> pick; pick:true -> each -> call -> ask; pick:false -> no; ask:approved -> yes; ask:rejected -> other",
        effect("a", fails_first=1, retry=TRIES),
        node("pick", "condition", {"field": 1, "value": 1}),
        node("each", "loop", {"items": [0, 1], "concurrency": 2}),
        inside("each", effect("deep")),
        node("call", "subworkflow", {"workflow_id": child}),
        node("ask", "approval", {"message": "Go on?"}),
        effect("yes"),
        effect("other"),
        effect("no"),
        name="Everything",
    )


async def test_killed_at_every_point_it_goes_on_as_if_nothing_had_happened(ground: Ground, nursery: Nursery) -> None:
    await ground.add(everything(await ground.add(CHILD, start=False)))
    nursery.warm(**ground.job)
    point, survived = 0, False
    while not survived:
        point += 1
        pid = nursery.fork(**ground.job, keys=[point, point + 1], die_at=point)
        survived = await asyncio.to_thread(nursery.wait, pid) == 0
        if not survived:
            pid = nursery.fork(**ground.job, keys=[point, point + 1])
            assert await asyncio.to_thread(nursery.wait, pid) == 0, (nursery.folder / "log").read_text()
    deaths = [" ".join(words) for words in ground.notes.of("deaths")]
    assert len(deaths) == point - 1
    assert set(deaths) == {"commit", "committed", "effect", "effect done"}
    assert await ground.check() == point + WARMED
