"""Names of things. Ids are types, so that a node's id is never passed where an execution's is meant."""

from datetime import UTC, datetime
from typing import NewType
from uuid import uuid4

UserId = NewType("UserId", str)
"""UUID of an account."""

WorkflowId = NewType("WorkflowId", str)
"""UUID of a stored workflow."""

ExecutionId = NewType("ExecutionId", str)
"""UUID of one execution of a workflow."""

NodeId = NewType("NodeId", str)
"""Id of a node inside its workflow: ``^[a-z][a-z0-9_]{0,63}$``."""

Path = NewType("Path", str)
"""Name of one node *instance* in an execution: ``writer``, or ``each[3]/writer`` inside a loop."""


def new_id() -> str:
    """A fresh UUID as text."""
    return str(uuid4())


def utc_now() -> datetime:
    """The time now, in UTC and aware of it."""
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a trailing ``Z``, as every time leaves AWE; None stays None."""
    if moment is None:
        return None
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat()[: -len("+00:00")] + "Z"
