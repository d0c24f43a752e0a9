"""What the engine takes from outside; a simulation puts its own in."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from awe_app.domain.ids import ExecutionId, UserId, utc_now
from awe_app.domain.protocols import Capabilities


async def _already_durable(_seq: int) -> None:
    return


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
