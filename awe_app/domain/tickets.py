"""What a dispatcher knows of an execution that wants to be driven."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from awe_app.domain.ids import ExecutionId, UserId

PriorityName = Literal["low", "normal", "high"]


class Priority(IntEnum):
    """Which of one user's executions goes first; users take turns whatever theirs are. A lower number goes first."""

    HIGH = 1
    NORMAL = 5
    LOW = 9

    @classmethod
    def named(cls, name: PriorityName) -> "Priority":
        """The priority that REST calls ``name``."""
        return cls[name.upper()]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the queue."""

    execution_id: ExecutionId
    user_id: UserId | None = None
    priority: Priority = Priority.NORMAL
    epoch: int = 0
    """The execution's epoch when the ticket was written; a take-over since then makes the ticket worthless."""
