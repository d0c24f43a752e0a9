"""Executions: start, watch, read, cancel, and take up again after a crash.

``services/driver.py`` drives them; viewers own nothing: closing every tab changes nothing.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from awe_app.adapters.child_store import ChildStore
from awe_app.adapters.dispatch import Dispatcher, Drives
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import SqlJournal
from awe_app.domain import events as ev
from awe_app.domain.accounts import User
from awe_app.domain.errors import AweError, Conflict
from awe_app.domain.execution import FINAL_STATUSES, ExecutionState, NodeState
from awe_app.domain.ids import ExecutionId, NodeId, Path, UserId, WorkflowId
from awe_app.domain.messages import Message
from awe_app.domain.options import Budget, RunOptions
from awe_app.domain.pages import Page, PageQuery
from awe_app.domain.protocols import Bus, Capabilities
from awe_app.domain.sharing import Permission
from awe_app.domain.signals import answer_key, event_key
from awe_app.domain.stored import ExecutionSummary
from awe_app.domain.tickets import Priority
from awe_app.domain.transcript import Transcript
from awe_app.domain.workflow import Workflow
from awe_app.nodes.input import InputField, read_fields
from awe_app.services.cancelling import Cancelling
from awe_app.services.children import Children
from awe_app.services.driver import Driver
from awe_app.services.family import Family
from awe_app.services.history import History
from awe_app.services.plans import Plans
from awe_app.services.resuming import Resuming
from awe_app.services.reuse import pinned
from awe_app.services.starts import Starts, Wanted
from awe_app.services.watching import Watching
from awe_app.services.workflows import Workflows

logger = logging.getLogger(__name__)

NOTHING: Mapping[str, Any] = {}


class Executions:
    """Use cases around executions."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        store: ExecutionStore,
        children: ChildStore,
        journal: SqlJournal,
        bus: Bus,
        plans: Plans,
        capabilities: Capabilities,
        dispatcher: Callable[[Drives], Dispatcher],
    ) -> None:
        self._workflows = workflows
        self._access = workflows.access
        self._store = store
        self._journal = journal
        self._bus = bus
        self._plans = plans
        self._history = History(journal)
        family = Family(children, store)
        self._driver = Driver(store, journal, bus, plans, capabilities, family)
        self._dispatcher = dispatcher(self._driver)
        self._starts = Starts(store, journal, self._driver, self._dispatcher)
        self._cancelling = Cancelling(store, children, journal, self._driver, family, self._dispatcher)
        self._resuming = Resuming(
            workflows=workflows,
            store=store,
            journal=journal,
            bus=bus,
            plans=plans,
            driver=self._driver,
            dispatcher=self._dispatcher,
            starts=self._starts,
        )
        self._watching = Watching(store, journal, self._history, bus, self._driver, self._dispatcher)
        family.connect(self._dispatcher, self._driver.deliver, self._cancelling.cancel)
        nodes_start = Children(workflows, plans, store, children, self._starts)
        self._driver.capabilities = replace(capabilities, executions=nodes_start)

    # Start

    async def start(
        self,
        user: User,
        workflow_id: WorkflowId,
        inputs: Mapping[str, Any],
        idempotency_key: str | None = None,
        priority: Priority = Priority.NORMAL,
        *,
        until: NodeId | None = None,
        pins: Mapping[str, Any] = NOTHING,
        budget: Budget = Budget(),
        chat: str | None = None,
    ) -> ExecutionState:
        """Start the workflow; when this returns, the execution is stored and will not be lost.

        Args:
            user: who runs it.
            workflow_id: a workflow the user may run.
            inputs: values for the input node's fields.
            idempotency_key: the same key of the same user gives the same execution again.
            priority: which of the user's executions goes first when not all can be driven at once.
            until: run this node and what it needs; its value is the result.
            pins: outputs by node id; these nodes are not run.
            budget: what it may use, all nodes together.
            chat: the conversation it is a turn of.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``.
            Forbidden: ``NOT_ALLOWED``.
            Invalid: ``INVALID_WORKFLOW`` while errors remain, ``INVALID_INPUT``, ``UNKNOWN_NODE``, ``INSIDE_LOOP``.
        """
        stored = await self._workflows.runnable(user.id, workflow_id)
        if idempotency_key is not None:
            known = await self._store.by_idempotency_key(user.id, idempotency_key)
            if known is not None:
                return await self.get(user, known)
        planned = self._plans.of(stored, until)
        wanted = Wanted(
            workflow_id=workflow_id,
            workflow=stored.workflow,
            planned=planned,
            user_id=user.id,
            inputs=inputs,
            idempotency_key=idempotency_key,
            priority=priority,
            options=RunOptions(until, budget, pinned(planned.plan, pins), chat),
        )
        try:
            started = await self._starts.start(wanted)
            if stored.owner_id != user.id:
                await self._still_allowed(user, workflow_id)
            return started
        except Conflict:
            known = await self._store.by_idempotency_key(user.id, idempotency_key or "")
            if known is None:
                raise
            return await self.get(user, known)

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

    async def transcripts(
        self,
        user: User,
        execution_id: ExecutionId,
        prefix: str,
        limit: int,
        offset: int,
        *,
        previews: bool = False,
    ) -> Page[Transcript]:
        """What its agents were told, said and did; see ``History.transcripts``.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
        """
        summary = await self._visible(user, execution_id)
        return await self._history.transcripts(summary, prefix, limit, offset, previews=previews)

    async def workflow_of(self, user: User, execution_id: ExecutionId) -> Workflow:
        """The workflow as it was when the execution started."""
        await self._visible(user, execution_id)
        return await self._store.snapshot(execution_id)

    # Watch

    async def wait(self, user: User, execution_id: ExecutionId, timeout_s: float) -> ExecutionState:
        """The execution when it has ended, or waits for people only, or as it is after ``timeout_s`` seconds.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
        """
        state = await self._watching.wait(execution_id, timeout_s)
        return state if state is not None and state.user_id == user.id else await self.get(user, execution_id)

    async def follow(self, user: User, execution_id: ExecutionId, after_seq: int = 0) -> AsyncGenerator[Message]:
        """Everything stored after ``after_seq``, then live, until the execution is complete.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``, also in the middle, when its workflow is no longer shared with the user.
        """
        summary = await self._visible(user, execution_id)
        workflow_id = summary.workflow_id
        mine = workflow_id is None or await self._access.permission(user.id, workflow_id) is Permission.OWNER
        again = None if mine else lambda: self._visible(user, execution_id)
        async with aclosing(self._watching.follow(execution_id, after_seq, again)) as messages:
            async for each in messages:
                yield each

    # Change

    async def cancel(self, user: User, execution_id: ExecutionId) -> ExecutionState:
        """Stop the execution, running nodes at once.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
            Conflict: ``EXECUTION_ENDED``.
        """
        summary = await self._visible(user, execution_id)
        if not await self._cancelling.cancel(execution_id, user.username):
            raise Conflict("EXECUTION_ENDED", "the execution has ended already; there is nothing to stop")
        return await self._history.state(summary)

    async def stop_all(self, user_id: UserId, workflow_id: WorkflowId, by: str) -> None:
        """Stop what the user runs of the workflow, because they may no longer."""
        for execution_id in await self._store.unfinished_of(user_id, workflow_id):
            await self._cancelling.cancel(execution_id, by)

    async def resume(
        self,
        user: User,
        execution_id: ExecutionId,
        from_node: str | None = None,
        overrides: Mapping[str, Any] = NOTHING,
        budget: Budget | None = None,
        idempotency_key: str | None = None,
    ) -> ExecutionState:
        """Go on after a failure; with ``from_node``, in a new execution that reuses what came before that node.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
            Forbidden: ``NOT_ALLOWED``, its workflow may still be seen but not run.
            Conflict: ``NOT_RESUMABLE``.
            Invalid: see ``Resuming``.
        """
        summary = await self._visible(user, execution_id, Permission.RUN)
        if from_node is None:
            return await self._resuming.go_on(user, summary, overrides, budget)
        if idempotency_key is not None:
            known = await self._store.by_idempotency_key(user.id, idempotency_key)
            if known is not None:
                return await self.get(user, known)
        return await self._resuming.run_from(user, summary, from_node, overrides, budget, idempotency_key)

    async def answer(
        self, user: User, execution_id: ExecutionId, path: Path, decision: str, comment: str, form: Mapping[str, Any]
    ) -> ExecutionState:
        """Answer an approval; the execution goes on by ``approved`` or ``rejected``.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``, also for who may not answer (see ``Access.may_answer``).
            Conflict: ``NOT_WAITING``, nothing is asked there (any more), or somebody has answered.
            Invalid: ``INVALID_INPUT``, the form is not filled in as asked.
        """
        known = await self._store.summary(execution_id)
        state = await self._history.open_nodes(known) if known is not None else ExecutionState(execution_id)
        node = state.node_states.get(path)
        question = node.waiting.data if node is not None and node.waiting is not None else None
        assignees = question.get("assignees", ()) if question else ()
        summary = await self._access.may_answer(user, known, assignees)
        if node is None or node.status != "waiting" or question is None or state.ended:
            raise Conflict("NOT_WAITING", f"'{path}' does not wait for an answer")
        fields = tuple(InputField.model_validate(field) for field in question.get("form", ()))
        filled = read_fields(fields, form)
        answer = {"decision": decision, "by": user.username, "comment": comment, "form": filled}
        if "question" in question:
            answer["question"] = question["question"]
        key = answer_key(path, question)
        if not await self._store.add_signal(execution_id, key, answer):
            raise Conflict("NOT_WAITING", f"'{path}' has been answered already")
        if self._dispatcher.running(execution_id):
            self._driver.deliver(execution_id, key, answer)
        else:
            self._dispatcher.wake(execution_id, summary.user_id)
        answered = await self._history.state(summary)
        return answered if summary.user_id == user.id else answered.only(path)

    async def send(self, user: User, execution_id: ExecutionId, name: str, data: Any) -> ExecutionState:
        """Send an event to the execution; a node that waits for it, now or later, takes it.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
            Forbidden: ``NOT_ALLOWED``, its workflow may still be seen but not run.
            Conflict: ``EXECUTION_ENDED``.
        """
        summary = await self._visible(user, execution_id, Permission.RUN)
        if summary.status in FINAL_STATUSES:
            raise Conflict("EXECUTION_ENDED", "the execution has ended already; nothing in it can take an event")
        key, sent = event_key(name), {"event": name, "data": data, "by": user.username}
        await self._store.add_signal(execution_id, key, sent)
        if self._dispatcher.running(execution_id):
            self._driver.deliver(execution_id, key, sent)
        else:
            self._dispatcher.wake(execution_id, summary.user_id)
        return await self._history.state(summary)

    async def _visible(
        self, user: User, execution_id: ExecutionId, needed: Permission = Permission.VIEW
    ) -> ExecutionSummary:
        return await self._access.to_execution(user.id, await self._store.summary(execution_id), needed)

    async def _still_allowed(self, user: User, workflow_id: WorkflowId) -> None:
        """Whoever revokes a share stops what runs; what begins at that very moment is stopped here."""
        try:
            await self._workflows.runnable(user.id, workflow_id)
        except AweError:
            await self.stop_all(user.id, workflow_id, user.username)
            raise
