"""Nodes that wait for a person, a moment or another execution. They hold no task while they do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.ids import Path
from awe_app.domain.signals import answer_key
from awe_app.engine.deps import Signals
from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode


@dataclass(slots=True)
class Waiter:
    """One node instance that waits, and for what."""

    level: Level
    node: PlannedNode
    event: ev.NodeWaiting
    seen: Mapping[str, Any] | None = None
    """The answer its task has seen and that did not end the wait."""
    woken: bool = False
    """True while its task looks whether the wait is over."""

    @property
    def deadline(self) -> datetime | None:
        """When it has waited as long as its node's ``timeout_s`` allows."""
        timeout_s = self.node.spec.timeout_s
        return self.event.at + timedelta(seconds=timeout_s) if timeout_s is not None else None

    @property
    def moment(self) -> datetime | None:
        """When it is looked after, whether or not an answer comes."""
        return min((m for m in (self.event.until, self.deadline) if m is not None), default=None)


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
            due = (moment := waiter.moment) is not None and moment <= now
            answer = signals.get(answer_key(path, waiter.event.data))
            if not waiter.woken and (due or (answer is not None and answer is not waiter.seen)):
                waiter.woken = True
                yield path, waiter

    def next_moment(self) -> datetime | None:
        """When the first of them goes on by itself."""
        return min((m for w in self._waiters.values() if not w.woken and (m := w.moment) is not None), default=None)

    def overdue(self, path: Path, now: datetime) -> bool:
        """True when the node instance has waited longer than its node's ``timeout_s``."""
        waiter = self._waiters.get(path)
        return waiter is not None and waiter.deadline is not None and waiter.deadline <= now

    def empty(self, level: Level | None = None) -> Iterator[tuple[Path, Waiter]]:
        """Send away those of a level, or all; gives those whose task does not run."""
        for path, waiter in list(self._waiters.items()):
            if level is None or waiter.level.within(level):
                del self._waiters[path]
                if not waiter.woken:
                    yield path, waiter
