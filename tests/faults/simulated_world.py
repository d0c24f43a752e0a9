"""The world around the engine in a simulation: a journal that lags, people who answer, crashes, and what must hold."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.errors import Fenced, NodeFailed, Unavailable
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.engine.deps import Deps, Signals
from awe_app.engine.execute import execute
from awe_app.engine.plan import Plan
from tests.engine.naive import breaks, decision

START = datetime(2026, 1, 1, tzinfo=UTC)
ID = ExecutionId("simulated")


class EffectConfig(NodeConfig):
    takes_s: float = 0
    fails_first: int = 0
    """So many first tries fail."""
    breaks: str = "never"
    hangs: bool = False


class Effect(Node[EffectConfig]):
    """Does something that shows outside: the world, which stands in for the capabilities, is told."""

    type, title, icon, category = "effect", "Effect", "zap", "Data"
    effectful = True

    async def run(self, ctx: NodeContext[EffectConfig]) -> Outputs:
        world: Any = ctx.capabilities
        config = ctx.config
        world.begins(ctx.path, ctx.attempt)
        broken = breaks({"effect_config": {"breaks": config.breaks}}, ctx.path)
        if broken and config.hangs:
            await asyncio.sleep(1e6)
        if config.takes_s:
            await asyncio.sleep(config.takes_s)
        if broken or ctx.attempt <= config.fails_first:
            raise NodeFailed("EFFECT", "it did not work", retryable=True)
        return {"out": ctx.path}


class _Recorder:
    """The journal's side of one driver: what it appends becomes durable later, all at once, or never."""

    def __init__(self, world: "World") -> None:
        self.world = world
        world.epoch += 1  # the claim
        self.epoch = world.epoch
        self.buffer: list[ev.Event] = []
        self.broken = False
        self._stored = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    def append(self, event: ev.Event) -> None:
        if self.broken:
            return
        self.buffer.append(event)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def durable(self, seq: int) -> None:
        while len(self.world.journal) < seq or self.epoch != self.world.epoch:
            if self.epoch != self.world.epoch:
                raise Fenced
            if self.broken:
                raise Unavailable("STORAGE_ERROR", "simulated")
            await self._stored.wait()

    async def _write(self) -> None:
        """Commit all that is there; a commit takes its time, and may fail."""
        while self.buffer:
            batch, self.buffer = self.buffer, []
            chance = self.world.chance.random()
            await asyncio.sleep(chance * 0.1 if chance < 0.5 else 0)
            if self.epoch == self.world.epoch:
                if self.world.storage_fails():
                    self.broken = True
                    self.buffer.clear()
                else:
                    try:
                        self.world.store(batch)
                    except AssertionError as error:
                        asyncio.get_running_loop().call_soon(_raise, error)
            self._stored.set()
            self._stored = asyncio.Event()


def _raise(error: Exception) -> None:
    raise error


class World:
    """One execution, its journal, and its drivers one after another; sometimes the one before is still at work."""

    def __init__(self, raw: Mapping[str, Any], plan: Plan, chance: random.Random, crashes: int) -> None:
        self.specs = {spec["id"]: spec for spec in raw["nodes"]}
        self.plan = plan
        self.chance = chance
        self.crashes_left = crashes
        self.epoch = 0
        self.journal: list[ev.Event] = []
        self.answers: dict[Path, dict[str, Any]] = {}
        self.state = ExecutionState(ID)
        self.begun: dict[tuple[str, int], int] = {}
        self.crashed = 0
        self._people: list[asyncio.Task[None]] = []
        self._finished: set[str] = set()
        self._live: Signals | None = None
        self._wake = asyncio.Event()

    # The journal

    def store(self, batch: list[ev.Event]) -> None:
        """Commit a batch."""
        for event in batch:
            assert not self.state.ended, f"{event} after the end"
            assert event.seq == len(self.journal) + 1, "a gap in the journal"
            if isinstance(event, ev.NodeFinished | ev.NodeSkipped):
                assert event.path not in self._finished, f"{event.path} finished twice"
                self._finished.add(event.path)
            if isinstance(event, ev.NodeFailed):
                self._finished.add(event.path)  # for good
            self.journal.append(event)
            self.state.apply(event)
            if isinstance(event, ev.NodeWaiting) and event.reason == "approval":
                self._people.append(asyncio.create_task(self._person(event)))

    def storage_fails(self) -> bool:
        """Whether this commit is refused."""
        if self.crashes_left > 0 and self.chance.random() < 0.01:
            self.crashes_left -= 1
            return True
        return False

    def begins(self, path: str, attempt: int) -> None:
        """An effect begins: by the driver that holds the execution, after everything before it was durable."""
        assert path not in self._finished, f"{path} is recorded as finished and runs again"
        started = [e for e in self.journal if isinstance(e, ev.NodeStarted) and e.path == path]
        assert started, f"{path} begins before its start is durable"
        assert started[-1].attempt == attempt, f"{path}: try {attempt} begins unrecorded"
        times = self.begun[path, attempt] = self.begun.get((path, attempt), 0) + 1
        assert times == 1, f"{path}: try {attempt} is made twice"

    # People

    async def _person(self, asked: ev.NodeWaiting) -> None:
        how = decision(self.specs[asked.node_id], asked.path)
        if how == "nobody" or asked.path in self.answers:
            return
        await asyncio.sleep(self.chance.random() * 30)
        answer = {"decision": how, "by": "ann", "comment": "", "form": {}}
        if asked.path not in self.answers:
            self.answers[asked.path] = answer
            self._wake.set()
            if self._live is not None:
                self._live.deliver(asked.path, answer)

    # Driving

    async def run(self) -> ExecutionState:
        """Drive to the end, through crashes, refused writes and take-overs."""
        zombies: list[asyncio.Task[None]] = []
        while not self.state.ended:
            driving = asyncio.create_task(self._drive())
            death = asyncio.create_task(self._die()) if self.crashes_left > 0 else None
            await asyncio.wait([driving, death] if death else [driving], return_when=asyncio.FIRST_COMPLETED)
            if driving.done():
                if death is not None:
                    death.cancel()
                await driving
                await self._rest()
                continue
            self.crashes_left -= 1
            self.crashed += 1
            if self.chance.random() < 0.3:
                zombies.append(driving)  # frozen for a while, then it wakes and finds itself fenced
                continue
            self.epoch += 1  # whatever the dying one still writes is lost
            driving.cancel()
            await asyncio.wait([driving])
            if self.chance.random() < 0.5:
                await asyncio.sleep(self.chance.random() * 100)  # nobody is there for a while
        for zombie in zombies:
            await asyncio.wait([zombie])
        return self.state

    async def _die(self) -> None:
        chance = self.chance.random()
        if chance < 0.5:
            await asyncio.sleep(chance * chance * 40)
        for _ in range(int(self.chance.random() * 150)):
            await asyncio.sleep(0)

    async def _drive(self) -> None:
        if self.state.ended:  # it ended before this driver came to claim it
            return
        recorder = _Recorder(self)
        past = list(self.journal)
        signals = self._live = Signals(dict(self.answers))
        loop = asyncio.get_running_loop()
        deps = Deps(
            ID,
            self,  # type: ignore[arg-type]
            durable=recorder.durable,
            clock=lambda: START + timedelta(seconds=loop.time()),
            random=self.chance.random,
            signals=signals,
        )
        done = ExecutionState(ID).fold(past) if past else None
        last = len(past)
        try:
            async with aclosing(execute(self.plan, {}, deps, done)) as events:
                async for event in events:
                    if isinstance(event, ev.Event):
                        last = event.seq
                        recorder.append(event)
                        if self.chance.random() < 0.05:
                            await asyncio.sleep(0)
            await recorder.durable(last)
        except (Fenced, Unavailable):
            return

    async def _rest(self) -> None:
        """Between two drives: wait for an answer or the moment of waking."""
        if self.state.status != "waiting":
            return
        parked = next(e for e in reversed(self.journal) if isinstance(e, ev.ExecutionParked))
        while True:
            waiting = [path for path, node in self.state.node_states.items() if node.status == "waiting"]
            if any(path in self.answers for path in waiting):
                return
            self._wake.clear()
            left_s = None
            if parked.wake_at is not None:
                left_s = (parked.wake_at - START).total_seconds() - asyncio.get_running_loop().time()
                if left_s <= 0:
                    return
            try:
                async with asyncio.timeout(left_s):
                    await self._wake.wait()
            except TimeoutError:
                return
