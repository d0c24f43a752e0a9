"""What the dialog holds that shares a workflow."""

from dataclasses import dataclass
from typing import Any, cast, get_args

import reflex as rx

from awe_app.domain.errors import AweError, Invalid, NotFound
from awe_app.domain.ids import WorkflowId, iso
from awe_app.domain.pages import MAX_LIMIT, PageQuery
from awe_app.domain.sharing import PermissionName, Share
from awe_app.services import services
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import sentence


@dataclass(frozen=True)
class ShareRow:
    """One user with whom the workflow is shared."""

    id: str
    user: str
    permission: str
    expires_at: str


class ShareState(rx.State):
    """The workflow that is being shared, and with whom it is shared already."""

    workflow_id: str = ""
    """Empty while the dialog is closed."""
    name: str = ""
    rows: list[ShareRow] = []
    problem: str = ""
    busy: bool = False

    @rx.event
    @refusals_told
    async def show(self, workflow_id: str):
        """Open the dialog."""
        user = await signed_in(self)
        stored = await services().workflows.visible(user, WorkflowId(workflow_id))
        await self._read(workflow_id)
        self.workflow_id, self.name, self.problem = workflow_id, stored.workflow.name, ""

    @rx.event
    def close(self):
        """Close the dialog."""
        self.workflow_id, self.rows = "", []

    @rx.event
    @refusals_told
    async def add(self, form: dict[str, Any]):
        """Share with one more user."""
        await self._share(str(form.get("user", "")), str(form.get("permission", "")))
        return None if self.problem else rx.set_value("share-user", "")

    @rx.event
    @refusals_told
    async def change(self, username: str, permission: str):
        """Change what a user may do."""
        await self._share(username, permission)

    @rx.event
    @refusals_told
    async def revoke(self, share_id: str):
        """Take a share back."""
        user = await signed_in(self)
        try:
            await services().sharing.revoke(user, share_id)
        except NotFound:  # the other has left meanwhile
            self.problem = ""
        await self._read(self.workflow_id)

    async def _share(self, username: str, permission: str) -> None:
        user = await signed_in(self)
        self.problem = ""
        try:
            if not username.strip() or permission not in get_args(PermissionName):
                raise Invalid("INVALID_INPUT", "say with whom, by name or e-mail address")
            allowed = cast(PermissionName, permission)
            await services().sharing.share(user, WorkflowId(self.workflow_id), username, allowed)
        except AweError as error:
            self.problem = sentence(error.detail)
        await self._read(self.workflow_id)

    async def _read(self, workflow_id: str) -> None:
        user = await signed_in(self)
        page = await services().sharing.shares(user, WorkflowId(workflow_id), PageQuery(MAX_LIMIT))
        self.rows = [_row(share) for share in page.items]


def _row(share: Share) -> ShareRow:
    return ShareRow(share.id, share.user, share.permission.label, iso(share.expires_at) or "")
