"""Who may do what with a workflow: the rule, and the shares it reads."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal

from awe_app.domain.ids import UserId, WorkflowId, iso
from awe_app.domain.stored import StoredWorkflow

PermissionName = Literal["view", "run", "edit"]
"""What can be shared."""


class Permission(IntEnum):
    """What a user may do with a workflow; each holds those before it."""

    NONE = 0
    """Not even know that it is there."""
    VIEW = 1
    """See and copy it."""
    RUN = 2
    """Run it in one's own name, and answer what it asks."""
    EDIT = 3
    """Change it."""
    OWNER = 4
    """Delete and share it."""

    @classmethod
    def named(cls, name: PermissionName) -> "Permission":
        """The permission of that name."""
        return cls[name.upper()]

    @property
    def label(self) -> str:
        """Its name as REST shows it."""
        return self.name.lower()


PUBLIC = Permission.RUN
"""What a public workflow lets everyone do who is signed in."""


def permission_of(user_id: UserId, owner_id: UserId | None, is_public: bool, shared: Permission) -> Permission:
    """The rule. ``shared`` is what a share that has not expired grants; nobody owns what has no owner."""
    if owner_id and owner_id == user_id:
        return Permission.OWNER
    return max(shared, PUBLIC if is_public else Permission.NONE)


@dataclass(frozen=True, slots=True)
class Share:
    """A workflow shared with a user."""

    id: str
    workflow_id: WorkflowId
    user_id: UserId
    user: str
    """The user's name."""
    permission: Permission
    created_at: datetime
    expires_at: datetime | None
    """From then on it counts as none; None: until it is revoked."""

    def as_json(self) -> dict[str, Any]:
        """The share as REST shows it; ``expires_at`` only where it has an end."""
        shown = {
            "id": self.id,
            "workflow_id": self.workflow_id,
            "user": self.user,
            "permission": self.permission.label,
            "created_at": iso(self.created_at),
        }
        return shown if self.expires_at is None else {**shown, "expires_at": iso(self.expires_at)}


@dataclass(frozen=True, slots=True)
class SharedWorkflow:
    """A workflow as somebody sees it with whom it is shared."""

    workflow: StoredWorkflow
    owner: str
    """The owner's name."""
    share: Share

    def as_json(self) -> dict[str, Any]:
        """The workflow as REST shows it, and how it is shared."""
        shown = {
            **self.workflow.as_json(),
            "workflow_id": self.workflow.id,
            "share_id": self.share.id,
            "owner": self.owner,
            "permission": self.share.permission.label,
            "shared_at": iso(self.share.created_at),
        }
        return shown if self.share.expires_at is None else {**shown, "expires_at": iso(self.share.expires_at)}
