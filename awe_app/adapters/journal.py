"""The journal: where events are kept. The truth about every execution.

One thread writes. Whatever is queued while it commits becomes the next commit, so a commit's price is shared by all
who wait: a chain of pure nodes costs one commit, a hundred executions at once cost hardly more than one.

SQLite runs with ``synchronous=FULL``: the log is synced at each commit, so what was answered with 202 survives a power
cut and not only a crash. What that costs: four interleaved rounds, all shown, on 2 cores that other work kept busy
(load 4 to 5), the events made by a bare loop without engine or REST:

    =============================================  =====================  =======================
    .                                              FULL                   NORMAL
    200 executions × 10 effectful nodes, ms        201, 468, 468, 527     287, 376, 533, 507
    1 execution × 10 effectful nodes, ms           6, 11, 56, 45          6, 19, 3, 5
    16 clients, one execution after another, per s  3684, 1080, 665, 817  1711, 2305, 1360, 1332
    =============================================  =====================  =======================

Many at once: the difference drowns in the noise, since they share commits. One alone waits for the disk, up to 5 ms a
commit. To be measured again on a quiet machine before any promise is made of it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from awe_app.adapters.journal_batch import Creation, Failure, Holder, Line, Outcome
from awe_app.adapters.journal_reader import JournalReader, Wanted, everything
from awe_app.adapters.journal_sql import statements_for
from awe_app.adapters.journal_writer import JournalWriter
from awe_app.adapters.payloads import ASIDE, HOLDERS, LARGEST_INLINE, set_aside
from awe_app.adapters.storable import to_json
from awe_app.domain import events as ev
from awe_app.domain.errors import Invalid
from awe_app.domain.ids import ExecutionId, UserId, WorkflowId, utc_now
from awe_app.domain.options import Parent, RunOptions
from awe_app.domain.tickets import Priority
from awe_app.domain.workflow import Workflow

OnStored = Callable[[ExecutionId, ev.Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExecution:
    """An execution that shall be."""

    execution_id: ExecutionId
    workflow_id: WorkflowId | None
    user_id: UserId | None
    workflow: Workflow
    """As it is now; stored once for all executions with the same ``snapshot_id``."""
    snapshot_id: str
    """SHA-256 of the workflow's canonical JSON."""
    inputs: Mapping[str, Any]
    idempotency_key: str | None = None
    options: RunOptions = RunOptions()
    parent: Parent | None = None
    """The node instance that waits for it."""
    depth: int = 0
    """How many parents there are above."""
    priority: Priority = Priority.NORMAL
    driver: str | None = None
    """The process that sees to it that it is driven, where there are several."""


class SqlRecorder(Holder):
    """Write access to one execution for the holder of one epoch; used on the event loop only."""

    def __init__(self, execution_id: ExecutionId, epoch: int, writer: JournalWriter) -> None:
        super().__init__(execution_id, epoch)
        self._writer = writer
        self._appended = 0
        self._stored = 0
        self._failure: Failure | None = None
        self.written_bytes = 0
        """How long all that was appended is, as JSON."""
        self._failed_from = 0
        """No event from this seq on will ever be stored."""
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._named: deque[str] = deque(maxlen=16)
        """Payloads that earlier events have brought, so that a value handed on does not travel again."""

    def append(self, event: ev.Event) -> None:
        """Queue the event. After a failure it is dropped; ``durable`` says why.

        Raises:
            ValueError: ``event.seq`` does not follow the one before.
        """
        if self._appended == 0:
            self._stored = event.seq - 1  # the holder read it from the journal
        elif event.seq != self._appended + 1:
            raise ValueError(f"event {event.seq} of {self.execution_id} cannot follow event {self._appended}")
        self._appended = event.seq
        if self._failure is not None:
            return
        try:
            line = self._line(event)
        except (TypeError, ValueError, RecursionError) as error:
            self._fail(_not_json(event, error), event.seq)
            return
        self.written_bytes += len(line.data) + sum(len(payload.text) for payload in line.payloads)
        self._writer.put(line)
        if self._waiting:
            self._writer.hurry()

    def _line(self, event: ev.Event) -> Line:
        kind, values = ev.EventCodec.encode(event)
        data = to_json(values)
        if len(data) <= LARGEST_INLINE:
            return Line(self, event, event, kind, data)
        shown, aside = set_aside(values)
        if not aside:
            return Line(self, event, event, kind, data)
        changes = {name: shown[name] for name in HOLDERS if name in shown}
        row = shown | {ASIDE: [(path, payload.id) for path, payload in aside]}
        new = tuple(payload for _path, payload in aside if payload.id not in self._named)
        self._named.extend(payload.id for payload in new)
        return Line(self, event, replace(event, **changes), kind, to_json(row), new)

    async def durable(self, seq: int) -> None:
        """Return once every event up to ``seq`` is stored; waits for events that are yet to be appended.

        Raises:
            Fenced: another process took the execution over, or it has ended.
            Unavailable: ``STORAGE_ERROR``, the database refused the write.
            Invalid: ``NOT_JSON``, an event holds a value that is no JSON.
        """
        while seq > self._stored:
            if self._failure is not None and seq >= self._failed_from:
                raise self._failure()
            told = asyncio.get_running_loop().create_future()
            self._waiting.append((seq, told))
            self._writer.hurry()
            await told

    def progress(self, stored: int | None, failure: Failure | None) -> None:
        """Take in what became of queued events (called by the journal, on the loop)."""
        if stored is not None:
            self._stored = stored
        if failure is not None:
            self._fail(failure, self._stored + 1)
        else:
            self._wake()

    def _fail(self, failure: Failure, seq: int) -> None:
        if self._failure is None or seq < self._failed_from:
            self._failure, self._failed_from = failure, seq
        self._wake()

    def _wake(self) -> None:
        if not self._waiting:
            return
        still: list[tuple[int, asyncio.Future[None]]] = []
        for seq, told in self._waiting:
            if told.done():  # the waiter was cancelled
                continue
            if seq <= self._stored or (self._failure is not None and seq >= self._failed_from):
                told.set_result(None)
            else:
                still.append((seq, told))
        self._waiting = still


class SqlJournal:
    """``domain.protocols.Journal`` on SQLite or PostgreSQL. ``on_stored`` is called on the loop, after the commit."""

    def __init__(self, url: str, on_stored: OnStored) -> None:
        self._on_stored = on_stored
        self._statements = statements_for(url)
        self._writer = JournalWriter(url, self._statements, self._tell)
        self._reader = JournalReader(url, self._statements)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to write; waiters are woken and ``on_stored`` is called on ``loop``."""
        self._reader.start()
        self._writer.start(loop)

    def stop(self) -> None:
        """Write what is queued, then end. Blocks: call it from another thread than the loop's."""
        self._writer.stop()
        self._reader.stop()

    async def create(self, new: NewExecution) -> None:
        """Store the execution as ``pending``, with epoch 1; when this returns it outlives a power cut.

        Raises:
            Conflict: ``IDEMPOTENCY_KEY_TAKEN`` by another execution of the same user.
            Invalid: ``NOT_JSON``, the inputs hold a value that is no JSON.
            Unavailable: ``STORAGE_ERROR``.
        """
        try:
            inputs = to_json(new.inputs)
            options = new.options.as_json()
            asked = to_json(options) if options is not None else None
        except (TypeError, ValueError, RecursionError) as error:
            raise Invalid("NOT_JSON", f"the inputs hold a value that is no JSON: {error}") from error
        creation = Creation(
            execution_id=new.execution_id,
            workflow_id=new.workflow_id,
            user_id=new.user_id,
            workflow=new.workflow,
            snapshot_id=new.snapshot_id,
            inputs=inputs,
            idempotency_key=new.idempotency_key,
            options=asked,
            parent=new.parent,
            depth=new.depth,
            created_at=utc_now(),
            priority=int(new.priority),
            driver=new.driver,
            told=asyncio.get_running_loop().create_future(),
        )
        self._writer.put(creation)
        self._writer.hurry()
        await creation.told

    def recorder(self, execution_id: ExecutionId, epoch: int) -> SqlRecorder:
        """Write access for the holder of ``epoch``: 1 after ``create``, or what ``ExecutionStore.claim`` gave."""
        return SqlRecorder(execution_id, epoch, self._writer)

    async def read(
        self, execution_id: ExecutionId, after_seq: int = 0, whole: Wanted = everything
    ) -> Sequence[ev.Event]:
        """All stored events after ``after_seq``, in order; none for an unknown execution. See ``chunks``."""
        return [event async for some in self.chunks(execution_id, after_seq, whole) for event in some]

    def chunks(
        self, execution_id: ExecutionId, after_seq: int = 0, whole: Wanted = everything
    ) -> AsyncGenerator[Sequence[ev.Event]]:
        """The same, some at a time, so that a long history is never in memory at once.

        Args:
            execution_id: whose events.
            after_seq: 0 for all.
            whole: of which node instances large values are wanted, ``None`` for nobody's. Elsewhere there are previews,
                and the values are not loaded.

        Raises:
            Unavailable: ``STORAGE_ERROR``.
        """
        return self._reader.chunks(execution_id, after_seq, whole)

    def _tell(self, outcome: Outcome) -> None:
        """After the commit, on the loop: publish in order, then wake who waits."""
        stored: dict[Holder, int] = {}
        for line in outcome.stored:
            self._on_stored(line.holder.execution_id, line.shown)
            stored[line.holder] = line.event.seq
        for holder, seq in stored.items():
            if holder not in outcome.failures:
                holder.progress(seq, None)
        for creation in outcome.created:
            if not creation.told.done():
                creation.told.set_result(None)
        for failed, failure in outcome.failures.items():
            if isinstance(failed, Holder):
                failed.progress(stored.get(failed), failure)
            elif not failed.told.done():
                failed.told.set_exception(failure())


def _not_json(event: ev.Event, error: Exception) -> Failure:
    where = getattr(event, "path", None)
    what = f"{type(event).__name__} of node {where!r}" if where else type(event).__name__
    detail = f"{what} holds a value that is no JSON: {error}"
    return lambda: Invalid("NOT_JSON", detail, "nodes must give text, numbers, true, false, null, lists and objects")
