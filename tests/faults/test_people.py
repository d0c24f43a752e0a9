"""What people ask of executions, in any order and with crashes between, against a small model of what must come."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path as File
from shutil import copyfile
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from awe_app.adapters.db import Database
from awe_app.adapters.user_store import UserStore
from awe_app.domain import events as ev
from awe_app.domain.errors import Conflict, Invalid
from awe_app.domain.execution import FINAL_STATUSES, ExecutionState
from awe_app.domain.ids import ExecutionId, Path, WorkflowId
from awe_app.domain.messages import message, reopened
from awe_app.domain.options import Budget
from awe_app.domain.pages import PageQuery
from tests.conftest import Figures, admin, postgres_url
from tests.faults.people import ASK, ASKED, ENOUGH, GATES, TOO_LITTLE, Asked, Gates, check
from tests.services.conftest import Gate, House

MOST_S = 60


class People(RuleBasedStateMachine):
    """The services of one process at a time; between two processes lies a crash."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.url = url
        self.executions: dict[ExecutionId, Asked] = {}
        self.gates = Gates()
        self.house: House
        self.workflow_id: WorkflowId

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, MOST_S))

    def one(self, number: int, ended: bool | None = None) -> tuple[ExecutionId, Asked]:
        """One of the executions; of those that have ended, or have not, if there are such."""
        found = list(self.executions.items())
        if ended is not None:
            states = {i: self.do(self._state(i)).status for i in self.executions}
            fit = ("failed", "cancelled") if ended else ("pending", "running", "waiting")
            found = [each for each in found if states[each[0]] in fit] or found
        return found[number % len(found)]

    # A process

    @initialize()
    def begin(self) -> None:
        self.do(self._begin())
        self.start("k1", False, ENOUGH)

    async def _begin(self) -> None:
        database = Database(self.url)
        await database.start()
        user = await UserStore(database).add("ann", "ann@example.com", "x")
        self.house = House(database, user, user, Gate)
        await self._start_process()
        self.workflow_id = (await self.house.workflows.create(user, ASKED)).id

    async def _start_process(self) -> None:
        self.house.start({"gate": self.gates.node_type()})
        await self.house.executions.adopt()
        for execution_id, asked in self.executions.items():
            self._watch(execution_id, asked)

    async def _stop_process(self) -> None:
        viewers = [asked.viewer for asked in self.executions.values() if asked.viewer is not None]
        for viewer in viewers:
            viewer.cancel()
        for outcome in await asyncio.gather(*viewers, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome
        await self.house.stop()

    @rule()
    def crash(self) -> None:
        """Nothing is finished; the next process takes up what it finds."""

        async def crash() -> None:
            await self._stop_process()
            await self._start_process()

        self.do(crash())

    # What people do

    @rule(
        key=st.sampled_from([None, None, "k1", "k2"]),
        pins=st.booleans(),
        budget=st.sampled_from([ENOUGH, ENOUGH, ENOUGH, TOO_LITTLE]),
    )
    def start(self, key: str | None, pins: bool, budget: Budget) -> None:
        known = {"g1": "pinned"} if pins else {}
        executions, user = self.house.executions, self.house.user
        state = self.do(executions.start(user, self.workflow_id, {}, key, pins=known, budget=budget))
        same = [i for i, asked in self.executions.items() if key is not None and asked.key == key]
        if same:
            assert [state.execution_id] == same, "two executions for one key"
            return
        assert state.execution_id not in self.executions
        self.executions[state.execution_id] = Asked(key, budget, known)
        self._watch(state.execution_id, self.executions[state.execution_id])

    @precondition(lambda self: self.executions)
    @rule(number=st.integers(0, 9), gate=st.sampled_from(GATES), passes=st.sampled_from([True, True, False]))
    def decide(self, number: int, gate: str, passes: bool) -> None:
        execution_id, _asked = self.one(number, ended=False)
        if self.do(self._state(execution_id)).status not in FINAL_STATUSES:
            self.do(self.gates.decide(execution_id, gate, passes))

    @precondition(lambda self: self.executions)
    @rule(number=st.integers(0, 9), decision=st.sampled_from(["approved", "approved", "rejected"]))
    def answer(self, number: int, decision: str) -> None:
        self.do(self._answer(*self.one(number, ended=False), decision))

    async def _answer(self, execution_id: ExecutionId, asked: Asked, decision: str) -> None:
        work = self.house.executions.answer(self.house.user, execution_id, ASK, decision, "", {})
        if (refused := await refusal(work)) is not None:
            assert refused == "NOT_WAITING"
            return
        assert asked.decision is None, "two answers were taken"
        asked.decision = decision

    @precondition(lambda self: self.executions)
    @rule(number=st.integers(0, 9))
    def cancel(self, number: int) -> None:
        execution_id, asked = self.one(number)
        before = self.do(self._state(execution_id))
        refused = self.do(refusal(self.house.executions.cancel(self.house.user, execution_id)))
        after = self.do(self._state(execution_id)).status
        if refused is not None:
            assert refused == "EXECUTION_ENDED"
            assert after in FINAL_STATUSES
            return
        assert before.status not in FINAL_STATUSES, "what had ended was cancelled"
        assert after == "cancelled"
        asked.cancelled = True

    @precondition(lambda self: self.executions)
    @rule(number=st.integers(0, 9), by_hand=st.booleans(), budget=st.sampled_from([None, ENOUGH]))
    def resume(self, number: int, by_hand: bool, budget: Budget | None) -> None:
        execution_id, asked = self.one(number, ended=True)
        before = self.do(self._state(execution_id))
        if before.status not in FINAL_STATUSES:
            return
        overrides = {"side": "by hand"} if by_hand else {}
        self.gates.lives[execution_id] += 1
        work = self.house.executions.resume(self.house.user, execution_id, None, overrides, budget)
        if (refused := self.do(refusal(work))) is not None:
            self.gates.lives[execution_id] -= 1
            side = before.node_states.get(Path("side"))
            done = by_hand and side is not None and side.settled
            assert refused == ("NOT_RESUMABLE" if before.status == "completed" else "ALREADY_FINISHED" if done else "")
            return
        assert before.status in ("failed", "cancelled")
        asked.cancelled = False
        asked.known |= overrides
        asked.budget = budget or asked.budget
        self.do(self._watch_again(execution_id, asked))

    @precondition(lambda self: self.executions)
    @rule(number=st.integers(0, 9))
    def wait(self, number: int) -> None:
        execution_id, _asked = self.one(number)
        state = self.do(self.house.executions.wait(self.house.user, execution_id, 0.2))
        assert state.execution_id == execution_id

    # Viewers

    def _watch(self, execution_id: ExecutionId, asked: Asked) -> None:
        asked.viewer = self.loop.create_task(self._view(execution_id, asked))

    async def _watch_again(self, execution_id: ExecutionId, asked: Asked) -> None:
        if asked.viewer is not None:  # it had seen the end, or is about to
            await asked.viewer
        self._watch(execution_id, asked)

    async def _view(self, execution_id: ExecutionId, asked: Asked) -> None:
        last = next((each.seq for each in reversed(asked.told) if each.seq is not None), 0)
        async for each in self.house.executions.follow(self.house.user, execution_id, last):
            if each.seq is not None:
                asked.told.append(each)

    # What must hold

    async def _state(self, execution_id: ExecutionId) -> ExecutionState:
        return await self.house.executions.get(self.house.user, execution_id)

    @invariant()
    def nothing_is_lost_and_nothing_changes(self) -> None:
        if hasattr(self, "workflow_id"):
            self.do(self._look())

    async def _look(self) -> None:
        listed = await self.house.executions.list(self.house.user, PageQuery())
        assert {each.execution_id for each in listed.items} == set(self.executions)
        for execution_id, asked in self.executions.items():
            events = list(await self.house.journal.read(execution_id))
            assert events[: len(asked.journal)] == asked.journal, "what was stored has changed"
            asked.journal = events
            check(events)
            told = [each.seq for each in asked.told]
            assert told == list(range(1, len(told) + 1)), "a viewer missed something"
        assert set(self.gates.begun.values()) <= {1}, "a try was made twice"

    def teardown(self) -> None:
        try:
            if hasattr(self, "workflow_id"):
                self.do(self._finish())
                self.do(self._look())
                self._compare()
        finally:
            if hasattr(self, "house"):
                self.do(self._stop_process())
                self.do(self.house.database.stop())
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()

    async def _finish(self) -> None:
        """Every gate decides, every question is answered; then everything ends, and viewers see it."""
        for execution_id in self.executions:  # all gates first: who stands at one holds a place that another may need
            for gate in GATES:
                await self.gates.decide(execution_id, gate, True)
        for execution_id, asked in self.executions.items():
            while (state := await self._state(execution_id)).status not in FINAL_STATUSES:
                question = state.node_states.get(ASK)
                if asked.decision is None and question is not None and question.status == "waiting":
                    await self._answer(execution_id, asked, "approved")
                await asyncio.sleep(0.01)
            assert asked.viewer is not None
            await asked.viewer

    def _compare(self) -> None:
        for execution_id, asked in self.executions.items():
            state = self.do(self._state(execution_id))
            life = self.gates.lives[execution_id]
            wanted = asked.outcome(lambda gate, i=execution_id, n=life: self.gates.verdicts[i, gate, n])
            assert (state.status, state.result) == wanted
            assert len(asked.told) == len(asked.journal)
            for event, each in zip(asked.journal, asked.told, strict=True):
                assert each in (message(event), reopened(event) if isinstance(event, ev.FINAL) else None)


async def refusal(work: Awaitable[object]) -> str | None:
    """Why it was refused, or None."""
    try:
        await work
    except (Conflict, Invalid) as error:
        return error.code
    return None


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: File) -> Iterator[Callable[[], str]]:
    """Gives the address of another empty database each time."""
    if request.param == "sqlite":
        template: File = request.getfixturevalue("_sqlite_template")

        def file() -> str:
            path = tmp_path / f"{uuid4().hex}.db"
            copyfile(template, path)
            return f"sqlite+aiosqlite:///{path}"

        yield file
        return
    folder: File = request.getfixturevalue("postgres_server")
    template_name: str = request.getfixturevalue("_postgres_template")

    def database() -> str:
        name = f"people_{uuid4().hex}"
        admin(folder, f"CREATE DATABASE {name} TEMPLATE {template_name}")
        return postgres_url(folder, name)

    yield database


def test_whatever_people_do_and_whenever_it_crashes_it_ends_as_it_must(
    new_url: Callable[[], str], figures: Figures
) -> None:
    class Here(People):
        def __init__(self) -> None:
            super().__init__(new_url())

    examples = figures.of(10, 150) if new_url.__name__ == "file" else figures.of(2, 40)
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples,
            stateful_step_count=figures.of(15, 25),
            deadline=None,
            database=None,
            phases=[Phase.generate],  # what happens hangs on time too: making it shorter takes long and misleads
            derandomize=not figures.soak,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
