"""Steps inside node instances: recorded in the journal, and looked up when an instance is run again."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.ids import Path
from awe_app.engine.record import Record


class StepBook:
    """The steps of all node instances at work in one run."""

    def __init__(self, record: Record, durable: Callable[[int], Awaitable[None]]) -> None:
        self._record = record
        self._durable = durable
        self._taken: dict[Path, dict[str, Mapping[str, Any]]] = {}

    def of(self, path: Path) -> "InstanceSteps":
        """The steps of one node instance, as it sees them."""
        return InstanceSteps(self, path)

    def taken(self, path: Path) -> dict[str, Mapping[str, Any]]:
        """By key: those of the journal, and those since."""
        steps = self._taken.get(path)
        if steps is None:
            known = self._record.of(path)
            steps = self._taken[path] = dict(known.steps) if known is not None else {}
        return steps

    async def take(self, path: Path, key: str, message: str, data: Mapping[str, Any], level: ev.Level) -> None:
        """Record a step and wait until it is durable."""
        event = self._record.emit(ev.StepTaken, level=level, path=path, message=message, data=data, key=key)
        self.taken(path)[key] = data
        await self._durable(event.seq)

    def forget(self, path: Path) -> None:
        """Begin anew."""
        if self.taken(path):
            text = "The next try begins anew"
            self._record.emit(ev.StepsForgotten, level="debug", path=path, message=text)
            self._taken[path] = {}

    def close(self, path: Path) -> None:
        """The instance has finished and is never run again."""
        self._taken.pop(path, None)


class InstanceSteps:
    """``domain.steps.Steps`` of one node instance."""

    __slots__ = ("_book", "_path")

    def __init__(self, book: StepBook, path: Path) -> None:
        self._book = book
        self._path = path

    def known(self, key: str) -> Mapping[str, Any] | None:
        """See ``Steps.known``."""
        return self._book.taken(self._path).get(key)

    async def record(self, key: str, message: str, data: Mapping[str, Any], level: ev.Level = "info") -> None:
        """See ``Steps.record``."""
        await self._book.take(self._path, key, message, data, level)

    def forget(self) -> None:
        """See ``Steps.forget``."""
        self._book.forget(self._path)
