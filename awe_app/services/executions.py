"""Executions: start, watch, read, cancel, and take up again after a crash.

``services/driver.py`` drives them; viewers own nothing: closing every tab changes nothing.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

from awe_app.adapters.dispatch import Dispatcher, Drives
from awe_app.adapters.execution_store import Claim, ExecutionStore
from awe_app.adapters.journal import NewExecution, SqlJournal
from awe_app.domain import events as ev
from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict, NotFound
from awe_app.domain.execution import FINAL_STATUSES, ExecutionState, NodeState
from awe_app.domain.ids import ExecutionId, Path, WorkflowId, new_id, utc_now
from awe_app.domain.messages import Message, message
from awe_app.domain.pages import Page, PageQuery
from awe_app.domain.protocols import Bus, Capabilities, LaggedBehind, Subscription
from awe_app.domain.signals import event_key
from awe_app.domain.stored import ExecutionSummary
from awe_app.domain.tickets import Priority
from awe_app.domain.workflow import Workflow
from awe_app.nodes.input import InputField, read_fields, read_inputs
from awe_app.services.driver import Driver, stopped_nodes
from awe_app.services.history import History
from awe_app.services.plans import Plans
from awe_app.services.workflows import Workflows

logger = logging.getLogger(__name__)

LOOK_AGAIN_S = 1.0
"""How often the journal of an execution is read that another process may drive, should nobody tell."""


class Executions:
    """Use cases around executions."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        store: ExecutionStore,
        journal: SqlJournal,
        bus: Bus,
        plans: Plans,
        capabilities: Capabilities,
        dispatcher: Callable[[Drives], Dispatcher],
    ) -> None:
        self._workflows = workflows
        self._store = store
        self._journal = journal
        self._bus = bus
        self._plans = plans
        self._history = History(journal)
        self._driver = Driver(store, journal, bus, plans, capabilities)
        self._dispatcher = dispatcher(self._driver)

    # Start

    async def start(
        self,
        user: User,
        workflow_id: WorkflowId,
        inputs: Mapping[str, Any],
        idempotency_key: str | None = None,
        priority: Priority = Priority.NORMAL,
    ) -> ExecutionState:
        """Start the workflow; when this returns, the execution is stored and will not be lost.

        Args:
            user: who runs it.
            workflow_id: a workflow the user may see.
            inputs: values for the input node's fields.
            idempotency_key: the same key of the same user gives the same execution again.
            priority: which of the user's executions goes first when not all can be driven at once.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``.
            Invalid: ``INVALID_WORKFLOW`` while errors remain, ``INVALID_INPUT``.
        """
        stored = await self._workflows.visible(user, workflow_id)
        if idempotency_key is not None:
            known = await self._store.by_idempotency_key(user.id, idempotency_key)
            if known is not None:
                return await self.get(user, known)
        planned = self._plans.of(stored)
        values = read_inputs(stored.workflow, inputs)
        execution_id = ExecutionId(new_id())
        new = NewExecution(
            execution_id=execution_id,
            workflow_id=workflow_id,
            user_id=user.id,
            workflow=stored.workflow,
            snapshot_id=planned.snapshot_id,
            inputs=values,
            idempotency_key=idempotency_key,
            priority=priority,
            driver=self._store.driver,
        )
        try:
            await self._journal.create(new)
        except Conflict:
            known = await self._store.by_idempotency_key(user.id, idempotency_key or "")
            if known is None:
                raise
            return await self.get(user, known)
        claim = Claim(
            epoch=1,
            workflow=stored.workflow,
            snapshot_id=planned.snapshot_id,
            workflow_id=workflow_id,
            user_id=user.id,
            inputs=values,
        )
        self._driver.expect(execution_id, claim)
        if not self._dispatcher.submit(execution_id, user.id, priority):
            self._driver.forget(execution_id)
        return ExecutionState(execution_id, workflow_id, user.id, inputs=values)

    async def adopt(self) -> int:
        """Take up everything that is unfinished and watch the clock; called once when the process starts.

        Gives how many were taken up.
        """
        unfinished = await self._dispatcher.start()
        if unfinished:
            logger.info("took up %d unfinished executions", unfinished)
        return unfinished

    async def stop(self, grace_s: float = 0) -> None:
        """Begin nothing any more, let what runs go on for ``grace_s`` seconds; what is unfinished then is adopted."""
        await self._dispatcher.stop(grace_s)

    # Read

    async def get(self, user: User, execution_id: ExecutionId) -> ExecutionState:
        """The execution as it is stored now.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
        """
        return await self._history.state(await self._visible(user, execution_id))

    async def look(self, user: User, execution_id: ExecutionId) -> ExecutionState:
        """The same for showing it: previews stand in for large values, which are not loaded.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
        """
        return await self._history.state(await self._visible(user, execution_id), previews=True)

    async def nodes(
        self, user: User, execution_id: ExecutionId, prefix: str, limit: int, offset: int
    ) -> Page[NodeState]:
        """Node instances whose path begins with ``prefix``, every pass of every loop included, in their order.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
        """
        return await self._history.nodes(await self._visible(user, execution_id), prefix, limit, offset)

    async def list(
        self, user: User, query: PageQuery, workflow_id: WorkflowId | None = None, status: str | None = None
    ) -> Page[ExecutionSummary]:
        """The user's executions, the newest first."""
        return await self._store.list(user.id, query, workflow_id, status)

    async def logs(self, user: User, execution_id: ExecutionId, after_seq: int = 0) -> Sequence[ev.LogWritten]:
        """The log lines after ``after_seq``."""
        await self._visible(user, execution_id)
        events = await self._journal.read(execution_id, after_seq, whole=None)
        return [event for event in events if isinstance(event, ev.LogWritten)]

    async def workflow_of(self, user: User, execution_id: ExecutionId) -> Workflow:
        """The workflow as it was when the execution started."""
        await self._visible(user, execution_id)
        return await self._store.snapshot(execution_id)

    # Watch

    async def wait(self, user: User, execution_id: ExecutionId, timeout_s: float) -> ExecutionState:
        """The execution when it has ended, or as it is after ``timeout_s`` seconds."""
        if self._dispatcher.running(execution_id):
            await self._dispatcher.wait(execution_id, timeout_s)
        elif not self._dispatcher.alone:
            await self._rest(user, execution_id, timeout_s)
        state = self._driver.ended(execution_id)
        if state is not None and state.ended and state.user_id == user.id:
            return state
        return await self.get(user, execution_id)

    async def follow(self, user: User, execution_id: ExecutionId, after_seq: int = 0) -> AsyncGenerator[Message]:
        """Everything stored after ``after_seq``, then live, until the execution is complete.

        Nothing is missed and nothing comes twice: the bus is subscribed to before the journal is read, and a gap
        (a viewer that was too slow) is filled from the journal.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
        """
        last = after_seq
        while True:
            with self._bus.subscribe(execution_id) as live:
                ended = (await self._visible(user, execution_id)).status in FINAL_STATUSES
                async for events in self._journal.chunks(execution_id, last, whole=None):
                    for event in events:
                        last = event.seq
                        yield message(event)
                        ended = ended or isinstance(event, ev.FINAL)
                if ended:
                    return
                try:
                    while (event := await self._next(live, execution_id)) is not None:
                        if isinstance(event, ev.TextStreamed):
                            yield message(event)
                        elif event.seq == last + 1:
                            last = event.seq
                            yield message(event)
                            if isinstance(event, ev.FINAL):
                                return
                        elif event.seq > last:
                            break
                        elif isinstance(event, ev.FINAL):  # the viewer says it has seen the end already
                            return
                except LaggedBehind:
                    continue

    # Change

    async def cancel(self, user: User, execution_id: ExecutionId) -> ExecutionState:
        """Stop the execution, running nodes at once.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
            Conflict: ``EXECUTION_ENDED``.
        """
        summary = await self._visible(user, execution_id)
        await self._dispatcher.cancel(execution_id)
        self._driver.forget(execution_id)
        claim = await self._store.claim(execution_id)
        if claim is None:
            raise Conflict("EXECUTION_ENDED", "the execution has ended already; there is nothing to stop")
        state = await self._history.open_nodes(summary)
        recorder = self._journal.recorder(execution_id, claim.epoch)
        for event in _cancellation(state, user.username):
            recorder.append(event)
            state.apply(event)
        await recorder.durable(state.seq)
        return await self._history.state(summary)

    async def answer(
        self, user: User, execution_id: ExecutionId, path: Path, decision: str, comment: str, form: Mapping[str, Any]
    ) -> ExecutionState:
        """Answer an approval; the execution goes on by ``approved`` or ``rejected``.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``, also for who is neither its owner nor asked.
            Conflict: ``NOT_WAITING``, nothing is asked there (any more), or somebody has answered.
            Invalid: ``INVALID_INPUT``, the form is not filled in as asked.
        """
        summary = await self._store.summary(execution_id)
        state = await self._history.open_nodes(summary) if summary is not None else ExecutionState(execution_id)
        node = state.node_states.get(path)
        question = node.waiting.data if node is not None and node.waiting is not None else None
        assignees = question.get("assignees", ()) if question else ()
        if summary is None or (summary.user_id != user.id and user.username not in assignees):
            raise _not_found()
        if node is None or node.status != "waiting" or question is None or state.ended:
            raise Conflict("NOT_WAITING", f"'{path}' does not wait for an answer")
        fields = tuple(InputField.model_validate(field) for field in question.get("form", ()))
        filled = read_fields(fields, form)
        answer = {"decision": decision, "by": user.username, "comment": comment, "form": filled}
        if not await self._store.add_signal(execution_id, path, answer):
            raise Conflict("NOT_WAITING", f"'{path}' has been answered already")
        if self._dispatcher.running(execution_id):
            self._driver.deliver(execution_id, path, answer)
        else:
            self._dispatcher.wake(execution_id, summary.user_id)
        return await self._history.state(summary)

    async def send(self, user: User, execution_id: ExecutionId, name: str, data: Any) -> ExecutionState:
        """Send an event to the execution; a node that waits for it, now or later, takes it.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
            Conflict: ``EXECUTION_ENDED``.
        """
        summary = await self._visible(user, execution_id)
        if summary.status in FINAL_STATUSES:
            raise Conflict("EXECUTION_ENDED", "the execution has ended already; nothing in it can take an event")
        key, sent = event_key(name), {"event": name, "data": data, "by": user.username}
        await self._store.add_signal(execution_id, key, sent)
        if self._dispatcher.running(execution_id):
            self._driver.deliver(execution_id, key, sent)
        else:
            self._dispatcher.wake(execution_id, summary.user_id)
        return await self._history.state(summary)

    async def _next(self, live: Subscription, execution_id: ExecutionId) -> ev.Event | ev.TextStreamed | None:
        """What is told next; None when it is time to look into the journal, since others drive and may not tell."""
        if self._dispatcher.alone or self._dispatcher.running(execution_id):
            return await anext(live)
        try:
            async with asyncio.timeout(LOOK_AGAIN_S):
                return await anext(live)
        except TimeoutError:
            return None

    async def _rest(self, user: User, execution_id: ExecutionId, timeout_s: float) -> None:
        """Return when the execution, which another process drives, has ended or waits, or after ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s):
                with self._bus.subscribe(execution_id) as live:
                    while (await self._visible(user, execution_id)).status in ("pending", "running"):
                        event = await self._next(live, execution_id)
                        while event is not None and not isinstance(event, ev.FINAL | ev.ExecutionParked):
                            event = await self._next(live, execution_id)
        except (TimeoutError, LaggedBehind):
            return

    async def _visible(self, user: User, execution_id: ExecutionId) -> ExecutionSummary:
        summary = await self._store.summary(execution_id)
        if summary is None or summary.user_id != user.id:
            raise _not_found()
        return summary


def _not_found() -> NotFound:
    return NotFound("EXECUTION_NOT_FOUND", "there is no such execution, or it is not yours")


def _cancellation(state: ExecutionState, by: str) -> Sequence[ev.Event]:
    """The events that end an execution which nobody drives any more."""
    events = [*stopped_nodes(state)]
    now, seq = utc_now(), state.seq + len(events)
    events.append(ev.LogWritten(seq=seq + 1, at=now, level="warning", path=None, message=f"Stopped by {by}"))
    events.append(ev.ExecutionCancelled(seq=seq + 2, at=now, by=by, usage=state.usage))
    return events
