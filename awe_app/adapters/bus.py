"""Telling viewers in this process what happens. Forgetful on purpose: the journal remembers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from awe_app.domain.events import Event, TextStreamed
from awe_app.domain.ids import ExecutionId
from awe_app.domain.protocols import LaggedBehind

QUEUE_LIMIT = 1_000
"""Items that wait for one viewer at most."""


class MemorySubscription:
    """One viewer of one execution: a context manager, iterated by one task. See ``domain.protocols.Subscription``."""

    def __init__(self, bus: "MemoryBus", execution_id: ExecutionId) -> None:
        self._bus = bus
        self._execution_id = execution_id
        self._items: deque[Event | TextStreamed] = deque()
        self._arrived = asyncio.Event()
        self._lagged = False

    def __enter__(self) -> "MemorySubscription":
        return self

    def __exit__(self, *exc: object) -> None:
        self._bus.forget(self._execution_id, self)

    def __aiter__(self) -> AsyncIterator[Event | TextStreamed]:
        return self

    async def __anext__(self) -> Event | TextStreamed:
        """What was published next; waits for it.

        Raises:
            LaggedBehind: events were lost because this viewer reads too slowly.
        """
        while not self._items:
            if self._lagged:
                raise LaggedBehind(f"a viewer of execution {self._execution_id} was over {QUEUE_LIMIT} events behind")
            self._arrived.clear()
            await self._arrived.wait()
        return self._items.popleft()

    def push(self, item: Event | TextStreamed) -> None:
        """Queue for the viewer. When it is full, streamed text goes first: it is not numbered, so nothing is missed."""
        if self._lagged:
            return
        if len(self._items) >= QUEUE_LIMIT:
            if isinstance(item, TextStreamed):
                return
            self._items = deque(waiting for waiting in self._items if not isinstance(waiting, TextStreamed))
            if len(self._items) >= QUEUE_LIMIT:
                self._items.clear()
                self._lagged = True
                self._arrived.set()
                return
        self._items.append(item)
        self._arrived.set()


class MemoryBus:
    """``domain.protocols.Bus`` inside one process; used on one event loop only."""

    def __init__(self) -> None:
        self._viewers: dict[ExecutionId, dict[MemorySubscription, None]] = {}

    def publish(self, execution_id: ExecutionId, event: Event | TextStreamed) -> None:
        """Hand the event to everyone who listens now; never waits."""
        for viewer in self._viewers.get(execution_id, ()):
            viewer.push(event)

    def subscribe(self, execution_id: ExecutionId) -> MemorySubscription:
        """Listen from this moment on; leaving the ``with`` block ends it."""
        viewer = MemorySubscription(self, execution_id)
        self._viewers.setdefault(execution_id, {})[viewer] = None
        return viewer

    def ring(self) -> None:
        """Let every other process look into the database now: there is none to tell."""

    def on_ring(self, look: Callable[[], None]) -> None:
        """Call ``look`` when another process rings: none does."""

    async def stop(self) -> None:
        """Nothing is to be closed here."""

    def listeners(self, execution_id: ExecutionId) -> int:
        """How many listen to the execution now."""
        return len(self._viewers.get(execution_id, ()))

    def forget(self, execution_id: ExecutionId, viewer: MemorySubscription) -> None:
        """End a subscription; harmless when it has ended."""
        viewers = self._viewers.get(execution_id, {})
        viewers.pop(viewer, None)
        if not viewers:
            self._viewers.pop(execution_id, None)
