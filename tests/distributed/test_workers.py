"""Several worker processes on one PostgreSQL: whatever is killed or frozen, everything ends, and once."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

import pytest

from awe_app.domain.ids import ExecutionId, Path
from awe_app.domain.workflow import Workflow
from tests.distributed.fleet import PATIENCE_S, Client, WorkerProcess, until
from tests.source_tree import ROOT

Hire = Callable[[int], list[WorkerProcess]]

pytestmark = pytest.mark.timeout(300)
NODES = [f"step{number}" for number in range(6)]


def chain(seconds: float) -> Workflow:
    """Effectful nodes one after another."""
    nodes = [{"id": node, "type": "delay", "delay_config": {"seconds": seconds}} for node in NODES]
    edges = [{"id": f"e{i}", "source": a, "target": b} for i, (a, b) in enumerate(pairwise(NODES))]
    return Workflow.model_validate({"name": "Chain", "nodes": nodes, "edges": edges})


QUESTION = Workflow.model_validate(
    {
        "name": "Question",
        "nodes": [
            {"id": "ask", "type": "approval", "approval_config": {"message": "Go on?"}},
            {"id": "done", "type": "output", "output_config": {"value": "{{ nodes.ask.output.by }}"}},
        ],
        "edges": [{"id": "e1", "source": "ask", "target": "done", "source_handle": "approved"}],
    }
)


async def all_end(client: Client, begun: list[ExecutionId]) -> None:
    """Every execution completes, and none of its nodes finishes twice."""
    for execution_id in begun:
        state = await client.executions.wait(client.user, execution_id, PATIENCE_S)
        assert state.status == "completed", state.error
        assert Counter(await client.finished(execution_id)) == dict.fromkeys(NODES, 1)


async def working(client: Client, workers: list[WorkerProcess], workflow: Workflow) -> list[ExecutionId]:
    """Start executions until each worker drives one and has finished a node of it; gives all."""
    begun = [await client.run(workflow) for _ in range(6)]

    async def drives(worker: WorkerProcess) -> bool:
        mine = await client.driven_by(worker.pid) & set(begun)
        return any([await client.finished(execution_id) for execution_id in mine])

    async with asyncio.timeout(PATIENCE_S):
        while not all([await drives(worker) for worker in workers]):
            await asyncio.sleep(0.2)
            if not all([await client.driven_by(worker.pid) for worker in workers]):
                begun.append(await client.run(workflow))  # whoever looks next gets it
    return begun


async def test_what_a_killed_worker_drove_is_driven_on_by_the_other(client: Client, hire: Hire) -> None:
    first, second = workers = hire(2)[:2]
    for worker in workers:
        await worker.ready()
    begun = await working(client, workers, chain(0.5))
    lost = await client.driven_by(first.pid)
    assert lost
    first.send(signal.SIGKILL)

    async def taken_over() -> bool:
        return not await client.driven_by(first.pid)

    await until(taken_over)
    await all_end(client, begun)
    assert not second.said("Traceback")


async def test_a_worker_frozen_past_its_lease_writes_nothing_more(client: Client, hire: Hire) -> None:
    frozen, other = workers = hire(2)[:2]
    for worker in workers:
        await worker.ready()
    begun = await working(client, workers, chain(0.8))
    lost = await client.driven_by(frozen.pid)
    frozen.send(signal.SIGSTOP)

    async def taken_over() -> bool:
        return not await client.driven_by(frozen.pid)

    await until(taken_over)
    frozen.send(signal.SIGCONT)
    await all_end(client, begun)
    assert lost
    assert not frozen.said("Traceback")
    assert not other.said("Traceback")
    again = await client.run(chain(0.01))  # the thawed worker is as good as new
    await all_end(client, [again])


async def test_an_execution_driven_elsewhere_is_followed_as_it_happens(either: Client, hire: Hire) -> None:
    await hire(1)[0].ready()
    execution_id = await either.run(chain(0.1))
    async with asyncio.timeout(PATIENCE_S), aclosing(either.executions.follow(either.user, execution_id)) as messages:
        told = [message async for message in messages]
    assert [message.seq for message in told] == list(range(1, len(told) + 1))
    assert told[-1].type == "complete"


async def test_an_execution_driven_elsewhere_is_cancelled(client: Client, hire: Hire) -> None:
    await hire(1)[0].ready()
    execution_id = await client.run(chain(9.0))

    async def running() -> bool:
        return (await client.executions.get(client.user, execution_id)).current_node == NODES[0]

    await until(running)
    state = await client.executions.cancel(client.user, execution_id)
    assert state.status == "cancelled"

    async def let_go() -> bool:
        return any(worker.said(f"{execution_id} was taken away") for worker in hire(1))

    await until(let_go)
    assert (await client.executions.get(client.user, execution_id)).status == "cancelled"


async def test_an_answer_reaches_the_execution_wherever_it_waits(client: Client, hire: Hire) -> None:
    await hire(1)[0].ready()
    execution_id = await client.run(QUESTION)

    async def asked() -> bool:
        return (await client.executions.get(client.user, execution_id)).status == "waiting"

    await until(asked)
    await client.executions.answer(client.user, execution_id, Path("ask"), "approved", "", {})
    async with asyncio.timeout(PATIENCE_S), aclosing(client.executions.follow(client.user, execution_id)) as messages:
        last = [message async for message in messages][-1]
    assert last.data["result"] == client.user.username


def beside_a_long_one(*waits: dict[str, Any]) -> Workflow:
    """Whichever is over first, the wait or 36 s of work; the other is stopped."""
    work = [f"work{number}" for number in range(4)]
    nodes = [{"id": node, "type": "delay", "delay_config": {"seconds": 9}} for node in work]
    nodes += [*waits, {"id": "first", "type": "merge", "merge_config": {"mode": "first", "cancel_rest": True}}]
    nodes += [{"id": "end", "type": "output"}]
    edges = [{"source": a, "target": b} for a, b in pairwise([*work, "first", "end"])]
    edges += [
        {"source": wait["id"], "target": "first"}
        | ({"source_handle": "approved"} if wait["type"] == "approval" else {})
        for wait in waits
    ]
    return Workflow.model_validate(
        {"name": "Both", "nodes": nodes, "edges": [{"id": f"e{i}", **edge} for i, edge in enumerate(edges)]}
    )


async def test_an_event_and_an_answer_reach_an_execution_that_is_busy_elsewhere(either: Client, hire: Hire) -> None:
    await hire(1)[0].ready()
    hears = await either.run(beside_a_long_one({"id": "w", "type": "wait_for", "wait_for_config": {"events": ["go"]}}))
    asks = await either.run(
        beside_a_long_one({"id": "w", "type": "approval", "approval_config": {"message": "Enough?"}})
    )

    async def both_wait() -> bool:
        states = [await either.executions.get(either.user, each) for each in (hears, asks)]
        return all(Path("w") in s.node_states and s.node_states[Path("w")].status == "waiting" for s in states)

    await until(both_wait)
    states = [await either.executions.get(either.user, each) for each in (hears, asks)]
    assert [state.status for state in states] == ["running", "running"]
    await either.executions.send(either.user, hears, "go", {"n": 2})
    await either.executions.answer(either.user, asks, Path("w"), "approved", "", {})
    for execution_id in (hears, asks):
        state = await either.executions.wait(either.user, execution_id, PATIENCE_S)
        assert state.status == "completed", state.error
        assert "cancelled" in {node.status for node in state.node_states.values()}


async def test_a_worker_asked_to_stop_lets_what_runs_end_and_leaves_the_rest(client: Client, hire: Hire) -> None:
    worker = await hire(1)[0].ready()
    short = await client.run(chain(0.1))

    async def taken_up() -> bool:
        return bool((await client.executions.get(client.user, short)).seq)

    await until(taken_up)
    worker.send(signal.SIGTERM)
    assert await asyncio.to_thread(worker.process.wait, PATIENCE_S) == 0
    await hire(1)[0].ready()
    await all_end(client, [short])
    assert worker.said("stopped")
    assert not worker.said("Traceback")


def test_on_sqlite_a_worker_says_what_to_set(tmp_path: FilePath) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "awe_app", "worker"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "AWE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "DATABASE_URL=postgresql" in line
