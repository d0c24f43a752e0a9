"""A database that is busy, full, refuses writes or hangs up: executions wait, and go on when the trouble is over."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from sqlalchemy import Connection, Engine, event, text

from awe_app.adapters import db
from awe_app.domain.errors import Unavailable
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId
from tests.builders import graph, node
from tests.faults.conftest import Ground, check_effects, check_journal
from tests.faults.test_kill import TRIES, effect, inside

LONG = graph(
    "a -> each -> flaky -> last",
    effect("a", 0.02),
    node("each", "loop", {"items": [0, 1, 2, 3], "concurrency": 2}),
    inside("each", effect("deep", 0.05)),
    effect("flaky", 0.05, fails_first=1, retry=TRIES),
    effect("last", 0.02),
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute of patience with a lock is right for people, not for tests."""
    monkeypatch.setattr(db, "_BUSY_TIMEOUT_S", 0.1)


async def begin(ground: Ground, count: int = 5) -> list[ExecutionId]:
    if not ground.workflows:
        await ground.add(LONG)
    (workflow_id,) = ground.workflows
    states = [await ground.house.executions.start(ground.house.user, workflow_id, {}) for _ in range(count)]  # type: ignore[arg-type]
    return [state.execution_id for state in states]


async def all_complete(ground: Ground, execution_ids: list[ExecutionId]) -> None:
    """Every one comes to its right end, with nothing done twice and nothing missing."""
    effects = ground._effects()
    for execution_id in execution_ids:
        state: ExecutionState
        while not (state := await ground.house.executions.get(ground.house.user, execution_id)).ended:
            await asyncio.sleep(0.02)
        assert (state.status, state.result) == ("completed", {"last": "last"}), state.error
        events = await ground.house.journal.read(execution_id)
        check_journal(events)
        effects = ground._effects()
        check_effects(events, effects[execution_id])


async def make(ground: Ground, *statements: str) -> None:
    async with ground.house.database.sessions.begin() as session:
        for statement in statements:
            await session.execute(text(statement))


@contextmanager
def on_begin(statement: str) -> Iterator[None]:
    """Say this to SQLite at the beginning of every transaction."""

    def say(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    event.listen(Engine, "begin", say)
    try:
        yield
    finally:
        event.remove(Engine, "begin", say)


@asynccontextmanager
async def write_lock(ground: Ground) -> AsyncIterator[None]:
    """Somebody else writes, and takes his time."""
    if ground.house.database.is_sqlite:
        engine = db.sync_engine(ground.house.database.url)
        with engine.begin() as connection:
            connection.execute(text("UPDATE users SET username = username"))
            yield
        engine.dispose()
        return
    async with ground.house.database.sessions.begin() as session:
        await session.execute(text("LOCK TABLE events, executions IN ACCESS EXCLUSIVE MODE"))
        yield


async def test_a_busy_database_is_waited_for(ground: Ground) -> None:
    before = await begin(ground)
    await asyncio.sleep(0.05)
    async with write_lock(ground):
        await asyncio.sleep(2)
    await all_complete(ground, [*before, *await begin(ground)])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_full_disk_refuses_what_is_new_and_keeps_what_is_there(ground: Ground) -> None:
    before = await begin(ground)
    await asyncio.sleep(0.05)
    with on_begin("PRAGMA max_page_count = 1"):  # what is there stays; nothing can be added
        await asyncio.sleep(1.5)
        with pytest.raises(Unavailable, match="full"):
            await begin(ground, 200)  # there is room in the last page for some of them
    with on_begin("PRAGMA max_page_count = 1000000"):
        await all_complete(ground, [*before, *await begin(ground)])


async def test_writes_that_are_refused_are_made_later(ground: Ground) -> None:
    before = await begin(ground)
    await asyncio.sleep(0.05)
    if ground.house.database.is_sqlite:
        await make(ground, "CREATE TRIGGER fire BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'on fire'); END")
    else:
        body = "BEGIN RAISE EXCEPTION 'on fire'; END"
        await make(
            ground,
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
            "CREATE TRIGGER fire BEFORE INSERT ON events EXECUTE FUNCTION refuse()",
        )
    await asyncio.sleep(1.5)
    await make(ground, "DROP TRIGGER fire" + ("" if ground.house.database.is_sqlite else " ON events"))
    await all_complete(ground, [*before, *await begin(ground)])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_server_that_hangs_up_again_and_again_and_then_answers_nobody_is_waited_for(ground: Ground) -> None:
    hang_up = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid()"
    )
    before = await begin(ground)
    url = db.make_url(ground.house.database.url)
    name = url.database
    other = db.sync_engine(url.set(database="postgres").render_as_string(hide_password=False), read_only=True)
    with other.connect() as admin:
        for _ in range(10):
            await asyncio.sleep(0.05)
            admin.execute(hang_up, {"name": name})
        admin.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
        admin.execute(hang_up, {"name": name})
        await asyncio.sleep(2)
        admin.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
    other.dispose()
    await all_complete(ground, [*before, *await begin(ground)])
