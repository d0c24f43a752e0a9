"""Going on after a failure: in the same execution, or in a new one from a chosen node."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from awe_app.adapters.dispatch import Dispatcher
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import SqlJournal
from awe_app.domain import events as ev
from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict, Invalid, NotFound
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import Path, utc_now
from awe_app.domain.options import Budget, RunOptions
from awe_app.domain.protocols import Bus
from awe_app.domain.stored import ExecutionSummary
from awe_app.domain.workflow import Workflow
from awe_app.services.driver import Driver
from awe_app.services.plans import PlannedWorkflow, Plans, snapshot_name
from awe_app.services.reuse import before, pinned
from awe_app.services.starts import Starts, Wanted
from awe_app.services.workflows import Workflows


class Resuming:
    """What ``POST /executions/{id}/resume`` does."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        store: ExecutionStore,
        journal: SqlJournal,
        bus: Bus,
        plans: Plans,
        driver: Driver,
        dispatcher: Dispatcher,
        starts: Starts,
    ) -> None:
        self._workflows = workflows
        self._store = store
        self._journal = journal
        self._bus = bus
        self._plans = plans
        self._driver = driver
        self._dispatcher = dispatcher
        self._starts = starts

    async def go_on(
        self, user: User, summary: ExecutionSummary, overrides: Mapping[str, Any], budget: Budget | None
    ) -> ExecutionState:
        """Take a failed or cancelled execution up again; finished nodes are not run again.

        Args:
            user: who resumes it.
            summary: the execution.
            overrides: outputs, by node id, of nodes that have not finished: they are not run.
            budget: a new budget, in place of the one it had.

        Raises:
            Conflict: ``NOT_RESUMABLE``, it has completed or is still going on.
            Invalid: ``ALREADY_FINISHED``, ``UNKNOWN_NODE``, ``PORT_UNKNOWN``.
        """
        if summary.status not in ("failed", "cancelled"):
            raise _not_resumable(summary.status)
        execution_id = summary.execution_id
        past = ExecutionState(execution_id, summary.workflow_id, summary.user_id)
        past.fold(await self._journal.read(execution_id))
        workflow, options = await self._store.asked(execution_id)
        if overrides:
            plan = self._plans.at(snapshot_name(workflow), workflow, options.until)
            known = pinned(plan, overrides, past)
            for node_id in known:
                state = past.node_states.get(Path(node_id))
                if state is not None and (state.outputs is not None or state.status == "skipped"):
                    hint = f"run from a node after it: from_node, with overrides for '{node_id}'"
                    raise Invalid("ALREADY_FINISHED", f"'{node_id}' has finished; that is not undone", hint)
            options = replace(options, known={**options.known, **known})
        if budget is not None:
            options = replace(options, budget=budget)
        now, text = utc_now(), f"Resumed by {user.username}"
        resumed = (
            ev.ExecutionResumed(seq=past.seq + 1, at=now, reason="resumed"),
            ev.LogWritten(seq=past.seq + 2, at=now, level="info", path=None, message=text),
        )
        if not await self._store.reopen(execution_id, options, resumed):
            raise _not_resumable("taken up already")
        self._driver.forget_end(execution_id)
        for event in resumed:
            past.apply(event)
            self._bus.publish(execution_id, event)
        self._dispatcher.submit(execution_id, summary.user_id)
        return past

    async def run_from(
        self,
        user: User,
        summary: ExecutionSummary,
        from_node: str,
        overrides: Mapping[str, Any],
        budget: Budget | None,
        idempotency_key: str | None = None,
    ) -> ExecutionState:
        """A new execution that begins at ``from_node`` and reuses what all other nodes but those after it gave.

        It runs the workflow as it is now, so that a mended node can be tried; as it was then when it has been deleted.

        Raises:
            Invalid: ``INVALID_WORKFLOW``, ``INVALID_INPUT``, ``UNKNOWN_NODE``, ``PORT_UNKNOWN``.
        """
        events = await self._journal.read(summary.execution_id)
        past = ExecutionState(summary.execution_id, summary.workflow_id, summary.user_id).fold(events)
        workflow, planned = await self._now(user, summary)
        known = {**before(planned.plan, past, events, from_node), **pinned(planned.plan, overrides, past)}
        claim_inputs = past.inputs if past.seq else await self._store.inputs(summary.execution_id)
        return await self._starts.start(
            Wanted(
                workflow_id=summary.workflow_id,
                workflow=workflow,
                planned=planned,
                user_id=user.id,
                inputs=claim_inputs,
                idempotency_key=idempotency_key,
                options=RunOptions(budget=budget or Budget(), known=known),
            )
        )

    async def _now(self, user: User, summary: ExecutionSummary) -> tuple[Workflow, PlannedWorkflow]:
        if summary.workflow_id is not None:
            try:
                stored = await self._workflows.runnable(user.id, summary.workflow_id)
            except NotFound:
                pass
            else:
                return stored.workflow, self._plans.of(stored)
        workflow, _options = await self._store.asked(summary.execution_id)
        name = snapshot_name(workflow)
        return workflow, PlannedWorkflow(name, self._plans.at(name, workflow))


def _not_resumable(status: str) -> Conflict:
    detail = f"only what failed or was cancelled can go on; this execution is {status}"
    return Conflict("NOT_RESUMABLE", detail, "run it again from a node: from_node")
