"""What the engine takes from outside; a simulation puts its own in."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from awe_app.domain.ids import ExecutionId, Path, UserId, utc_now
from awe_app.domain.protocols import Capabilities
from awe_app.domain.signals import is_event


async def _already_durable(_seq: int) -> None:
    return


class Signals:
    """Answers for nodes that wait, by path, and events, by key; more may be delivered while the execution runs."""

    def __init__(self, known: Mapping[Path, Mapping[str, Any]] | None = None) -> None:
        self._known: dict[Path, Mapping[str, Any]] = {}
        self._sent: deque[Path] = deque()
        self._on_delivery: Callable[[], None] = lambda: None
        self.load(known or {})

    def load(self, known: Mapping[Path, Mapping[str, Any]]) -> None:
        """Put what is stored before what has been delivered since; called before the run asks for any of it."""
        self._known = {**known, **self._known}
        self._sent = deque(key for key in self._known if is_event(key))

    def get(self, path: Path) -> Mapping[str, Any] | None:
        """The answer for that node instance, if there is one."""
        return self._known.get(path)

    def answer(self, path: Path, payload: Mapping[str, Any]) -> None:
        """The run itself has found what the node instance waits for."""
        self._known[path] = payload

    def deliver(self, path: Path, payload: Mapping[str, Any]) -> None:
        """Hand an answer or an event to the running execution."""
        if is_event(path) and path not in self._known:
            self._sent.append(path)
        self._known[path] = payload
        self._on_delivery()

    def sent(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """The events that have come since this was asked last."""
        while self._sent:
            key = self._sent.popleft()
            yield key, self._known[key]

    def misses(self, stored: Iterable[Path]) -> bool:
        """True when an event is stored that the run has not been told of."""
        return bool(self._sent) or any(is_event(key) and key not in self._known for key in stored)

    def on_delivery(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` at every delivery."""
        self._on_delivery = wake


@dataclass(frozen=True, slots=True)
class Deps:
    """Clock, chance, durability, and what nodes may use."""

    execution_id: ExecutionId
    capabilities: Capabilities
    user_id: UserId | None = None
    durable: Callable[[int], Awaitable[None]] = _already_durable
    """Waits until every event up to that ``seq`` is stored."""
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    signals: Signals = field(default_factory=Signals)
    parks: bool = True
    """Whether an execution in which nothing can run ends its drive; else it waits here for the moment."""
