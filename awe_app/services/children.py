"""Executions that nodes start: ``domain.protocols.ChildExecutions`` on the server."""

from awe_app.adapters.child_store import ChildStore
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.domain.errors import AweError, Conflict, Forbidden, Invalid, NodeFailed, NotFound
from awe_app.domain.ids import ExecutionId, UserId, WorkflowId
from awe_app.domain.protocols import ChildRequest, ChildWorkflow
from awe_app.services.depth import check_depth
from awe_app.services.described import described
from awe_app.services.plans import Plans
from awe_app.services.starts import Starts, Wanted
from awe_app.services.workflows import Workflows


class Children:
    """Starts a workflow as a node of another execution."""

    def __init__(
        self, workflows: Workflows, plans: Plans, store: ExecutionStore, children: ChildStore, starts: Starts
    ) -> None:
        self._workflows = workflows
        self._plans = plans
        self._store = store
        self._children = children
        self._starts = starts

    async def describe(self, user_id: UserId | None, workflow_id: WorkflowId) -> ChildWorkflow:
        """See ``ChildExecutions``."""
        if user_id is None:
            raise _nobody()
        try:
            stored = await self._workflows.runnable(user_id, workflow_id)
            self._plans.of(stored)
        except (Invalid, NotFound, Forbidden) as error:
            raise _told(error) from error
        return described(stored.workflow)

    async def start(self, request: ChildRequest) -> ExecutionId:
        """See ``ChildExecutions``. What one instance starts has a key, so that no crash starts it twice."""
        parent = request.parent
        before = await self._children.of(parent)
        if before.newest is not None and not before.newest_failed:
            return before.newest
        check_depth(before.depth + 1)
        if request.user_id is None:
            raise _nobody()
        if before.newest is not None:
            await self._children.forget_report(parent)
        key = f"{parent.execution_id}:{parent.path}:{before.count}"
        try:
            stored = await self._workflows.runnable(request.user_id, request.workflow_id)
            started = await self._starts.start(
                Wanted(
                    workflow_id=stored.id,
                    workflow=stored.workflow,
                    planned=self._plans.of(stored),
                    user_id=request.user_id,
                    inputs=request.inputs,
                    idempotency_key=key,
                    parent=parent if request.attached else None,
                    depth=before.depth + 1,
                )
            )
        except Conflict:
            return await self._same(request.user_id, key)
        except (Invalid, NotFound, Forbidden) as error:
            raise _told(error) from error
        return started.execution_id

    async def _same(self, user_id: UserId, key: str) -> ExecutionId:
        known = await self._store.by_idempotency_key(user_id, key)
        if known is None:
            raise NodeFailed("SUBWORKFLOW_LOST", f"the execution with the key {key} is gone", retryable=True)
        return known


def _nobody() -> NodeFailed:
    return NodeFailed("WORKFLOW_NOT_FOUND", "the account that ran this is gone, and with it its workflows")


def _told(error: AweError) -> NodeFailed:
    return NodeFailed(error.code, f"the sub-workflow cannot start: {error.detail}", error.hint)
