"""Workflows: create, list, open, change, delete. Everything here asks ``Access`` first whether the user may."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from awe_app.adapters.workflow_store import WorkflowStore
from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict, Forbidden, Invalid, Issue
from awe_app.domain.ids import UserId, WorkflowId
from awe_app.domain.pages import Page, PageQuery
from awe_app.domain.sharing import Permission
from awe_app.domain.stored import SERVER_KEYS, StoredWorkflow
from awe_app.domain.workflow import Workflow
from awe_app.engine.validate import read_workflow, validate
from awe_app.nodes.registry import NodeTypes
from awe_app.services.access import Access


class Workflows:
    """Use cases around stored workflows."""

    def __init__(self, store: WorkflowStore, access: Access, node_types: NodeTypes) -> None:
        self._store = store
        self.access = access
        """Who may do what."""
        self._types = node_types

    async def create(self, user: User, raw: Mapping[str, Any]) -> StoredWorkflow:
        """Store a new workflow; drafts may be unfinished, but not malformed.

        Raises:
            Invalid: ``SERVER_OWNED_KEY``, or ``INVALID_WORKFLOW`` with what is malformed.
        """
        for key in SERVER_KEYS:
            if key in raw:
                raise Invalid("SERVER_OWNED_KEY", f"'{key}' is set by the server; leave it out")
        file, is_public = _split(raw)
        return self.with_issues(await self._store.add(user.id, self._read(file), is_public or False))

    async def list(self, user: User, query: PageQuery) -> Page[StoredWorkflow]:
        """The user's own workflows, last changed first."""
        page = await self._store.list(user.id, query)
        return replace(page, items=[self.with_issues(item) for item in page.items])

    async def names(self, user: User, limit: int) -> Sequence[tuple[WorkflowId, str, str]]:
        """Id, name and description of the user's own, last changed first."""
        return await self._store.names(user.id, limit)

    async def get(self, user: User, workflow_id: WorkflowId) -> StoredWorkflow:
        """A workflow the user may see.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``.
        """
        return self.with_issues(await self.visible(user, workflow_id))

    async def visible(self, user: User, workflow_id: WorkflowId) -> StoredWorkflow:
        """Like ``get``, without looking for issues."""
        return await self.access.workflow(user.id, workflow_id, Permission.VIEW)

    async def runnable(self, user_id: UserId, workflow_id: WorkflowId) -> StoredWorkflow:
        """A workflow that the user may run, for them or for a node that acts in their name.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``.
            Forbidden: ``NOT_ALLOWED``.
        """
        return await self.access.workflow(user_id, workflow_id, Permission.RUN)

    async def update(
        self, user: User, workflow_id: WorkflowId, raw: Mapping[str, Any], expected_version: int | None
    ) -> StoredWorkflow:
        """Replace the file. Keys that the server owns may stand in ``raw`` if they are unchanged.

        Raises:
            NotFound, Forbidden, Invalid: as for ``get`` and ``create``.
            Conflict: ``STALE_VERSION`` when ``expected_version`` (None: last write wins) is not the stored one.
        """
        stored = await self.access.workflow(user.id, workflow_id, Permission.EDIT)
        self._refuse_changed_keys(stored, raw)
        file, is_public = _split(raw)
        if is_public is not None and is_public != stored.is_public and stored.owner_id != user.id:
            raise Forbidden("NOT_OWNER", "only its owner may say who sees the workflow", "leave 'is_public' as it is")
        workflow = self._read(file)
        changed = await self._store.update(workflow_id, workflow, expected_version, is_public)
        return self.with_issues(changed)

    async def save(
        self, user: User, workflow_id: WorkflowId, workflow: Workflow, expected_version: int | None
    ) -> StoredWorkflow:
        """``update`` for a workflow that is in hand already, as the canvas has it."""
        await self.access.workflow(user.id, workflow_id, Permission.EDIT)
        self._refuse_malformed(validate(workflow, self._types))
        return self.with_issues(await self._store.update(workflow_id, workflow, expected_version))

    async def delete(self, user: User, workflow_id: WorkflowId) -> None:
        """Delete a workflow; what it once ran stays in the list of executions."""
        await self.access.workflow(user.id, workflow_id, Permission.OWNER)
        await self._store.delete([workflow_id], user.id)

    async def bulk_delete(
        self, user: User, workflow_ids: Sequence[WorkflowId]
    ) -> tuple[Sequence[WorkflowId], Sequence[WorkflowId]]:
        """Delete those of the ids that are the user's; gives the deleted and those not found."""
        ids = tuple(dict.fromkeys(workflow_ids))
        deleted = await self._store.delete(ids, user.id)
        return [i for i in ids if i in deleted], [i for i in ids if i not in deleted]

    def check(self, raw: Any) -> Sequence[Issue]:
        """Everything that is wrong with a workflow file; nothing is run or stored."""
        if isinstance(raw, Mapping):
            raw = {key: value for key, value in raw.items() if key not in (*SERVER_KEYS, "is_public")}
        workflow, issues = read_workflow(raw)
        return issues if workflow is None else validate(workflow, self._types)

    def _read(self, raw: Mapping[str, Any]) -> Workflow:
        workflow, issues = read_workflow(raw)
        if workflow is not None:
            issues = validate(workflow, self._types)
        self._refuse_malformed(issues)
        if workflow is None:
            raise Invalid("INVALID_WORKFLOW", "this is no workflow", issues=tuple(issues))
        return workflow

    def _refuse_malformed(self, issues: Sequence[Issue]) -> None:
        malformed = tuple(issue for issue in issues if issue.malformed)
        if malformed:
            raise Invalid("INVALID_WORKFLOW", "; ".join(issue.message for issue in malformed[:5]), issues=malformed)

    def with_issues(self, stored: StoredWorkflow) -> StoredWorkflow:
        """The workflow and what is wrong with it."""
        return replace(stored, issues=tuple(validate(stored.workflow, self._types)))

    def _refuse_changed_keys(self, stored: StoredWorkflow, raw: Mapping[str, Any]) -> None:
        current = self.with_issues(stored).as_json()
        version = raw.get("version")
        if isinstance(version, int) and version < stored.version:
            detail = f"this is version {version}, stored is version {stored.version}"
            raise Conflict("STALE_VERSION", detail, "load the workflow again, or leave the server's keys out")
        for key in SERVER_KEYS:
            if key in raw and raw[key] != current[key]:
                raise Invalid("SERVER_OWNED_KEY", f"'{key}' is set by the server; leave it out or unchanged")


def _split(raw: Mapping[str, Any]) -> tuple[dict[str, Any], bool | None]:
    """The file without what the server adds, and ``is_public`` where it is said."""
    is_public = raw.get("is_public")
    if is_public is not None and not isinstance(is_public, bool):
        raise Invalid("INVALID_VALUE", "'is_public' must be true or false")
    return {key: value for key, value in raw.items() if key not in (*SERVER_KEYS, "is_public")}, is_public
