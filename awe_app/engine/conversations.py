"""What agents of one execution have said to each other: their short-term memory, by thread."""

from collections.abc import Mapping, Sequence
from typing import Any

from awe_app.domain.execution import ExecutionState

Turns = Sequence[Mapping[str, Any]]


class Conversations:
    """The threads of one execution, in the order in which the nodes finished."""

    def __init__(self, done: ExecutionState | None) -> None:
        self._threads: dict[str, list[Mapping[str, Any]]] = (
            {thread: list(turns) for thread, turns in done.threads.items()} if done is not None else {}
        )

    def of(self, thread: str) -> Turns:
        """What was said in the thread so far."""
        return tuple(self._threads.get(thread, ()))

    def add(self, said: Mapping[str, Turns] | None) -> None:
        """A node has finished: what it said is heard."""
        for thread, turns in (said or {}).items():
            self._threads.setdefault(thread, []).extend(turns)
