"""Several processes on one PostgreSQL: who answers for an execution, the limits, and the order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from awe_app.adapters import dispatch_dbos
from awe_app.adapters.bus import MemoryBus
from awe_app.adapters.db import Database
from awe_app.adapters.dbos_queue import DbosQueue
from awe_app.adapters.dispatch import Limits
from awe_app.adapters.dispatch_dbos import DbosDispatcher
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import NewExecution, SqlJournal
from awe_app.adapters.leases import Leases
from awe_app.adapters.user_store import UserStore
from awe_app.domain import events as ev
from awe_app.domain.ids import ExecutionId, Path, UserId, utc_now
from awe_app.domain.tickets import Priority, Ticket
from tests.conftest import admin, postgres_url

ME, OTHER = "me", "other"
New = Callable[..., NewExecution]


@pytest.fixture
def database_url(postgres_server: FilePath, _postgres_template: str) -> Iterator[str]:
    """PostgreSQL only: SQLite has room for one process."""
    name = f"dbos_{uuid4().hex}"
    admin(postgres_server, f"CREATE DATABASE {name} TEMPLATE {_postgres_template}")
    yield postgres_url(postgres_server, name)
    admin(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


class Drives:
    """Stands for ``services/driver.py``: claims, then goes on until it is let go."""

    def __init__(self, store: ExecutionStore) -> None:
        self.store = store
        self.begun: list[ExecutionId] = []
        self.cancelled: list[ExecutionId] = []
        self.delivered: list[tuple[ExecutionId, Path, Mapping[str, Any]]] = []
        self.may_end = asyncio.Event()

    async def drive(self, execution_id: ExecutionId) -> None:
        await self.store.claim(execution_id)
        self.begun.append(execution_id)
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.append(execution_id)
            raise

    def deliver(self, execution_id: ExecutionId, path: Path, payload: Mapping[str, Any]) -> None:
        self.delivered.append((execution_id, path, payload))


async def until(ready: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not ready():
            await asyncio.sleep(0.02)


@pytest.fixture
async def drives(database: Database) -> Drives:
    return Drives(ExecutionStore(database, ME))


@pytest.fixture
async def dispatch(database_url: str, drives: Drives) -> AsyncIterator[Callable[[Limits], Awaitable[DbosDispatcher]]]:
    """Starts a dispatcher with those limits."""
    started: list[DbosDispatcher] = []

    async def start(limits: Limits) -> DbosDispatcher:
        dispatcher = DbosDispatcher(drives, limits, database_url, ME, MemoryBus())
        started.append(dispatcher)
        await dispatcher.start()
        return dispatcher

    yield start
    for dispatcher in started:
        await dispatcher.stop()


@pytest.fixture
async def two(database_url: str) -> AsyncIterator[tuple[Leases, Leases]]:
    """Two living processes."""
    both = Leases(database_url, ME), Leases(database_url, OTHER)
    for leases in both:
        await leases.start()
    yield both
    for leases in both:
        await leases.stop()


async def test_what_finds_room_begins_here_and_the_rest_goes_through_the_queue(
    dispatch: Any, drives: Drives, journal: SqlJournal, new: New
) -> None:
    dispatcher = await dispatch(Limits(here=2))
    executions = [new(driver=ME) for _ in range(5)]
    here = []
    for execution in executions:
        await journal.create(execution)
        here.append(dispatcher.submit(execution.execution_id))
    assert here == [True, True, False, False, False]
    drives.may_end.set()
    await until(lambda: len(drives.begun) == 5)
    assert set(drives.begun) == {execution.execution_id for execution in executions}


async def test_limits_hold_for_queue_and_users_and_urgent_ones_go_first(
    dispatch: Any, drives: Drives, journal: SqlJournal, new: New, users: UserStore
) -> None:
    dispatcher = await dispatch(Limits(here=8, per_user=1, everywhere=2))
    names: dict[ExecutionId, str] = {}

    async def submit(name: str, user: UserId, priority: Priority) -> None:
        execution = new(driver=ME, user_id=user, priority=priority)
        names[execution.execution_id] = name
        await journal.create(execution)
        assert not dispatcher.submit(execution.execution_id, user, priority)

    ann, ben = [(await users.add(name, f"{name}@example.com", "x")).id for name in ("ann", "ben")]
    await submit("first", ann, Priority.NORMAL)
    await until(lambda: len(drives.begun) == 1)
    await submit("low", ann, Priority.LOW)
    await submit("normal", ann, Priority.NORMAL)
    await submit("high", ann, Priority.HIGH)
    await submit("of ben", ben, Priority.LOW)
    await until(lambda: len(drives.begun) == 2)
    assert [names[i] for i in drives.begun] == ["first", "of ben"]
    drives.may_end.set()
    await until(lambda: len(drives.begun) == 5)
    assert [names[i] for i in drives.begun[2:]] == ["high", "normal", "low"]


async def test_of_one_ticket_only_the_first_to_come_gets_anything(
    two: tuple[Leases, Leases], journal: SqlJournal, new: New
) -> None:
    execution = new(driver=ME)
    await journal.create(execution)
    ticket = await two[0].own(execution.execution_id)
    assert ticket is not None
    redeemed = await asyncio.gather(*(leases.redeem(ticket.execution_id, ticket.epoch) for leases in two))
    assert len([one for one in redeemed if one is not None]) == 1


async def test_the_dead_leave_their_executions_to_one_of_the_living(
    two: tuple[Leases, Leases], database_url: str, journal: SqlJournal, new: New
) -> None:
    dying = Leases(database_url, "dying")
    await dying.start()
    left = [new(driver="dying", priority=Priority.HIGH) for _ in range(20)]
    for execution in [*left, new(driver=ME), new(driver=OTHER)]:
        await journal.create(execution)
    for leases in two:
        assert (await leases.look([], take=True, everywhere=True)).tickets == []
    await dying.stop()
    looks = await asyncio.gather(*(leases.look([], take=True, everywhere=False) for leases in two))
    looks += await asyncio.gather(*(leases.look([], take=True, everywhere=False) for leases in two))
    tickets = [ticket for look in looks for ticket in look.tickets]
    assert sorted(t.execution_id for t in tickets) == sorted(execution.execution_id for execution in left)
    assert {ticket.priority for ticket in tickets} == {Priority.HIGH}


async def test_what_waits_is_woken_once_and_not_early(
    two: tuple[Leases, Leases], journal: SqlJournal, new: New, executions: ExecutionStore, database: Database
) -> None:
    execution = new(driver=ME)
    await journal.create(execution)
    recorder = journal.recorder(execution.execution_id, 1)
    recorder.append(ev.ExecutionParked(seq=1, at=utc_now(), wake_at=None))
    await recorder.durable(1)
    for leases in two:
        assert (await leases.look([], take=True, everywhere=False)).tickets == []
    assert await executions.add_signal(execution.execution_id, Path("ask"), {"decision": "approved"})
    looks = await asyncio.gather(*(leases.look([], take=True, everywhere=False) for leases in two))
    looks += await asyncio.gather(*(leases.look([], take=True, everywhere=False) for leases in two))
    assert [t.execution_id for look in looks for t in look.tickets] == [execution.execution_id]
    [answer] = (await two[0].look([execution.execution_id], take=False, everywhere=False)).answers
    assert (answer.path, answer.payload) == ("ask", {"decision": "approved"})


async def test_what_is_taken_away_is_stopped_here_and_answers_from_elsewhere_arrive(
    dispatch: Any, drives: Drives, journal: SqlJournal, new: New, database: Database
) -> None:
    dispatcher = await dispatch(Limits(here=2))
    execution, stays = new(driver=ME), new(driver=ME)
    elsewhere = ExecutionStore(database, OTHER)
    for one in (execution, stays):
        await journal.create(one)
        dispatcher.submit(one.execution_id)
    await until(lambda: len(drives.begun) == 2)
    assert await elsewhere.add_signal(stays.execution_id, Path("ask"), {"decision": "rejected"})
    await until(lambda: drives.delivered)
    assert drives.delivered == [(stays.execution_id, "ask", {"decision": "rejected"})]
    await elsewhere.claim(execution.execution_id)
    await until(lambda: drives.cancelled)
    assert drives.cancelled == [execution.execution_id]
    assert dispatcher.running(stays.execution_id)
    assert not dispatcher.running(execution.execution_id)


async def test_what_a_dead_process_took_from_the_queue_is_queued_again(database_url: str, database: Database) -> None:
    taken: list[ExecutionId] = []
    stuck = asyncio.Event()

    async def drive(execution_id: ExecutionId, _epoch: int) -> None:
        taken.append(execution_id)
        await stuck.wait()

    queue = DbosQueue(database_url, "dead", Limits(4), drive)
    await queue.start()
    await queue.put(Ticket(ExecutionId("E"), UserId("ann"), Priority.LOW, 3))
    await until(lambda: taken)
    await queue.stop()
    stuck.set()
    queue = DbosQueue(database_url, "living", Limits(4), drive)
    await queue.start()
    assert await queue.hand_on({"living"}) == 1
    await until(lambda: len(taken) == 2)
    assert await queue.hand_on({"living"}) == 0
    await queue.stop()
    async with database.sessions() as session:
        [(partition, form)] = await session.execute(
            text("SELECT queue_partition_key, serialization FROM dbos.workflow_status")
        )
    assert partition == "ann"
    assert form == "awe-json"  # never pickle


async def test_a_ticket_that_nobody_redeemed_comes_again_when_it_is_queued_again(database_url: str) -> None:
    given: list[ExecutionId] = []

    async def drive(execution_id: ExecutionId, _epoch: int) -> None:
        given.append(execution_id)

    queue = DbosQueue(database_url, ME, Limits(4), drive)
    ticket = Ticket(ExecutionId("thrown-away"), UserId("ann"), Priority.NORMAL, 1)
    await queue.start()
    try:
        for times in (1, 2):
            await queue.put(ticket)
            await until(lambda times=times: len(given) == times)
    finally:
        await queue.stop()


async def test_what_a_process_takes_from_the_queue_while_it_ends_goes_to_another(
    database_url: str, drives: Drives, journal: SqlJournal, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = new(driver=OTHER)
    await journal.create(execution)
    asked = asyncio.Event()

    async def refuse(_self: Leases, _execution_id: ExecutionId, _epoch: int) -> None:
        asked.set()
        raise ConnectionError("the database is away")

    other = Leases(database_url, OTHER)
    await other.start()

    stop_queue = DbosQueue.stop

    async def stop_late(queue: DbosQueue) -> None:
        await asyncio.sleep(0.5)
        await stop_queue(queue)

    async def keep_alive() -> None:  # who answers for it lives, so that no look finds it: only the queue knows of it
        while True:
            await other.look([], take=False, everywhere=False)
            await asyncio.sleep(0.5)

    beats = asyncio.create_task(keep_alive())
    ending = DbosDispatcher(drives, Limits(4), database_url, ME, MemoryBus())
    living = DbosDispatcher(drives, Limits(4), database_url, "third", MemoryBus())
    try:
        with monkeypatch.context() as away:
            away.setattr(Leases, "redeem", refuse)
            away.setattr(DbosQueue, "stop", stop_late)
            away.setattr(dispatch_dbos, "TRY_AGAIN_S", 0.01)  # so that it sees at once that it ends
            await ending.start()
            await ending._queue.put(Ticket(execution.execution_id, UserId("ann"), Priority.NORMAL, 1))
            await asked.wait()
            await ending.stop()
        await living.start()
        await until(lambda: drives.begun == [execution.execution_id])
    finally:
        drives.may_end.set()
        await living.stop()
        beats.cancel()
        await asyncio.gather(beats, return_exceptions=True)
        await other.stop()
