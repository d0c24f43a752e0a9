"""What the engine takes from outside; a simulation puts its own in."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from awe_app.domain.ids import ExecutionId, Path, UserId, utc_now
from awe_app.domain.protocols import Capabilities


async def _already_durable(_seq: int) -> None:
    return


class Signals:
    """Answers for nodes that wait, by path; more may be delivered while the execution runs."""

    def __init__(self, known: Mapping[Path, Mapping[str, Any]] | None = None) -> None:
        self._known = dict(known or {})
        self._on_delivery: Callable[[], None] = lambda: None

    def get(self, path: Path) -> Mapping[str, Any] | None:
        """The answer for that node instance, if there is one."""
        return self._known.get(path)

    def deliver(self, path: Path, payload: Mapping[str, Any]) -> None:
        """Hand an answer to the running execution."""
        self._known[path] = payload
        self._on_delivery()

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
