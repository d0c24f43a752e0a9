"""Workflows and executions as they are kept: the file or the summary, and what the server adds to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awe_app.domain.errors import Issue
from awe_app.domain.execution import Status
from awe_app.domain.ids import ExecutionId, UserId, WorkflowId, iso
from awe_app.domain.workflow import Workflow

SERVER_KEYS = ("id", "owner_id", "version", "created_at", "updated_at", "issues")
"""Keys of a stored workflow that only the server writes."""


@dataclass(frozen=True, slots=True)
class StoredWorkflow:
    """A workflow in the database."""

    id: WorkflowId
    workflow: Workflow
    owner_id: UserId
    is_public: bool
    version: int
    """Rises by one with every update; ``If-Match`` compares it."""
    created_at: datetime
    updated_at: datetime
    issues: tuple[Issue, ...] = ()
    """What is still wrong or unfinished; execute refuses while there are errors."""

    def as_json(self) -> dict[str, Any]:
        """The workflow as REST shows it."""
        return {
            **self.workflow.as_json(),
            "id": self.id,
            "owner_id": self.owner_id,
            "is_public": self.is_public,
            "version": self.version,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "issues": [issue.as_json() for issue in self.issues],
        }


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """One row of the list of executions."""

    execution_id: ExecutionId
    workflow_id: WorkflowId | None
    workflow_name: str
    user_id: UserId | None
    status: Status
    result: Any
    error: dict[str, Any] | None
    usage: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The summary as REST shows it: an execution without its node states and logs."""
        return {
            "execution_id": self.execution_id,
            "workflow_id": self.workflow_id,
            "workflow_name": self.workflow_name,
            "user_id": self.user_id,
            "status": self.status,
            "result": self.result,
            "error": self.error,
            "usage": self.usage,
            "created_at": iso(self.created_at),
            "started_at": iso(self.started_at),
            "completed_at": iso(self.completed_at),
        }
