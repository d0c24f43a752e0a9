"""Sharing workflows with other users. Who may do what is decided in ``services/access.py``."""

from dataclasses import replace
from datetime import datetime

from awe_app.adapters.share_store import ShareStore
from awe_app.adapters.user_store import UserStore
from awe_app.domain.accounts import User
from awe_app.domain.errors import Invalid, NotFound
from awe_app.domain.ids import WorkflowId, utc_now
from awe_app.domain.pages import Page, PageQuery
from awe_app.domain.sharing import Permission, PermissionName, Share, SharedWorkflow
from awe_app.services.access import Access
from awe_app.services.executions import Executions
from awe_app.services.workflows import Workflows


class Sharing:
    """Use cases around shares."""

    def __init__(
        self, store: ShareStore, users: UserStore, access: Access, workflows: Workflows, executions: Executions
    ) -> None:
        self._store = store
        self._users = users
        self._access = access
        self._workflows = workflows
        self._executions = executions

    async def permission(self, user: User, workflow_id: WorkflowId) -> Permission:
        """What the user may do with the workflow now."""
        return await self._access.permission(user.id, workflow_id)

    async def share(
        self,
        user: User,
        workflow_id: WorkflowId,
        with_whom: str,
        permission: PermissionName,
        expires_at: datetime | None = None,
    ) -> Share:
        """Share a workflow of one's own; sharing again changes what was shared.

        Args:
            user: the owner.
            workflow_id: what is shared.
            with_whom: a user's name or e-mail.
            permission: what they may do.
            expires_at: when that ends; None: when it is revoked.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``, ``USER_NOT_FOUND``.
            Forbidden: ``NOT_OWNER``.
            Invalid: ``INVALID_INPUT``: with oneself, or until a time that is over.
        """
        await self._access.workflow(user.id, workflow_id, Permission.OWNER)
        if expires_at is not None and (expires_at.tzinfo is None or expires_at <= utc_now()):
            raise Invalid("INVALID_INPUT", "expires_at: it must be a time to come, with its zone")
        found = await self._users.credentials(with_whom.strip())
        if found is None:
            raise NotFound("USER_NOT_FOUND", "there is no account of that name or e-mail address")
        if found[0].id == user.id:
            raise Invalid("INVALID_INPUT", "user: the workflow is yours already; share it with somebody else")
        share = await self._store.put(workflow_id, found[0].id, Permission.named(permission), expires_at)
        if share.permission < Permission.RUN:
            await self._stop(share, user)
        return share

    async def shares(self, user: User, workflow_id: WorkflowId, query: PageQuery) -> Page[Share]:
        """With whom a workflow of one's own is shared, expired shares too.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``.
            Forbidden: ``NOT_OWNER``.
        """
        await self._access.workflow(user.id, workflow_id, Permission.OWNER)
        return await self._store.of(workflow_id, query)

    async def shared(self, user: User, query: PageQuery) -> Page[SharedWorkflow]:
        """What others share with the user, last changed first."""
        page = await self._store.shared_with(user.id, query)
        return replace(
            page, items=[replace(each, workflow=self._workflows.with_issues(each.workflow)) for each in page.items]
        )

    async def revoke(self, user: User, share_id: str) -> None:
        """End a share: its owner takes it back, or the one who has it leaves. What they run of it is stopped.

        Raises:
            NotFound: ``SHARE_NOT_FOUND``, also for everybody else.
        """
        share = await self._store.get(share_id)
        if share is None or not await self._concerns(user, share) or not await self._store.remove(share_id):
            raise NotFound("SHARE_NOT_FOUND", "there is no such share, or it is not yours")
        await self._stop(share, user)

    async def _concerns(self, user: User, share: Share) -> bool:
        return share.user_id == user.id or await self._access.permission(user.id, share.workflow_id) is Permission.OWNER

    async def _stop(self, share: Share, by: User) -> None:
        """Stop what the user runs of the workflow, unless they may run it all the same (it is public)."""
        if await self._access.permission(share.user_id, share.workflow_id) < Permission.RUN:
            await self._executions.stop_all(share.user_id, share.workflow_id, by.username)
