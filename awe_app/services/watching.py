"""Watching executions: wait for the end, or follow what happens. Viewers own nothing."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from awe_app.adapters.dispatch import Dispatcher
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import SqlJournal
from awe_app.domain import events as ev
from awe_app.domain.execution import FINAL_STATUSES, ExecutionState
from awe_app.domain.ids import ExecutionId
from awe_app.domain.messages import Message, message, reopened
from awe_app.domain.protocols import Bus, LaggedBehind, Subscription
from awe_app.services.driver import Driver
from awe_app.services.history import History

PEOPLE = frozenset({"approval", "event"})
"""Reasons to wait that no other execution and no moment ends."""

LOOK_AGAIN_S = 1.0
"""How often the journal of an execution is read that another process may drive, should nobody tell."""

ASK_AGAIN_S = 0.5
"""How often it is asked again whether somebody may still follow what belongs to others."""


class Watching:
    """Waits for executions and follows them, whichever process drives them. Whether one may is the caller's to ask."""

    def __init__(
        self,
        store: ExecutionStore,
        journal: SqlJournal,
        history: History,
        bus: Bus,
        driver: Driver,
        dispatcher: Dispatcher,
    ) -> None:
        self._store = store
        self._journal = journal
        self._history = history
        self._bus = bus
        self._driver = driver
        self._dispatcher = dispatcher

    async def wait(self, execution_id: ExecutionId, timeout_s: float) -> ExecutionState | None:
        """Return when it has ended, waits for people and for nothing else, or after ``timeout_s`` seconds.

        Gives how it ended where that is known here; else the journal tells.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        if self._dispatcher.running(execution_id):
            await self._dispatcher.wait(execution_id, timeout_s)
            state = self._driver.ended(execution_id)
            if state is not None and state.ended:
                return state
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._rest(execution_id)
                return None
            except LaggedBehind:
                continue
            except TimeoutError:  # ours, or that of a database which is slow to answer
                if loop.time() >= deadline:
                    return None

    async def _rest(self, execution_id: ExecutionId) -> None:
        with self._bus.subscribe(execution_id) as live:
            while not await self._rests(execution_id):
                event = await self._next(live, execution_id)
                while event is not None and not isinstance(event, (*ev.FINAL, ev.ExecutionParked)):
                    event = await self._next(live, execution_id)

    async def follow(
        self,
        execution_id: ExecutionId,
        after_seq: int = 0,
        may: Callable[[], Awaitable[Any]] | None = None,
    ) -> AsyncGenerator[Message]:
        """Everything stored after ``after_seq``, then live, until the execution is complete.

        Nothing is missed and nothing comes twice: the bus is subscribed to before the journal is read, and a gap
        (a viewer that was too slow) is filled from the journal.

        ``may`` is awaited now and then, also when nothing happens, and before the end is told; what it raises ends
        this.
        """
        asked = _Asked(may)
        last = after_seq
        while True:
            with self._bus.subscribe(execution_id) as live:
                summary = await self._store.summary(execution_id)
                ended = summary is None or summary.status in FINAL_STATUSES
                held: ev.Event | None = None
                async for events in self._journal.chunks(execution_id, last, whole=None):
                    for event in events:
                        if held is not None:
                            yield reopened(held)
                        held = event if isinstance(event, ev.FINAL) else None
                        last = event.seq
                        if held is None:
                            yield message(event)
                await asked.again(at_once=held is not None)
                if held is not None:
                    yield message(held)
                    ended = True
                if ended:
                    return
                try:
                    while (event := await self._next(live, execution_id, asked.every_s)) is not None:
                        await asked.again(at_once=isinstance(event, ev.FINAL))
                        if isinstance(event, ev.TextStreamed):
                            yield message(event)
                        elif event.seq == last + 1:
                            last = event.seq
                            yield message(event)
                            if isinstance(event, ev.FINAL):
                                return
                        elif event.seq > last:
                            break
                        elif isinstance(event, ev.FINAL):  # the viewer says it has seen the end already
                            return
                except LaggedBehind:
                    continue

    async def _next(
        self, live: Subscription, execution_id: ExecutionId, at_most_s: float | None = None
    ) -> ev.Event | ev.TextStreamed | None:
        """What is told next; None when it is time to look into the journal, since others drive and may not tell.

        None also after ``at_most_s`` seconds.
        """
        if self._dispatcher.alone or self._dispatcher.running(execution_id):
            timeout_s = at_most_s
        else:
            timeout_s = min(LOOK_AGAIN_S, at_most_s or LOOK_AGAIN_S)
        if timeout_s is None:
            return await anext(live)
        try:
            async with asyncio.timeout(timeout_s):
                return await anext(live)
        except TimeoutError:
            return None

    async def _rests(self, execution_id: ExecutionId) -> bool:
        summary = await self._store.summary(execution_id)
        if summary is None or summary.status != "waiting":
            return summary is None or summary.status in FINAL_STATUSES
        state = await self._history.open_nodes(summary)
        waits = (node.waiting for node in state.node_states.values() if node.status == "waiting")
        return all(wait is not None and wait.reason in PEOPLE and wait.until is None for wait in waits)


class _Asked:
    """Asks ``may`` again when the last answer is old."""

    def __init__(self, may: Callable[[], Awaitable[Any]] | None) -> None:
        self._may = may
        self.every_s = None if may is None else ASK_AGAIN_S
        self._asked_at = asyncio.get_running_loop().time()

    async def again(self, at_once: bool) -> None:
        """Ask, if it is time; ``at_once``: in any case."""
        now = asyncio.get_running_loop().time()
        if self._may is not None and (at_once or now - self._asked_at >= ASK_AGAIN_S):
            self._asked_at = now
            await self._may()
