"""What the journal's writer thread does with one batch inside one transaction: check, insert, change statuses."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from awe_app.adapters.columns import search_text
from awe_app.adapters.journal_sql import Driver, Row, Statements
from awe_app.adapters.payloads import Payload
from awe_app.adapters.storable import storable, to_json
from awe_app.domain import events as ev
from awe_app.domain.errors import Conflict, Fenced, Invalid
from awe_app.domain.execution import FINAL_STATUSES
from awe_app.domain.ids import ExecutionId, UserId, WorkflowId, utc_now
from awe_app.domain.options import Parent
from awe_app.domain.workflow import Workflow

Failure = Callable[[], BaseException]
"""Makes the exception that ``create`` or ``durable`` raises; each waiter gets one of its own."""

MOST_STANDINGS = 10_000
"""Of how many executions is remembered how they stand; then all are forgotten."""

_FINAL_STATUS: dict[type[ev.Event], str] = {
    ev.ExecutionCompleted: "completed",
    ev.ExecutionFailed: "failed",
    ev.ExecutionCancelled: "cancelled",
}


@dataclass(slots=True, eq=False)
class Creation:
    """An execution to be stored."""

    execution_id: ExecutionId
    workflow_id: WorkflowId | None
    user_id: UserId | None
    workflow: Workflow
    snapshot_id: str
    inputs: str
    """JSON."""
    idempotency_key: str | None
    options: str | None
    """JSON."""
    parent: Parent | None
    depth: int
    created_at: datetime
    priority: int
    driver: str | None
    told: asyncio.Future[None]
    """Resolved on the loop, after the commit."""


class Holder(ABC):
    """Whoever may write to an execution: a take-over makes a new one."""

    def __init__(self, execution_id: ExecutionId, epoch: int) -> None:
        self.execution_id = execution_id
        self.epoch = epoch

    @abstractmethod
    def progress(self, stored: int | None, failure: Failure | None) -> None:
        """Hear, on the loop, up to which seq events are stored now, and why no more will be."""


@dataclass(slots=True, eq=False)
class Line:
    """An event to be stored, encoded when it was appended, so that later changes to its values cannot reach it."""

    holder: Holder
    event: ev.Event
    shown: ev.Event
    """The same as viewers and lists have it: with previews in the place of large values."""
    kind: str
    data: str
    """JSON."""
    payloads: tuple[Payload, ...] = ()
    """The large values that it names and that may not be stored yet."""


@dataclass(slots=True)
class Outcome:
    """What became of a batch."""

    stored: list[Line] = field(default_factory=list)
    created: list[Creation] = field(default_factory=list)
    failures: dict[Holder | Creation, Failure] = field(default_factory=dict)

    def add(self, other: "Outcome") -> None:
        """Take in the outcome of other executions' part of the same batch."""
        self.stored += other.stored
        self.created += other.created
        self.failures |= other.failures


@dataclass(slots=True)
class _Standing:
    epoch: int
    status: str
    seq: int
    parent_id: str | None
    parent_path: str | None


class BatchWriter:
    """Writes batches. Remembers which snapshots it has committed, so that each travels once; and how executions stand,
    while the database says that nobody else has changed anything."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._known_snapshots: set[str] = set()
        self._standings: dict[str, _Standing] = {}
        """By execution; true at ``_version``, inside a transaction."""
        self._version: int | None = None

    def write(self, driver: Driver, batch: Sequence[Creation | Line]) -> Outcome:
        """Write the batch in the driver's transaction. Creations come before lines: nobody appends earlier."""
        outcome = Outcome()
        version = self._statements.version(driver)
        if version is None or version != self._version or len(self._standings) > MOST_STANDINGS:
            self._standings.clear()
            self._version = version
        if creations := [item for item in batch if isinstance(item, Creation)]:
            self._create(driver, creations, outcome)
        if lines := [item for item in batch if isinstance(item, Line)]:
            self._append(driver, lines, outcome)
        return outcome

    def committed(self, outcome: Outcome) -> None:
        """Call after the commit."""
        self._known_snapshots.update(creation.snapshot_id for creation in outcome.created)
        if len(self._known_snapshots) > 10_000:
            self._known_snapshots.clear()

    def forget(self) -> None:
        """Call after a failure: what was remembered may be wrong (a restored database, a rolled back transaction)."""
        self._known_snapshots.clear()
        self._standings.clear()
        self._version = None

    def _create(self, driver: Driver, creations: Sequence[Creation], outcome: Outcome) -> None:
        moment = self._statements.moment
        new = {c.snapshot_id: c for c in creations if c.snapshot_id not in self._known_snapshots}
        if new:
            rows = [
                (
                    name,
                    moment(c.created_at),
                    storable(c.workflow.name),
                    storable(search_text(c.workflow.name, c.workflow.description)),
                    to_json(c.workflow.as_json()),
                )
                for name, c in new.items()
            ]
            self._statements.add_snapshots(driver, rows)
        rows = [
            (
                c.execution_id,
                c.workflow_id,
                c.user_id,
                c.snapshot_id,
                None if c.idempotency_key is None else storable(c.idempotency_key),
                moment(c.created_at),
                c.inputs,
                c.options,
                c.parent.execution_id if c.parent else None,
                c.parent.path if c.parent else None,
                c.depth,
                c.priority,
                c.driver,
            )
            for c in creations
        ]
        stored = set(self._statements.add_executions(driver, rows))
        for creation in creations:
            if creation.execution_id in stored:
                outcome.created.append(creation)
                parent = creation.parent
                self._standings[creation.execution_id] = _Standing(
                    1, "pending", 0, parent.execution_id if parent else None, parent.path if parent else None
                )
            else:
                outcome.failures[creation] = _key_taken

    def _append(self, driver: Driver, lines: Sequence[Line], outcome: Outcome) -> None:
        known = self._standings
        if ids := list({line.holder.execution_id for line in lines} - known.keys()):
            known.update((row[0], _Standing(*row[1:])) for row in self._statements.standing(driver, ids))
        changes: dict[str, Row] = {}
        signals: list[Row] = []
        for line in lines:
            holder = line.holder
            if holder in outcome.failures:
                continue
            standing = known.get(holder.execution_id)
            if standing is None or standing.epoch != holder.epoch or standing.status in FINAL_STATUSES:
                outcome.failures[holder] = Fenced
                continue
            # Whoever lost an event in an earlier batch loses all that follow it: nothing is stored behind a gap.
            if line.event.seq != standing.seq + 1:
                outcome.failures[holder] = _gap(standing.seq, line.event.seq)
                continue
            standing.seq += 1
            outcome.stored.append(line)
            self._follow(line.shown, holder.execution_id, standing, changes)
            if standing.parent_id is not None and isinstance(line.event, ev.FINAL):
                signals.append(self._report(line.event, holder.execution_id, standing))
        if outcome.stored:
            rows = [(line.holder.execution_id, line.event.seq, line.kind, line.data) for line in outcome.stored]
            self._statements.add_events(driver, rows)
            self._add_payloads(driver, outcome.stored)
        if changes:
            self._statements.change_executions(driver, list(changes.values()))
            for execution_id, change in changes.items():
                if change[1] in FINAL_STATUSES:
                    known.pop(execution_id, None)
        if signals:
            self._statements.add_signals(driver, signals)

    def _report(self, event: ev.Event, execution_id: str, standing: _Standing) -> Row:
        """What a parent's waiting node hears of a child's end: in the same commit, so that no crash comes between."""
        report = {"execution_id": execution_id, "status": standing.status, **_end_state(event)}
        return (standing.parent_id, standing.parent_path, to_json(report), self._statements.moment(event.at))

    def _add_payloads(self, driver: Driver, lines: Sequence[Line]) -> None:
        """In the transaction of the events that name them: both are stored, or neither."""
        naming = [line for line in lines if line.payloads]
        if not naming:
            return
        values = {payload.id: payload.text for line in naming for payload in line.payloads}
        uses = {(line.holder.execution_id, payload.id) for line in naming for payload in line.payloads}
        now = self._statements.moment(utc_now())
        rows = [(payload_id, now, text) for payload_id, text in values.items()]
        self._statements.add_payloads(driver, rows, list(uses))

    def _follow(self, event: ev.Event, execution_id: str, standing: _Standing, changes: dict[str, Row]) -> None:
        """Let the execution's row follow what the event says."""
        status = _FINAL_STATUS.get(type(event))
        if status is not None:
            standing.status = status
            started_at = changes[execution_id][2] if execution_id in changes else None
            ended_at = self._statements.moment(event.at)
            changes[execution_id] = (execution_id, status, started_at, ended_at, to_json(_end_state(event)), None)
        elif isinstance(event, ev.ExecutionStarted | ev.ExecutionResumed):
            standing.status = "running"
            changes[execution_id] = (execution_id, "running", self._statements.moment(event.at), None, None, None)
        elif isinstance(event, ev.ExecutionParked):
            standing.status = "waiting"
            started_at = changes[execution_id][2] if execution_id in changes else None
            wake_at = self._statements.moment(event.wake_at) if event.wake_at is not None else None
            changes[execution_id] = (execution_id, "waiting", started_at, None, None, wake_at)


def _end_state(event: ev.Event) -> dict[str, Any]:
    """The row's ``state``: the parts of ``ExecutionState`` that lists show."""
    result = event.result if isinstance(event, ev.ExecutionCompleted) else None
    error = None
    if isinstance(event, ev.ExecutionFailed):
        error = {"code": event.code, "detail": event.detail, "node_id": event.path}
    assert isinstance(event, ev.FINAL)
    return {"result": result, "error": error, "usage": event.usage.as_json()}


def _key_taken() -> Conflict:
    return Conflict("IDEMPOTENCY_KEY_TAKEN", "an execution was already started with this Idempotency-Key")


def _gap(stored: int, seq: int) -> Failure:
    detail = f"event {seq} cannot follow event {stored}: claim the execution and read its journal anew"
    return lambda: Invalid("JOURNAL_GAP", detail)
