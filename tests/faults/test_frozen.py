"""Two processes on one database: one is frozen, the other takes its executions over, and the first wakes again."""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as File

import pytest
from sqlalchemy import text

from tests.builders import graph, node
from tests.conftest import Figures
from tests.faults.conftest import WARMED, Ground, Nursery
from tests.faults.test_kill import TRIES, effect

SHORT = graph(
    "a -> pick; pick:true -> b -> c; pick:false -> d; a -> e",
    effect("a", 0.03),
    node("pick", "condition", {"field": 1, "value": 1}),
    effect("b", 0.03, fails_first=1, retry=TRIES),
    effect("c", 0.03),
    effect("d"),
    effect("e", 0.1),
    name="Short",
)
AT_ONCE = 20


@contextmanager
def commanded(ground: Ground, nursery: Nursery, name: str) -> Iterator[tuple[int, int]]:
    """A worker that does as it is told: its process id, and where commands are written."""
    path: File = nursery.folder / name
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR)
    pid = nursery.fork(**ground.job, adopts=False, commands=str(path))
    try:
        yield pid, pipe
    finally:
        os.kill(pid, signal.SIGKILL)
        nursery.wait(pid)
        os.close(pipe)


async def left(ground: Ground) -> int:
    """How many executions have not ended."""
    statement = text("SELECT count(*) FROM executions WHERE status NOT IN ('completed', 'failed', 'cancelled')")
    async with ground.house.database.sessions() as session:
        return await session.scalar(statement) or 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_whoever_was_frozen_and_wakes_commits_nothing_any_more(
    ground: Ground, nursery: Nursery, figures: Figures
) -> None:
    await ground.add(SHORT)
    nursery.warm(**ground.job)
    chance = random.Random(5)
    total = figures.of(200, 1_000)
    with commanded(ground, nursery, "one") as one, commanded(ground, nursery, "two") as two:
        for first in range(0, total, AT_ONCE):
            (frozen, its_pipe), (_pid, pipe) = chance.sample([one, two], 2)
            os.write(its_pipe, f"start {first} {first + AT_ONCE}\n".encode())
            while len(ground.notes.of("accepted")) < first + AT_ONCE + WARMED:
                await asyncio.sleep(0.002)
            await asyncio.sleep(chance.uniform(0, 0.06))
            os.kill(frozen, signal.SIGSTOP)
            os.write(pipe, b"adopt\n")
            # Longer than the other needs, mostly; sometimes it wakes while the other is at work.
            for _ in range(chance.choice([2, 20, 100])):
                await asyncio.sleep(0.01)
                if not await left(ground):
                    break
            os.kill(frozen, signal.SIGCONT)
            while await left(ground):
                await asyncio.sleep(0.01)
    assert await ground.check() == total + WARMED
    adopted = {words[0] for words in ground.notes.of("adopted")}
    assert len(adopted) > total / 3, "hardly anything was taken over"
