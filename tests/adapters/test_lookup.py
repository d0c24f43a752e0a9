"""Rows by key, read for many at once, and workflows that are read again only when they changed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from awe_app.adapters.db import Database
from awe_app.adapters.lookup import Lookup, Row
from awe_app.adapters.user_store import UserStore
from awe_app.adapters.workflow_store import WorkflowStore
from awe_app.domain.errors import Unavailable
from awe_app.domain.ids import UserId, WorkflowId, new_id
from awe_app.domain.workflow import Workflow


class SlowTable:
    """Rows whose reading the test holds back, and which keys were asked for together."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.asked: list[Sequence[str]] = []
        self.reached = threading.Event()
        self.open = threading.Event()
        self.fails_with: Exception | None = None

    def read(self, _connection: Connection, keys: Sequence[str]) -> dict[str, Row]:
        self.asked.append(sorted(keys))
        found = {key: self.rows[key] for key in keys if key in self.rows}
        self.reached.set()
        assert self.open.wait(60)
        if self.fails_with is not None:
            raise self.fails_with
        return found


@pytest.fixture
def table() -> SlowTable:
    return SlowTable()


@pytest.fixture
async def other_database(database_url: str) -> AsyncIterator[Database]:
    """The same tables, as another process has them."""
    database = Database(database_url)
    await database.start()
    yield database
    await database.stop()


async def begun(task: asyncio.Task[Row | None], table: SlowTable) -> None:
    await asyncio.to_thread(table.reached.wait, 60)
    assert not task.done()


async def test_who_asks_while_a_read_is_under_way_is_answered_by_the_next_one(
    database: Database, table: SlowTable
) -> None:
    lookup = Lookup(database, table.read)
    table.rows["a"] = (1,)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(lookup.row("a"))
        await begun(first, table)
        table.rows["a"] = (2,)
        later = [tasks.create_task(lookup.row(key)) for key in ("a", "b", "a")]
        await asyncio.sleep(0)
        table.open.set()
    assert first.result() == (1,)
    assert [task.result() for task in later] == [(2,), None, (2,)]
    assert table.asked == [["a"], ["a", "b"]]


async def test_a_failed_read_is_told_to_all_who_asked_and_the_next_one_works(
    database: Database, table: SlowTable
) -> None:
    lookup = Lookup(database, table.read)
    table.open.set()
    table.fails_with = OperationalError("SELECT", {}, Exception("the disk is gone"))
    outcomes = await asyncio.gather(*(lookup.row(key) for key in "aab"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert "the disk is gone" in str(outcomes[0])
    assert "SELECT" not in str(outcomes[0])
    table.fails_with, table.rows["a"] = None, (7,)
    assert await lookup.row("a") == (7,)


async def test_somebody_who_stops_asking_harms_nobody(database: Database, table: SlowTable) -> None:
    lookup = Lookup(database, table.read)
    table.rows["a"] = (1,)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(lookup.row("a"))
        await begun(first, table)
        gone, stays = tasks.create_task(lookup.row("a")), tasks.create_task(lookup.row("a"))
        await asyncio.sleep(0)
        first.cancel()
        gone.cancel()
        await asyncio.sleep(0)
        table.open.set()
    assert stays.result() == (1,)


async def test_a_closed_database_says_so_also_to_those_who_waited(database: Database, table: SlowTable) -> None:
    lookup = Lookup(database, table.read)
    table.rows["a"] = (1,)
    first, second = asyncio.ensure_future(lookup.row("a")), asyncio.ensure_future(lookup.row("a"))
    await asyncio.to_thread(table.reached.wait, 60)
    closing = asyncio.ensure_future(database.stop())
    await asyncio.sleep(0)
    table.open.set()
    await closing
    assert await first == (1,)
    with pytest.raises(RuntimeError, match="not open"):
        await second
    with pytest.raises(RuntimeError, match="not open"):
        await lookup.row("a")


async def test_a_broken_connection_is_replaced(database: Database) -> None:
    if database.is_sqlite:

        def broken(connection: Connection) -> int:
            if not tries:
                tries.append(1)
                raise OperationalError("SELECT", {}, Exception("gone"))
            return connection.exec_driver_sql("SELECT 1").scalar_one()

        tries: list[int] = []
        assert await database.read(broken) == 1
        return
    victim = await database.read(lambda c: c.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
    async with database.sessions() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": victim})
    assert await database.read(lambda c: c.exec_driver_sql("SELECT 1").scalar_one()) == 1


def named(name: str) -> Workflow:
    return Workflow.model_validate({"name": name})


@pytest.fixture
async def ann(users: UserStore) -> UserId:
    return (await users.add("Ann", "ann@example.org", "hash")).id


async def test_what_one_process_saves_shares_or_deletes_another_one_sees_at_once(
    database: Database, other_database: Database, ann: UserId
) -> None:
    here, there = WorkflowStore(database), WorkflowStore(other_database)
    stored = await here.add(ann, named("One"))
    for _ in range(2):
        assert await there.get(stored.id) == stored
    saved = await here.update(stored.id, named("Two"), 1)
    assert await there.get(stored.id) == saved
    shared = await here.update(stored.id, named("Two"), None, is_public=True)
    assert await there.get(stored.id) == shared
    await here.delete([stored.id], ann)
    assert await there.get(stored.id) is None
    assert await here.get(stored.id) is None


async def test_a_workflow_that_was_changed_behind_the_store_is_read_again(
    database: Database, workflows: WorkflowStore, users: UserStore, ann: UserId
) -> None:
    stored = await workflows.add(ann, named("One"))
    assert await workflows.get(stored.id) == stored
    ben = (await users.add("Ben", "ben@example.org", "hash")).id
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE workflows SET owner_id = :ben"), {"ben": ben})
    found = await workflows.get(stored.id)
    assert found is not None
    assert found.owner_id == ben


async def test_an_unchanged_workflow_is_read_once_and_more_than_are_kept_are_all_right(
    workflows: WorkflowStore, ann: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("awe_app.adapters.workflow_store._KEPT", 2)
    stored = [await workflows.add(ann, named(name)) for name in ("One", "Two", "Three")]
    first = await workflows.get(stored[0].id)
    assert first is not None
    again = await workflows.get(stored[0].id)
    assert again is not None
    assert again.workflow is first.workflow
    for _ in range(2):
        assert await asyncio.gather(*(workflows.get(item.id) for item in stored)) == stored
    assert await workflows.get(WorkflowId(new_id())) is None
