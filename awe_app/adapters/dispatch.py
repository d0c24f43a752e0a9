"""Which process drives an execution, and when. See ``docs/decisions/0011-several-processes.md``.

``EmbeddedDispatcher`` is for a process that is alone with its database (SQLite), ``DbosDispatcher`` for several
(PostgreSQL). Both keep to the same limits and the same order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from awe_app.domain.ids import ExecutionId, Path, UserId
from awe_app.domain.tickets import Priority, Ticket


class Drives(Protocol):
    """Who really drives: ``services/driver.py``."""

    async def drive(self, execution_id: ExecutionId) -> None:
        """Drive the execution to its end, or until it has to wait."""
        ...

    def deliver(self, execution_id: ExecutionId, path: Path, payload: Mapping[str, Any]) -> None:
        """Hand an answer to the execution if it is driven here."""
        ...


class Unfinished(Protocol):
    """Where the embedded dispatcher learns what there is to drive: ``adapters/execution_store.py``."""

    async def unfinished(self) -> Sequence[Ticket]:
        """Everything that can go on."""
        ...

    async def due(self) -> Sequence[Ticket]:
        """What waits and whose moment has come."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How many executions are driven at the same time."""

    here: int
    """By this process."""
    per_user: int | None = None
    """Of one user, by all processes together; None: as many as fit."""
    everywhere: int | None = None
    """By all processes together; None: as many as they take. Means nothing to a process that is alone."""


class Dispatcher(Protocol):
    """Decides which process drives an execution, and when."""

    alone: bool
    """True when no other process can drive what is stored in this database."""

    async def start(self) -> int:
        """Take up everything unfinished that is nobody else's, and watch the clock. Gives how many were taken up."""
        ...

    def submit(
        self, execution_id: ExecutionId, user_id: UserId | None = None, priority: Priority = Priority.NORMAL
    ) -> bool:
        """Let the execution, which is stored, be driven as soon as the limits allow; never waits.

        False when that may happen in another process. Nothing happens when it is here already, or while stopping.
        """
        ...

    def wake(self, execution_id: ExecutionId, user_id: UserId | None = None) -> None:
        """Something that the execution may wait for has been stored (``ExecutionStore.add_signal``)."""
        ...

    def call_others(self) -> None:
        """An execution was taken away from whoever drives it: let the other processes see that at once."""
        ...

    def running(self, execution_id: ExecutionId) -> bool:
        """True while the execution is driven here or waits for its turn here."""
        ...

    async def cancel(self, execution_id: ExecutionId) -> bool:
        """Stop driving the execution here and return when it is gone; False when it is not here.

        Only driving stops. That the execution is cancelled is for the caller to record, by a claim; another process
        that drives it notices that.
        """
        ...

    async def wait(self, execution_id: ExecutionId, timeout_s: float) -> bool:
        """Return True as soon as the execution is not here (any more), False after ``timeout_s`` seconds."""
        ...

    async def stop(self, grace_s: float = 0) -> None:
        """Begin nothing any more, give what runs ``grace_s`` seconds, cancel the rest and return when it is gone."""
        ...
