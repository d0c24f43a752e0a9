"""Who may do what with a workflow and with its executions. Everything asks here, and nothing else decides.

Whoever may not see a thing is told that it does not exist (404); whoever sees it but may not do this is refused (403).
"""

from collections.abc import Collection

from awe_app.adapters.share_store import ShareStore
from awe_app.adapters.workflow_store import WorkflowStore
from awe_app.domain.accounts import User
from awe_app.domain.errors import Forbidden, NotFound
from awe_app.domain.ids import UserId, WorkflowId
from awe_app.domain.sharing import Permission, permission_of
from awe_app.domain.stored import ExecutionSummary, StoredWorkflow


class Access:
    """Asks the database every time: what was revoked a moment ago, in whichever process, counts at once."""

    def __init__(self, workflows: WorkflowStore, shares: ShareStore) -> None:
        self._workflows = workflows
        self._shares = shares

    async def permission(self, user_id: UserId, workflow_id: WorkflowId) -> Permission:
        """What the user may do with the workflow now; ``NONE`` also where there is none."""
        owner = await self._workflows.owner(workflow_id)
        return Permission.NONE if owner is None else await self._permission(user_id, workflow_id, *owner)

    async def workflow(self, user_id: UserId, workflow_id: WorkflowId, needed: Permission) -> StoredWorkflow:
        """The workflow, for somebody who needs that permission.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``, it is not there or the user may not see it.
            Forbidden: ``NOT_ALLOWED``; ``NOT_OWNER`` where only the owner may.
        """
        stored = await self._workflows.get(workflow_id)
        if stored is None:
            raise _no_workflow()
        permission = await self._permission(user_id, workflow_id, stored.owner_id, stored.is_public)
        if permission is Permission.NONE:
            raise _no_workflow()
        if permission < needed:
            raise _forbidden(needed)
        return stored

    async def to_execution(
        self, user_id: UserId, summary: ExecutionSummary | None, needed: Permission = Permission.VIEW
    ) -> ExecutionSummary:
        """An execution for whoever started it, as long as they may see its workflow or that has been deleted.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
            Forbidden: ``NOT_ALLOWED``, they may see its workflow but need more.
        """
        if summary is None or summary.user_id != user_id:
            raise _no_execution()
        if summary.workflow_id is not None:
            permission = await self.permission(user_id, summary.workflow_id)
            if permission is Permission.NONE:
                raise _no_execution()
            if permission < needed:
                raise _forbidden(needed)
        return summary

    async def may_answer(
        self, user: User, summary: ExecutionSummary | None, assignees: Collection[str]
    ) -> ExecutionSummary:
        """An execution for those who may answer what it asks: who started it, who is named, with whom it is shared.

        That everyone may run a public workflow lets nobody answer for others.

        Raises:
            NotFound, Forbidden: as for ``to_execution``.
        """
        if summary is None:
            raise _no_execution()
        if user.username in assignees:
            return summary
        if summary.user_id == user.id:
            return await self.to_execution(user.id, summary, Permission.RUN)
        workflow_id = summary.workflow_id
        owner = await self._workflows.owner(workflow_id) if workflow_id is not None else None
        if workflow_id is None or owner is None:
            raise _no_execution()
        if await self._permission(user.id, workflow_id, owner[0], is_public=False) < Permission.RUN:
            raise _no_execution()
        return summary

    async def _permission(
        self, user_id: UserId, workflow_id: WorkflowId, owner_id: UserId, is_public: bool
    ) -> Permission:
        if owner_id == user_id:  # no need to look for shares
            return permission_of(user_id, owner_id, is_public, Permission.NONE)
        return permission_of(user_id, owner_id, is_public, await self._shares.granted(workflow_id, user_id))


def _no_workflow() -> NotFound:
    return NotFound("WORKFLOW_NOT_FOUND", "there is no such workflow, or it is not shared with you")


def _no_execution() -> NotFound:
    return NotFound("EXECUTION_NOT_FOUND", "there is no such execution, or it is not yours")


def _forbidden(needed: Permission) -> Forbidden:
    if needed is Permission.OWNER:
        return Forbidden("NOT_OWNER", "only its owner may do this to the workflow", "use a copy of your own")
    detail = f"the workflow is shared with you, but not to {needed.label} it"
    return Forbidden("NOT_ALLOWED", detail, f"ask its owner for '{needed.label}', or use a copy of your own")
