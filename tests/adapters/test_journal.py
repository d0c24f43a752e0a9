"""The journal: stored first, then told; one holder at a time; a final status stays."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from sqlalchemy import Engine, text
from sqlalchemy import event as sqlalchemy_event

from awe_app.adapters.db import Database, sync_engine
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import NewExecution, SqlJournal, SqlRecorder
from awe_app.adapters.user_store import UserStore
from awe_app.domain import events as ev
from awe_app.domain.errors import Conflict, Fenced, Invalid
from awe_app.domain.ids import ExecutionId, NodeId, Path, new_id
from awe_app.domain.pages import PageQuery
from tests.adapters.history import AT, LATER, begin, completed, line, started

New = Callable[..., NewExecution]


async def test_a_created_execution_is_pending(journal: SqlJournal, executions: ExecutionStore, new: New) -> None:
    execution = new(inputs={"topic": "ants"})
    await journal.create(execution)
    summary = await executions.summary(execution.execution_id)
    assert summary is not None
    assert (summary.status, summary.workflow_name, summary.result, summary.started_at) == (
        "pending", "Letter", None, None,
    )  # fmt: skip
    assert summary.created_at.tzinfo is UTC
    assert await journal.read(execution.execution_id) == []


async def test_events_come_back_as_they_were(journal: SqlJournal, new: New) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    events = [started(), line(2, "äöü \x00 \ud800 \u2028 🐜"), completed(3, {"list": [1, 2.5, None, True, {"a": []}]})]
    for event in events:
        recorder.append(event)
    await recorder.durable(3)
    assert await journal.read(execution.execution_id) == events
    assert await journal.read(execution.execution_id, 2) == events[2:]
    assert await journal.read(execution.execution_id, 3) == []


async def test_events_are_told_in_order_and_only_when_stored(database_url: str, new: New) -> None:
    stored_when_told: list[tuple[int, int]] = []
    reader = sync_engine(database_url, read_only=True)

    def look(execution_id: ExecutionId, event: ev.Event) -> None:
        with reader.connect() as connection:
            found = connection.execute(
                text("SELECT count(*) FROM events WHERE execution_id = :id AND seq <= :seq"),
                {"id": execution_id, "seq": event.seq},
            )
            stored_when_told.append((event.seq, found.scalar_one()))

    journal = SqlJournal(database_url, look)
    journal.start(asyncio.get_running_loop())
    recorder = await begin(journal, new())
    for seq in range(1, 40):
        recorder.append(started() if seq == 1 else line(seq))
        if seq % 7 == 0:
            await recorder.durable(seq)
    await recorder.durable(39)
    await asyncio.to_thread(journal.stop)
    reader.dispose()
    assert stored_when_told == [(seq, seq) for seq in range(1, 40)]


async def test_the_row_follows_the_events(journal: SqlJournal, executions: ExecutionStore, new: New) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    recorder.append(started())
    await recorder.durable(1)
    summary = await executions.summary(execution.execution_id)
    assert summary is not None
    assert (summary.status, summary.started_at, summary.completed_at) == ("running", AT, None)
    recorder.append(completed(2, ["a", 1]))
    await recorder.durable(2)
    summary = await executions.summary(execution.execution_id)
    assert summary is not None
    assert (summary.status, summary.started_at, summary.completed_at) == ("completed", AT, LATER)
    assert (summary.result, summary.error) == (["a", 1], None)
    assert summary.usage == {"prompt_tokens": 3, "completion_tokens": 4, "cost_usd": 0.5}


async def test_an_execution_that_begins_and_ends_in_one_commit_has_both_times(
    journal: SqlJournal, executions: ExecutionStore, new: New
) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    recorder.append(started())
    recorder.append(
        ev.ExecutionFailed(seq=2, at=LATER, code="MODEL_ERROR", detail="no answer", path=Path("each[3]/writer"))
    )
    await recorder.durable(2)
    summary = await executions.summary(execution.execution_id)
    assert summary is not None
    assert (summary.status, summary.started_at, summary.completed_at) == ("failed", AT, LATER)
    assert summary.error == {"code": "MODEL_ERROR", "detail": "no answer", "node_id": "each[3]/writer"}


async def test_waiting_for_an_event_that_is_not_yet_appended_ends_when_it_is_stored(
    journal: SqlJournal, new: New
) -> None:
    recorder = await begin(journal, new())
    recorder.append(started())
    waiting = asyncio.ensure_future(recorder.durable(2))
    await recorder.durable(1)
    assert not waiting.done()
    recorder.append(line(2))
    await waiting


async def test_a_cancelled_waiter_disturbs_nobody(journal: SqlJournal, new: New) -> None:
    recorder = await begin(journal, new())
    hasty = asyncio.ensure_future(recorder.durable(1))
    patient = asyncio.ensure_future(recorder.durable(1))
    await asyncio.sleep(0)
    hasty.cancel()
    recorder.append(started())
    await patient
    assert hasty.cancelled() or hasty.cancelling()


async def test_an_old_epoch_is_fenced_and_nothing_of_it_is_stored(
    journal: SqlJournal, executions: ExecutionStore, new: New, told: list[tuple[ExecutionId, ev.Event]]
) -> None:
    execution = new()
    old = await begin(journal, execution)
    old.append(started())
    await old.durable(1)

    claim = await executions.claim(execution.execution_id)
    assert claim is not None
    assert (claim.epoch, claim.inputs, claim.workflow, claim.snapshot_id) == (
        2, {}, execution.workflow, execution.snapshot_id,
    )  # fmt: skip
    fresh = journal.recorder(execution.execution_id, claim.epoch)
    old.append(line(2, "of the old one"))
    fresh.append(line(2, "of the new one"))
    old.append(line(3, "of the old one"))
    await fresh.durable(2)
    with pytest.raises(Fenced):
        await old.durable(2)
    with pytest.raises(Fenced):
        await old.durable(3)
    await old.durable(1)

    fresh.append(completed(3))
    await fresh.durable(3)
    expected = [started(), line(2, "of the new one"), completed(3)]
    assert await journal.read(execution.execution_id) == expected
    assert [event for _id, event in told] == expected


async def test_after_a_final_event_everything_is_fenced_even_in_the_same_commit(
    journal: SqlJournal, executions: ExecutionStore, new: New
) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    events = [started(), completed(2, "first"), completed(3, "second"), line(4)]
    for event in events:
        recorder.append(event)
    await recorder.durable(2)
    with pytest.raises(Fenced):
        await recorder.durable(3)
    late = journal.recorder(execution.execution_id, 1)
    late.append(ev.ExecutionCancelled(seq=3, at=LATER))
    with pytest.raises(Fenced):
        await late.durable(3)
    assert await journal.read(execution.execution_id) == events[:2]
    summary = await executions.summary(execution.execution_id)
    assert summary is not None
    assert (summary.status, summary.result) == ("completed", "first")
    assert await executions.claim(execution.execution_id) is None


async def test_an_unknown_execution_is_fenced(journal: SqlJournal) -> None:
    recorder = journal.recorder(ExecutionId(new_id()), 1)
    recorder.append(started())
    with pytest.raises(Fenced):
        await recorder.durable(1)


async def test_an_event_that_leaves_a_gap_is_refused(journal: SqlJournal, new: New) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    recorder.append(started())
    with pytest.raises(ValueError, match=r"event 3 .* cannot follow event 1"):
        recorder.append(line(3))
    await recorder.durable(1)
    unread = journal.recorder(execution.execution_id, 1)
    unread.append(line(5))
    with pytest.raises(Invalid, match="event 5 cannot follow event 1"):
        await unread.durable(5)
    assert await journal.read(execution.execution_id) == [started()]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1, 2}, object(), datetime(2026, 1, 1, tzinfo=UTC), b"x"]
)
async def test_a_value_that_is_no_json_is_named_and_what_came_before_is_stored(
    journal: SqlJournal, new: New, value: object
) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    recorder.append(started())
    recorder.append(
        ev.NodeFinished(
            seq=2, at=AT, path=Path("maths"), node_id=NodeId("maths"), input={}, outputs={"out": value}, started_at=AT
        )
    )
    recorder.append(line(3))
    await recorder.durable(1)
    for seq in (2, 3):
        with pytest.raises(Invalid, match=r"NOT_JSON: NodeFinished of node 'maths' holds a value that is no JSON"):
            await recorder.durable(seq)
    assert await journal.read(execution.execution_id) == [started()]
    with pytest.raises(Invalid, match="NOT_JSON"):
        await journal.create(new(inputs={"x": value}))


async def test_an_event_is_stored_as_it_was_when_it_was_appended(journal: SqlJournal, new: New) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    inputs = {"list": [1]}
    recorder.append(
        ev.ExecutionStarted(seq=1, at=AT, inputs=MappingProxyType(inputs), variables=MappingProxyType({"a": inputs}))
    )
    inputs["list"].append(2)
    await recorder.durable(1)
    [event] = await journal.read(execution.execution_id)
    assert isinstance(event, ev.ExecutionStarted)
    assert (event.inputs, event.variables) == ({"list": [1]}, {"a": {"list": [1]}})


async def test_an_idempotency_key_belongs_to_one_execution_of_each_user(
    journal: SqlJournal, executions: ExecutionStore, users: UserStore, new: New
) -> None:
    ann = await users.add("ann", "ann@example.org", "x")
    ben = await users.add("ben", "ben@example.org", "x")
    attempts = [new(user_id=ann.id, idempotency_key="k") for _ in range(20)]
    others = [new(user_id=ann.id, idempotency_key="other"), new(user_id=ben.id, idempotency_key="k"), new(), new()]
    outcomes = await asyncio.gather(*(journal.create(e) for e in [*attempts, *others]), return_exceptions=True)
    assert outcomes[20:] == [None] * 4
    assert outcomes.count(None) == 5
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert {type(e) for e in refused} == {Conflict}
    assert {e.code for e in refused if isinstance(e, Conflict)} == {"IDEMPOTENCY_KEY_TAKEN"}
    winner = await executions.by_idempotency_key(ann.id, "k")
    assert winner == attempts[outcomes.index(None)].execution_id
    assert await executions.by_idempotency_key(ben.id, "other") is None
    with pytest.raises(Conflict):
        await journal.create(new(user_id=ann.id, idempotency_key="k"))
    assert (await executions.list(ann.id, PageQuery())).total == 2


async def test_equal_workflows_share_one_snapshot(journal: SqlJournal, database: Database, new: New) -> None:
    await asyncio.gather(*(journal.create(new(name)) for name in ("A", "B", "A", "A", "B")))
    await journal.create(new("A"))
    async with database.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM snapshots")) == 2
        assert await session.scalar(text("SELECT count(*) FROM executions")) == 6


async def test_an_execution_of_a_workflow_deleted_meanwhile_is_stored_without_it(
    journal: SqlJournal, executions: ExecutionStore, new: New
) -> None:
    execution = new(workflow_id=new_id())
    await journal.create(execution)
    summary = await executions.summary(execution.execution_id)
    assert summary is not None
    assert summary.workflow_id is None


async def test_what_is_queued_is_written_before_stopping(database_url: str, new: New) -> None:
    journal = SqlJournal(database_url, lambda *_: None)
    with pytest.raises(RuntimeError, match="not running"):
        await journal.create(new())
    journal.start(asyncio.get_running_loop())
    execution = new()
    recorder = await begin(journal, execution)
    for seq in range(1, 5_001):
        recorder.append(started() if seq == 1 else line(seq))
    await asyncio.to_thread(journal.stop)
    await recorder.durable(5_000)
    with pytest.raises(RuntimeError, match="not running"):
        recorder.append(line(5_001))
    journal.stop()
    journal.start(asyncio.get_running_loop())
    assert [event.seq for event in await journal.read(execution.execution_id)] == list(range(1, 5_001))
    await asyncio.to_thread(journal.stop)


async def test_events_that_nobody_waits_for_are_stored_all_the_same(
    journal: SqlJournal, told: list[tuple[ExecutionId, ev.Event]], new: New
) -> None:
    recorder = await begin(journal, new())
    recorder.append(started())
    recorder.append(line(2))
    async with asyncio.timeout(60):
        while len(told) < 2:
            await asyncio.sleep(0.01)
    assert [event.seq for _, event in told] == [1, 2]


async def test_events_that_still_wait_for_company_are_stored_at_a_shutdown(
    journal: SqlJournal, database_url: str, new: New
) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    events = [started(), *(line(seq) for seq in range(2, 3_000))]
    for event in events:
        recorder.append(event)
    await asyncio.to_thread(journal.stop)
    later = SqlJournal(database_url, lambda _id, _event: None)
    later.start(asyncio.get_running_loop())
    assert await later.read(execution.execution_id) == events
    await asyncio.to_thread(later.stop)


async def test_what_is_appended_together_is_one_commit_and_so_is_what_many_wait_for(
    journal: SqlJournal, new: New
) -> None:
    recorders = [await begin(journal, new()) for _ in range(20)]
    commits: list[object] = []

    def count(connection: object) -> None:
        commits.append(connection)

    sqlalchemy_event.listen(Engine, "commit", count)
    try:

        async def one(recorder: SqlRecorder) -> None:
            recorder.append(started())
            recorder.append(line(2))
            await recorder.durable(2)

        await asyncio.gather(*(one(recorder) for recorder in recorders))
    finally:
        sqlalchemy_event.remove(Engine, "commit", count)
    assert len(commits) == 1


async def test_who_waits_for_an_event_yet_to_come_is_told_when_it_is_stored(journal: SqlJournal, new: New) -> None:
    recorder = await begin(journal, new())
    recorder.append(started())
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        waiter = tasks.create_task(recorder.durable(2))
        await recorder.durable(1)
        assert not waiter.done()
        recorder.append(line(2))
