"""Whatever happens in an execution: it comes back from the database as it was."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from awe_app.adapters.journal import NewExecution, SqlJournal
from awe_app.domain import events as ev
from awe_app.domain.ids import ExecutionId, new_id
from awe_app.domain.models import Usage
from awe_app.domain.workflow import Workflow
from awe_app.services.plans import snapshot_name
from tests.adapters.history import begin

Fields = dict[str, Any]

texts = st.text(st.characters(codec=None), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
objects: st.SearchStrategy[Mapping[str, object]] = st.dictionaries(texts, values, max_size=3)
moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))
usages = st.builds(
    Usage, st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 1e6, allow_nan=False, allow_infinity=False)
)
nodes = {"path": texts, "node_id": texts}
finals = st.one_of(
    st.builds(dict, kind=st.just(ev.ExecutionCompleted), at=moments, result=values, usage=usages),
    st.builds(dict, kind=st.just(ev.ExecutionFailed), at=moments, code=texts, detail=texts, path=st.none() | texts),
    st.builds(dict, kind=st.just(ev.ExecutionCancelled), at=moments, by=st.none() | texts, usage=usages),
)
others = st.one_of(
    st.builds(dict, kind=st.just(ev.ExecutionStarted), at=moments, inputs=objects, variables=objects),
    st.builds(dict, kind=st.just(ev.ExecutionResumed), at=moments, reason=texts),
    st.builds(dict, kind=st.just(ev.NodeStarted), at=moments, input=objects, attempt=st.integers(1, 99), **nodes),
    st.builds(
        dict, kind=st.just(ev.NodeFinished), at=moments, input=objects, outputs=objects, started_at=moments,
        attempt=st.integers(1, 99), usage=st.none() | usages, **nodes,
    ),
    st.builds(
        dict, kind=st.just(ev.NodeFailed), at=moments, input=objects, code=texts, detail=texts, started_at=moments,
        attempt=st.integers(1, 99), outputs=st.none() | objects, usage=st.none() | usages, **nodes,
    ),
    st.builds(dict, kind=st.just(ev.NodeSkipped), at=moments, outputs=st.none() | objects, **nodes),
    st.builds(dict, kind=st.just(ev.NodeCancelled), at=moments, **nodes),
    st.builds(
        dict, kind=st.just(ev.LogWritten), at=moments, level=st.sampled_from(["debug", "info", "warning", "error"]),
        path=st.none() | texts, message=texts, data=st.none() | objects,
    ),
    st.builds(dict, kind=st.just(ev.ErrorRaised), at=moments, code=texts, detail=texts, path=st.none() | texts),
)  # fmt: skip


@given(history=st.lists(others, max_size=6), end=finals)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_comes_back_from_the_database_as_it_was(
    database_url: str, history: list[dict[str, Any]], end: dict[str, Any]
) -> None:
    events: list[ev.Event] = []
    for seq, fields in enumerate([*history, end], start=1):
        events.append(fields["kind"](seq=seq, **{name: fields[name] for name in fields if name != "kind"}))

    async def round_trip() -> list[ev.Event]:
        told: list[ev.Event] = []
        journal = SqlJournal(database_url, lambda _id, event: told.append(event))
        journal.start(asyncio.get_running_loop())
        workflow = Workflow.model_validate({"name": "w"})
        execution = NewExecution(
            execution_id=ExecutionId(new_id()),
            workflow_id=None,
            user_id=None,
            workflow=workflow,
            snapshot_id=snapshot_name(workflow),
            inputs={},
        )
        recorder = await begin(journal, execution)
        for event in events:
            recorder.append(event)
        await recorder.durable(len(events))
        stored = await journal.read(execution.execution_id)
        await asyncio.to_thread(journal.stop)
        assert told == events
        return list(stored)

    assert asyncio.run(round_trip()) == events
