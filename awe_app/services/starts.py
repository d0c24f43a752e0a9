"""Starting an execution: check what it is given, store it, hand it to the dispatcher."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awe_app.adapters.dispatch import Dispatcher
from awe_app.adapters.execution_store import Claim, ExecutionStore
from awe_app.adapters.journal import NewExecution, SqlJournal
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, UserId, WorkflowId, new_id
from awe_app.domain.options import Parent, RunOptions
from awe_app.domain.tickets import Priority
from awe_app.domain.workflow import Workflow
from awe_app.nodes.input import read_inputs
from awe_app.services.driver import Driver
from awe_app.services.plans import PlannedWorkflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An execution that somebody wants."""

    workflow_id: WorkflowId | None
    workflow: Workflow
    planned: PlannedWorkflow
    user_id: UserId | None
    inputs: Mapping[str, Any]
    """As they were given; checked here."""
    idempotency_key: str | None = None
    priority: Priority = Priority.NORMAL
    options: RunOptions = RunOptions()
    parent: Parent | None = None
    depth: int = 0


class Starts:
    """Stores new executions and lets them be driven."""

    def __init__(self, store: ExecutionStore, journal: SqlJournal, driver: Driver, dispatcher: Dispatcher) -> None:
        self._store = store
        self._journal = journal
        self._driver = driver
        self._dispatcher = dispatcher

    async def start(self, wanted: Wanted) -> ExecutionState:
        """Start it; when this returns, the execution is stored and will not be lost.

        Raises:
            Invalid: ``INVALID_INPUT``.
            Conflict: ``IDEMPOTENCY_KEY_TAKEN``.
        """
        values = read_inputs(wanted.workflow, wanted.inputs)
        execution_id = ExecutionId(new_id())
        await self._journal.create(
            NewExecution(
                execution_id=execution_id,
                workflow_id=wanted.workflow_id,
                user_id=wanted.user_id,
                workflow=wanted.workflow,
                snapshot_id=wanted.planned.snapshot_id,
                inputs=values,
                idempotency_key=wanted.idempotency_key,
                priority=wanted.priority,
                driver=self._store.driver,
                options=wanted.options,
                parent=wanted.parent,
                depth=wanted.depth,
            )
        )
        claim = Claim(
            epoch=1,
            workflow=wanted.workflow,
            snapshot_id=wanted.planned.snapshot_id,
            workflow_id=wanted.workflow_id,
            user_id=wanted.user_id,
            inputs=values,
            options=wanted.options,
            parent=wanted.parent,
            depth=wanted.depth,
        )
        self._driver.expect(execution_id, claim)
        if not self._dispatcher.submit(execution_id, wanted.user_id, wanted.priority):
            self._driver.forget(execution_id)
        return ExecutionState(execution_id, wanted.workflow_id, wanted.user_id, inputs=values)
