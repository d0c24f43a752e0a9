"""Nodes that wait for a person, a moment or another execution. They hold no task while they do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from awe_app.domain import events as ev
from awe_app.domain.ids import Path
from awe_app.engine.deps import Signals
from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode


@dataclass(slots=True)
class Waiter:
    """One node instance that waits, and for what."""

    level: Level
    node: PlannedNode
    event: ev.NodeWaiting
    woken: bool = False
    """True while its task looks whether the wait is over."""


class WaitingRoom:
    """Who waits, and who may go on."""

    def __init__(self) -> None:
        self._waiters: dict[Path, Waiter] = {}

    def __bool__(self) -> bool:
        return bool(self._waiters)

    def __contains__(self, path: Path) -> bool:
        return path in self._waiters

    def enter(self, path: Path, waiter: Waiter) -> None:
        """A node begins to wait, or finds that it has to wait longer."""
        self._waiters[path] = waiter

    def leave(self, path: Path) -> None:
        """A node waits no longer; harmless for one that did not."""
        self._waiters.pop(path, None)

    def event_of(self, path: Path) -> ev.NodeWaiting | None:
        """What the node instance waits for."""
        waiter = self._waiters.get(path)
        return waiter.event if waiter is not None else None

    def listeners(self) -> list[tuple[Path, Waiter]]:
        """Those who wait for an event, in the order in which they began to."""
        return [(path, waiter) for path, waiter in self._waiters.items() if waiter.event.reason == "event"]

    def called(self, now: datetime, signals: Signals) -> Iterator[tuple[Path, Waiter]]:
        """Those who have their answer, or whose moment has come; each is called once until it enters again."""
        for path, waiter in self._waiters.items():
            due = waiter.event.until is not None and waiter.event.until <= now
            if not waiter.woken and (due or signals.get(path) is not None):
                waiter.woken = True
                yield path, waiter

    def next_moment(self) -> datetime | None:
        """When the first of them goes on by itself."""
        return min((w.event.until for w in self._waiters.values() if w.event.until and not w.woken), default=None)

    def empty(self, level: Level | None = None) -> Iterator[tuple[Path, Waiter]]:
        """Send away those of a level, or all; gives those whose task does not run."""
        for path, waiter in list(self._waiters.items()):
            if level is None or waiter.level.within(level):
                del self._waiters[path]
                if not waiter.woken:
                    yield path, waiter
