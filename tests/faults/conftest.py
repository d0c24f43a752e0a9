"""Workers to be killed, and what must hold of the executions they leave behind."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

import pytest
from sqlalchemy import text

from awe_app.adapters.db import Database
from awe_app.adapters.user_store import UserStore
from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId
from tests.engine.naive import interpret
from tests.faults.worker import AloneHouse, Notes, effect_of
from tests.services.conftest import Gate

WARMED = 1
"""Executions that ran before the first worker was forked."""


@dataclass
class Nursery:
    """Makes workers quickly: one warm process that forks."""

    folder: File
    process: subprocess.Popen[str]

    def fork(self, **job: Any) -> int:
        """A new worker; gives its process id."""
        return self._ask({"do": "fork", **job})

    def warm(self, **job: Any) -> None:
        """Run one execution in the process that forks, so that its children are quicker."""
        self._ask({"do": "warm", "keys": [-WARMED, 0], **job})

    def wait(self, pid: int) -> int:
        """How the worker ended: 0 when all was done, -9 when it was killed."""
        return self._ask({"do": "wait", "pid": pid})

    def _ask(self, command: Mapping[str, Any]) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture
def nursery(tmp_path: File) -> Iterator[Nursery]:
    command = [sys.executable, "-m", "tests.faults.worker", str(tmp_path)]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=File(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        with process:
            yield Nursery(tmp_path, process)


@dataclass
class Ground:
    """The database that workers share, seen by the test: it starts nothing there, and reads what they left."""

    house: AloneHouse
    notes: Notes
    workflows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Files, by workflow id."""
    started: list[str] = field(default_factory=list)
    """Ids of those that workers start themselves; the others are run by nodes."""

    @property
    def job(self) -> dict[str, Any]:
        """What every worker is told."""
        return {
            "url": self.house.database.url,
            "user_id": self.house.user.id,
            "workflow_ids": self.started,
        }

    async def add(self, raw: dict[str, Any], start: bool = True) -> str:
        """Store a workflow that workers will start, or that is only run by nodes of others; gives its id."""
        stored = await self.house.workflows.create(self.house.user, raw)
        self.workflows[stored.id] = raw
        if start:
            self.started.append(stored.id)
        return stored.id

    async def check(self) -> int:
        """What must hold when all is over; gives how many executions there were."""
        accepted = self._accepted()
        effects = self._effects()
        ended = {words[0]: words[1] for words in self.notes.of("ended")}
        assert all(ended[words[0]] == words[1] for words in self.notes.of("ended")), "a final status changed"
        known = {*accepted.values(), *await self._children()}
        for execution_id in known:
            events = await self.house.journal.read(execution_id)
            state = await self.house.executions.get(self.house.user, execution_id)
            check_journal(events)
            check_effects(events, effects.get(execution_id, []))
            assert ended.get(execution_id, state.status) == state.status
            assert state.workflow_id is not None
            expected = interpret(self.workflows[state.workflow_id], self.workflows)
            if expected.fatal:
                assert state.status == "failed"
            else:
                assert (state.status, state.result) == ("completed", expected.result)
        assert set(effects) <= known, "effects of an execution that nobody was told of"
        return len(accepted)

    async def _children(self) -> list[ExecutionId]:
        """What nodes have started: one execution for each node instance, unless the one before it failed."""
        statement = text("SELECT id, parent_id, parent_path, status FROM executions WHERE parent_id IS NOT NULL"
                         " ORDER BY created_at, id")  # fmt: skip
        async with self.house.database.sessions() as session:
            rows = (await session.execute(statement)).all()
        before: dict[tuple[str, str], str] = {}
        for _child, parent_id, path, status in rows:
            last = before.setdefault((parent_id, path), "failed")
            assert last == "failed", f"{path} of {parent_id} was given two children"
            before[parent_id, path] = status
        return [ExecutionId(row[0]) for row in rows]

    def _accepted(self) -> dict[str, ExecutionId]:
        """The execution of each idempotency key: the same however often it was asked for."""
        accepted: dict[str, ExecutionId] = {}
        for key, execution_id in self.notes.of("accepted"):
            assert accepted.setdefault(key, ExecutionId(execution_id)) == execution_id, "two executions for one key"
        return accepted

    def _effects(self) -> dict[ExecutionId, list[tuple[str, str, int]]]:
        effects: dict[ExecutionId, list[tuple[str, str, int]]] = {}
        for what, execution_id, path, attempt in self.notes.of("effects"):
            effects.setdefault(ExecutionId(execution_id), []).append((what, path, int(attempt)))
        return effects


def check_journal(events: Sequence[ev.Event]) -> None:
    """Numbers without gaps, one end and nothing after it, nothing finished twice."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [isinstance(event, ev.FINAL) for event in events].index(True) == len(events) - 1
    finished = Counter(event.path for event in events if isinstance(event, ev.NodeFinished | ev.NodeSkipped))
    assert set(finished.values()) <= {1}
    state = ExecutionState(ExecutionId("x")).fold(events)
    assert not [path for path, node in state.node_states.items() if node.status in ("running", "waiting")]


def check_effects(events: Sequence[ev.Event], effects: Sequence[tuple[str, str, int]]) -> None:
    """Every try was recorded before it began, none was made twice, and none after the node had finished."""
    tries = {(event.path, event.attempt) for event in events if isinstance(event, ev.NodeStarted)}
    last = {event.path: event.attempt for event in events if isinstance(event, ev.NodeFinished)}
    begun = Counter((path, attempt) for what, path, attempt in effects if what == "begin")
    assert set(begun) <= tries, "an effect began before its start was stored"
    assert set(begun.values()) <= {1}, "a try was made twice"
    again = [(path, attempt) for path, attempt in begun if path in last and attempt > last[path]]
    assert not again, "nodes recorded as finished ran again"
    done = {(path, attempt) for what, path, attempt in effects if what == "end"}
    kinds = {path for path, _attempt in begun}
    claimed = {(path, attempt) for path, attempt in last.items() if path in kinds}
    assert claimed <= done, "a node is recorded as finished that had not ended"


@pytest.fixture
async def ground(database: Database, tmp_path: File) -> AsyncIterator[Ground]:
    user = await UserStore(database).add("ann", "ann@example.com", "x")
    house = AloneHouse(database, user, user, Gate)
    notes = Notes(tmp_path)
    from tests.faults.worker import FaultPoints

    house.start({"effect": effect_of(notes, FaultPoints(notes, None))})
    yield Ground(house, notes)
    await house.stop()
