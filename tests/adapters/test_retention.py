"""Old executions go with all that only they need; what is unfinished or shared stays."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from awe_app.adapters.db import Database
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import NewExecution, SqlJournal
from awe_app.adapters.retention import BATCH, Retention
from awe_app.domain.ids import ExecutionId, Path, utc_now
from awe_app.domain.options import Parent
from tests.adapters.history import LATER, begin, completed, line, started
from tests.adapters.test_payloads import finished

New = Callable[..., NewExecution]
DAYS = 30
OLD = LATER + timedelta(days=DAYS, seconds=1)
"""When what the tests' events complete has become too old."""
LARGE = "x" * 300_000


async def ended(journal: SqlJournal, execution: NewExecution, result: object = "done") -> ExecutionId:
    recorder = await begin(journal, execution)
    for event in (started(), line(2), completed(3, result)):
        recorder.append(event)
    await recorder.durable(3)
    return execution.execution_id


async def under_way(journal: SqlJournal, execution: NewExecution) -> ExecutionId:
    recorder = await begin(journal, execution)
    recorder.append(started())
    await recorder.durable(1)
    return execution.execution_id


async def sweep(database: Database, now: datetime = OLD) -> int:
    return await asyncio.to_thread(Retention(database.url, DAYS).sweep, now)


async def left(database: Database) -> dict[str, int]:
    tables = ("executions", "events", "snapshots", "payloads", "payload_uses", "signals")
    async with database.sessions() as session:
        counts = [(await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() for table in tables]
    return dict(zip(tables, counts, strict=True))


async def test_what_ended_long_ago_goes_with_all_that_only_it_needs(
    journal: SqlJournal, executions: ExecutionStore, database: Database, new: New
) -> None:
    old = new("Old")
    recorder = await begin(journal, old)
    recorder.append(started())
    await recorder.durable(1)
    assert await executions.add_signal(old.execution_id, Path("ask"), {"decision": "approved"})
    recorder.append(completed(2, LARGE))
    await recorder.durable(2)
    assert await sweep(database, OLD - timedelta(seconds=2)) == 0
    assert await sweep(database) == 1
    assert set((await left(database)).values()) == {0}


async def test_what_is_unfinished_or_young_or_still_needed_stays(
    journal: SqlJournal, executions: ExecutionStore, database: Database, new: New
) -> None:
    going = await under_way(journal, new("Shared"))
    await ended(journal, new("Shared"), LARGE)
    parent = Parent(going, Path("sub"))
    child = await ended(journal, new("Child", parent=parent, depth=1))
    young = new("Young")
    recorder = await begin(journal, young)
    recorder.append(started())
    recorder.append(replace(completed(2, LARGE), at=utc_now()))
    await recorder.durable(2)
    assert await sweep(database) == 1
    for stays in (going, child, young.execution_id):
        assert await executions.summary(stays) is not None
    counts = await left(database)
    assert (counts["executions"], counts["snapshots"], counts["payloads"], counts["payload_uses"]) == (3, 3, 1, 1)
    assert len(await journal.read(young.execution_id)) == 2


async def test_many_go_in_small_batches_and_two_processes_do_not_disturb_each_other(
    journal: SqlJournal, database: Database, new: New
) -> None:
    for number in range(2 * BATCH + 3):
        await ended(journal, new(f"Name {number % 3}"), f"{number % 5}" + LARGE)
    deleted = sum(await asyncio.gather(*(sweep(database) for _ in range(3))))
    deleted += await sweep(database)  # one process alone at a time: the others left it to the first
    assert deleted == 2 * BATCH + 3
    assert set((await left(database)).values()) == {0}


async def test_a_workflow_whose_snapshot_has_gone_can_be_started_again(
    journal: SqlJournal, database: Database, new: New
) -> None:
    await ended(journal, new(), LARGE)
    assert await sweep(database) == 1
    again = await ended(journal, new(), LARGE)  # the journal believes that it has stored the snapshot
    assert len(await journal.read(again)) == 3
    assert (await left(database))["payloads"] == 1


async def test_it_works_by_itself_and_ends_when_told(
    journal: SqlJournal, database: Database, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    from awe_app.adapters import retention

    monkeypatch.setattr(retention, "FIRST_AFTER_S", 0.0)
    await ended(journal, new())  # long ago: the events' moment is a fixed day in the past
    sweeping = Retention(database.url, DAYS)
    sweeping.start()
    async with asyncio.timeout(30):
        while (await left(database))["executions"]:
            await asyncio.sleep(0.02)
    await asyncio.to_thread(sweeping.stop)
    assert not [thread for thread in threading.enumerate() if thread.name == "awe-retention"]


async def test_what_is_written_while_old_ones_go_loses_nothing(
    journal: SqlJournal, database: Database, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    from awe_app.adapters import retention

    monkeypatch.setattr(retention, "PAUSE_S", 0.0)
    over = asyncio.Event()
    swept: list[int] = []

    async def keep_sweeping() -> None:
        while not over.is_set():
            swept.append(await sweep(database))

    async def live(number: int) -> None:
        for _ in range(10):  # snapshots and values are shared with those that go at this moment
            execution = new(f"Name {number % 2}")
            recorder = await begin(journal, execution)
            events = [started(), finished(2, {"out": f"{number % 2}{LARGE}"})]
            for event in events:
                recorder.append(event)
            await recorder.durable(2)
            assert await journal.read(execution.execution_id) == events
            recorder.append(completed(3))
            await recorder.durable(3)

    async with asyncio.TaskGroup() as group:
        sweepers = [group.create_task(keep_sweeping()) for _ in range(2)]
        async with asyncio.TaskGroup() as writers:
            for number in range(6):
                writers.create_task(live(number))
        over.set()
        for sweeper in sweepers:
            await sweeper
    swept.append(await sweep(database))
    assert sum(swept) == 60
    assert set((await left(database)).values()) == {0}
