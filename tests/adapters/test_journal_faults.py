"""The journal when things break: bad rows, cut connections, take-overs, kill -9."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path as File

import pytest
from sqlalchemy import text

from awe_app.adapters.db import Database
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import NewExecution, SqlJournal, SqlRecorder
from awe_app.domain import events as ev
from awe_app.domain.errors import Fenced, Unavailable
from awe_app.domain.ids import ExecutionId, new_id
from tests.adapters.history import LATER, begin, completed, line, started

New = Callable[..., NewExecution]


async def test_one_bad_execution_does_not_take_its_batch_down(journal: SqlJournal, new: New) -> None:
    good, stranger = [new() for _ in range(10)], new(user_id=new_id())
    outcomes = await asyncio.gather(*(journal.create(e) for e in [*good, stranger]), return_exceptions=True)
    assert outcomes[:10] == [None] * 10
    assert isinstance(outcomes[10], Unavailable)
    assert outcomes[10].code == "STORAGE_ERROR"
    await journal.create(new())


async def test_a_refused_write_fails_the_execution_in_order_and_spares_the_others(
    journal: SqlJournal, executions: ExecutionStore, database: Database, new: New
) -> None:
    bad, good = new(), new()
    broken, fine = await begin(journal, bad), await begin(journal, good)
    broken.append(started())
    await broken.durable(1)
    event = line(2, "planted")
    trigger = "CREATE TRIGGER refuse BEFORE INSERT ON events"
    async with database.sessions.begin() as session:
        if database.is_sqlite:
            await session.execute(
                text(f"{trigger} WHEN NEW.data LIKE '%planted%' BEGIN SELECT RAISE(ABORT, 'disk on fire'); END")
            )
        else:
            await session.execute(
                text(
                    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
                    " AS $$ BEGIN RAISE EXCEPTION 'disk on fire'; END $$"
                )
            )
            await session.execute(
                text(f"{trigger} FOR EACH ROW WHEN (NEW.data LIKE '%planted%') EXECUTE FUNCTION refuse()")
            )
    broken.append(event)
    fine.append(started())
    broken.append(line(3))
    await fine.durable(1)
    with pytest.raises(Unavailable, match="disk on fire"):
        await broken.durable(2)
    broken.append(line(4))
    with pytest.raises(Unavailable, match="disk on fire"):
        await broken.durable(4)
    await broken.durable(1)
    assert await journal.read(bad.execution_id) == [started()]
    # Whoever takes the execution over goes on from there.
    claim = await executions.claim(bad.execution_id)
    assert claim is not None
    heir = journal.recorder(bad.execution_id, claim.epoch)
    heir.append(completed(2))
    await heir.durable(2)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_cut_connection_is_mended(journal: SqlJournal, database: Database, new: New) -> None:
    recorder = await begin(journal, new())
    async with database.sessions() as session:
        await session.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE datname = current_database() AND pid <> pg_backend_pid()")
        )  # fmt: skip
    recorder.append(started())
    await recorder.durable(1)


async def test_two_processes_never_share_a_seq(database_url: str, executions: ExecutionStore, new: New) -> None:
    """Two journals stand for two processes that both believe an execution is theirs."""
    first, second = (SqlJournal(database_url, lambda *_: None) for _ in range(2))
    for journal in (first, second):
        journal.start(asyncio.get_running_loop())
    all_executions = [new() for _ in range(30)]
    holders: list[tuple[SqlRecorder, SqlRecorder]] = []
    for execution in all_executions:
        old = await begin(first, execution)
        old.append(started())
        await old.durable(1)
        holders.append((old, second.recorder(execution.execution_id, 2)))

    async def write(recorder: SqlRecorder, name: str) -> int:
        seq = 1
        try:
            for seq in range(2, 40):
                recorder.append(line(seq, name))
                await recorder.durable(seq)
        except Fenced:
            return seq - 1
        return seq

    async def take_over(execution_id: ExecutionId, old: SqlRecorder, heir: SqlRecorder) -> None:
        writing = asyncio.ensure_future(write(old, "old"))
        await old.durable(3)
        claim = await executions.claim(execution_id)
        assert claim is not None
        past = await second.read(execution_id)
        heir.append(ev.ExecutionResumed(seq=len(past) + 1, at=LATER, reason="recovered"))
        heir.append(completed(len(past) + 2))
        await heir.durable(len(past) + 2)
        last_of_old = await writing
        events = await first.read(execution_id)
        assert [event.seq for event in events] == list(range(1, len(past) + 3))
        assert last_of_old == len(past)
        assert events[: len(past)] == past

    await asyncio.gather(*(take_over(e.execution_id, *pair) for e, pair in zip(all_executions, holders, strict=True)))
    for journal in (first, second):
        await asyncio.to_thread(journal.stop)


CHILD = """
import asyncio, sys
from awe_app.adapters.journal import NewExecution, SqlJournal
from awe_app.domain import events as ev
from awe_app.domain.ids import new_id, utc_now
from awe_app.domain.workflow import Workflow
from awe_app.services.plans import snapshot_name

async def drive(journal, name):
    workflow = Workflow(name=name)
    new = NewExecution(execution_id=new_id(), workflow_id=None, user_id=None, workflow=workflow,
                       snapshot_id=snapshot_name(workflow), inputs={})
    await journal.create(new)
    print(new.execution_id, 0, flush=True)
    recorder, seq = journal.recorder(new.execution_id, 1), 0
    while True:
        for _ in range(3):
            seq += 1
            recorder.append(ev.LogWritten(seq=seq, at=utc_now(), level="info", path=None, message="x" * 50))
        await recorder.durable(seq)
        print(new.execution_id, seq, flush=True)

async def main():
    journal = SqlJournal(sys.argv[1], lambda *_: None)
    journal.start(asyncio.get_running_loop())
    await asyncio.gather(*(drive(journal, str(k)) for k in range(8)))

asyncio.run(main())
"""


async def test_what_was_durable_outlives_kill_9(
    database_url: str, journal: SqlJournal, executions: ExecutionStore
) -> None:
    promised: dict[str, int] = {}
    command = [sys.executable, "-c", CHILD, database_url]
    with subprocess.Popen(command, cwd=File(__file__).parents[2], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for number, report in enumerate(process.stdout):
            if not report.endswith("\n"):
                break  # the kill cut this promise off in the middle of its line
            execution_id, seq = report.split()
            promised[execution_id] = int(seq)
            if number == 400:
                os.kill(process.pid, signal.SIGKILL)  # what is still in the pipe was promised too: read on
    assert len(promised) == 8
    assert {ticket.execution_id for ticket in await executions.unfinished()} == set(promised)
    for execution_id, seq in promised.items():
        stored = [event.seq for event in await journal.read(ExecutionId(execution_id))]
        assert stored == list(range(1, len(stored) + 1))
        assert len(stored) >= seq
