"""Large values beside the journal: stored with the event that names them, once, and loaded when asked for."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from awe_app.adapters.db import Database
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import NewExecution, SqlJournal
from awe_app.adapters.journal_sql import PostgresStatements, SqliteStatements
from awe_app.adapters.payloads import ASIDE, put_back, set_aside
from awe_app.adapters.storable import to_json
from awe_app.domain import events as ev
from awe_app.domain.errors import Unavailable
from awe_app.domain.ids import ExecutionId, NodeId, Path
from awe_app.domain.previews import PREVIEW_CHARS
from tests.adapters.history import AT, begin, completed, started

New = Callable[..., NewExecution]
LARGE = "ä" * 200_000
SHOWN = {"truncated": True, "bytes": len(to_json(LARGE)), "preview": LARGE[:PREVIEW_CHARS]}


def finished(seq: int, outputs: dict[str, Any], input: dict[str, Any] | None = None, path: str = "a") -> ev.Event:
    return ev.NodeFinished(
        seq=seq, at=AT, path=Path(path), node_id=NodeId("a"), input=input or {}, outputs=outputs, started_at=AT
    )


async def count(database: Database, table: str) -> int:
    async with database.sessions() as session:
        return (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()


async def test_large_values_come_back_as_they_were_and_previews_stand_in_for_them(
    journal: SqlJournal, executions: ExecutionStore, told: list[tuple[ExecutionId, ev.Event]], new: New
) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    events = [started(), finished(2, {"out": {"text": LARGE, "n": 1}}, {"given": [LARGE]}), completed(3, LARGE)]
    for event in events:
        recorder.append(event)
    await recorder.durable(3)
    assert await journal.read(execution.execution_id) == events
    shown = await journal.read(execution.execution_id, whole=None)
    assert [event for _id, event in told] == shown
    node, end = shown[1:]
    assert isinstance(node, ev.NodeFinished)
    assert isinstance(end, ev.ExecutionCompleted)
    assert node.outputs == {"out": {"text": SHOWN, "n": 1}}
    assert node.input["given"]["preview"] == to_json([LARGE])[:PREVIEW_CHARS]
    assert end.result == SHOWN
    summary = await executions.summary(execution.execution_id)
    assert summary is not None
    assert summary.result == SHOWN


async def test_values_are_loaded_of_those_node_instances_only_that_are_wanted(journal: SqlJournal, new: New) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    for event in (
        started(),
        finished(2, {"out": LARGE}),
        finished(3, {"out": LARGE[1:]}, path="b"),
        completed(4, LARGE),
    ):
        recorder.append(event)
    await recorder.durable(4)
    _, a, b, end = await journal.read(execution.execution_id, whole=lambda path: path == "b")
    assert isinstance(a, ev.NodeFinished)
    assert isinstance(b, ev.NodeFinished)
    assert isinstance(end, ev.ExecutionCompleted)
    assert b.outputs == {"out": LARGE[1:]}
    assert end.result == LARGE
    assert a.outputs == {"out": LARGE}  # it is loaded anyway, for the result


async def test_what_is_handed_on_is_stored_once(journal: SqlJournal, database: Database, new: New) -> None:
    for _ in range(2):
        recorder = await begin(journal, new())
        recorder.append(started())
        for seq in range(2, 40):
            recorder.append(finished(seq, {"out": LARGE}, {"text": LARGE}, f"n{seq}"))
        recorder.append(completed(40, {"n1": LARGE, "n2": 2}))
        await recorder.durable(40)
    assert await count(database, "payloads") == 1
    assert await count(database, "payload_uses") == 2
    async with database.sessions() as session:
        longest = (await session.execute(text("SELECT max(length(data)) FROM events"))).scalar_one()
    assert longest < 50_000


async def test_values_that_are_large_only_together_go_aside_too(journal: SqlJournal, new: New) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    outputs = {f"port{n}": "x" * 100_000 for n in range(5)}
    events = [started(), finished(2, outputs, {f"in{n}": "y" * 100_000 for n in range(5)})]
    for event in events:
        recorder.append(event)
    await recorder.durable(2)
    assert await journal.read(execution.execution_id) == events
    shown = (await journal.read(execution.execution_id, whole=None))[1]
    assert isinstance(shown, ev.NodeFinished)
    assert shown.outputs.keys() == outputs.keys()
    assert len(to_json(ev.EventCodec.encode(shown)[1])) < 256 * 1024


async def test_the_event_and_its_values_are_stored_together_or_not_at_all(
    journal: SqlJournal, database: Database, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, connection: Connection, rows: Sequence[Any], uses: Sequence[Any]) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    execution = new()
    recorder = await begin(journal, execution)
    recorder.append(started())
    await recorder.durable(1)
    with monkeypatch.context() as patched:
        for statements in (SqliteStatements, PostgresStatements):
            patched.setattr(statements, "add_payloads", broken)
        recorder.append(finished(2, {"out": LARGE}))
        with pytest.raises(Unavailable):
            await recorder.durable(2)
    assert len(await journal.read(execution.execution_id)) == 1
    assert await count(database, "payloads") == 0
    again = journal.recorder(execution.execution_id, 1)
    again.append(finished(2, {"out": LARGE}))
    await again.durable(2)
    assert (await journal.read(execution.execution_id))[1] == finished(2, {"out": LARGE})


async def test_a_value_that_is_gone_is_said_to_be(journal: SqlJournal, database: Database, new: New) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    recorder.append(started())
    recorder.append(finished(2, {"out": LARGE}))
    await recorder.durable(2)
    async with database.sessions.begin() as session:
        await session.execute(text("DELETE FROM payload_uses"))
        await session.execute(text("DELETE FROM payloads"))
    with pytest.raises(Unavailable, match="not in the database"):
        await journal.read(execution.execution_id)
    assert len(await journal.read(execution.execution_id, whole=None)) == 2


async def test_long_histories_are_read_in_chunks(journal: SqlJournal, new: New) -> None:
    execution = new()
    recorder = await begin(journal, execution)
    events = [started(), *(finished(seq, {"out": seq}) for seq in range(2, 2_501))]
    for event in events:
        recorder.append(event)
    await recorder.durable(2_500)
    chunks = [len(some) async for some in journal.chunks(execution.execution_id)]
    assert chunks == [1_000, 1_000, 500]
    assert await journal.read(execution.execution_id) == events
    assert await journal.read(execution.execution_id, 1_500) == events[1_500:]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)
PARTS = st.dictionaries(st.text(max_size=5), JSON, max_size=4)


@given(
    st.fixed_dictionaries({"at": st.just("2026"), "input": PARTS, "outputs": PARTS, "variables": PARTS, "result": JSON})
)
def test_whatever_is_set_aside_is_put_back_in_its_place(values: dict[str, Any]) -> None:
    shown, aside = set_aside(values, 40)
    row = {**shown, ASIDE: [[list(path), payload.id] for path, payload in aside]}
    stored = {payload.id: payload.text for _path, payload in aside}
    assert put_back(json.loads(to_json(row)), {i: json.loads(t) for i, t in stored.items()}) == values
    assert (shown == values) == (not aside)
    assert shown["outputs"].keys() == values["outputs"].keys()
    if not any(len(to_json(value)) > 40 for value in values.values() if value is not None):
        assert not aside
    if len(to_json(values["result"])) > 40:
        assert aside
