"""What PostgreSQL is told for every connection, so that nobody's death or sleep holds up the others."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from awe_app.adapters import db
from awe_app.adapters.db import Database, sync_engine
from awe_app.domain.errors import Unavailable

SHOW = text("SHOW idle_in_transaction_session_timeout")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_every_connection_ends_transactions_of_who_fell_asleep(database: Database) -> None:
    def of_threads() -> Any:
        engine = sync_engine(database.url)
        with engine.connect() as connection:
            shown = connection.scalar(SHOW)
        engine.dispose()
        return shown

    async with database.sessions() as session:
        assert await session.scalar(SHOW) == "5s"
    assert await asyncio.to_thread(of_threads) == "5s"
    assert await database.read(lambda connection: connection.scalar(SHOW)) == "5s"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_lock_of_who_sleeps_in_a_transaction_is_let_go(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(db.SESSION, "idle_in_transaction_session_timeout", "300")
    asleep = Database(database.url)
    await asleep.start()
    lock = text("LOCK TABLE executions IN ACCESS EXCLUSIVE MODE")
    session = asleep.sessions()
    await session.execute(lock)
    async with asyncio.timeout(60), database.sessions.begin() as other:  # waits until it is let go
        await other.execute(lock)
    with pytest.raises((Unavailable, OperationalError)):
        await session.execute(lock)
    await session.close()
    await asleep.stop()
