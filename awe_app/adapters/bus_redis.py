"""Telling viewers in every process what happens, over Redis publish and subscribe.

Viewers in this process are told directly, as by ``MemoryBus``; Redis carries the news to the others. It may lose some,
or be away: whoever follows an execution reads the journal then. Nothing here is waited for.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from awe_app.adapters.bus import MemoryBus, MemorySubscription
from awe_app.adapters.storable import to_json
from awe_app.domain import events as ev
from awe_app.domain.ids import ExecutionId, Path, new_id

logger = logging.getLogger(__name__)

CHANNEL = "awe:execution:"
BELL = "awe:bell"
UNSENT_LIMIT = 10_000
"""Messages that wait to be sent at most; the oldest are dropped, and viewers elsewhere find them in the journal."""
SENT_AT_ONCE = 500
LARGEST_CHARS = 100_000
"""What is larger is not sent: viewers elsewhere read it in the journal."""
TRY_AGAIN_S = 1.0
ANSWER_S = 5.0
"""How long Redis may take to connect, and to take what is sent."""
LISTEN_S = 1.0
"""How long one reading waits for a message."""
QUIET_S = 10.0
"""After so long without a word Redis is asked whether it is there, and has as long to answer."""


class RedisBus(MemoryBus):
    """``domain.protocols.Bus`` between processes, and their doorbell (``adapters/dispatch_dbos.py``)."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._me = new_id()
        self._unsent: deque[tuple[str, str]] = deque(maxlen=UNSENT_LIMIT)
        self._to_send = asyncio.Event()
        self._wanted_changed = asyncio.Event()
        self._wanted: set[ExecutionId] = set()
        self._on_ring: Callable[[], None] = lambda: None
        self._redis: Any = None
        self._task: asyncio.Task[None] | None = None
        self._away = False
        self._stopping = False

    async def start(self) -> None:
        """Begin to send and to listen; Redis need not be there yet."""
        from redis.asyncio import Redis

        self._redis = Redis.from_url(
            self._url,
            decode_responses=True,
            socket_connect_timeout=ANSWER_S,
            socket_timeout=ANSWER_S,
            retry_on_timeout=False,
        )
        self._task = asyncio.create_task(self._keep_connected(), name="bus")

    async def stop(self) -> None:
        """Stop; what was not sent yet is dropped. Harmless when not started."""
        if self._task is not None:
            self._stopping = True
            self._wanted_changed.set()
            self._to_send.set()
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        if self._redis is not None:
            await self._redis.aclose()
            self._redis = None

    def publish(self, execution_id: ExecutionId, event: ev.Event | ev.TextStreamed) -> None:
        """Hand the event to everyone who listens now, in whatever process; never waits."""
        super().publish(execution_id, event)
        self._put(CHANNEL + execution_id, [self._me, *_encoded(event)])

    def subscribe(self, execution_id: ExecutionId) -> MemorySubscription:
        """Listen from this moment on in this process, and from others as soon as Redis knows."""
        viewer = super().subscribe(execution_id)
        self._wanted.add(execution_id)
        self._wanted_changed.set()
        return viewer

    def forget(self, execution_id: ExecutionId, viewer: MemorySubscription) -> None:
        """End a subscription; harmless when it has ended."""
        super().forget(execution_id, viewer)
        if not self.listeners(execution_id) and execution_id in self._wanted:
            self._wanted.discard(execution_id)
            self._wanted_changed.set()

    def ring(self) -> None:
        """Let every other process look into the database now."""
        self._put(BELL, [self._me])

    def on_ring(self, look: Callable[[], None]) -> None:
        """Call ``look`` when another process rings."""
        self._on_ring = look

    def _put(self, channel: str, message: list[Any]) -> None:
        if self._redis is not None and not self._away:  # what happens while Redis is away nobody will be told later
            text = to_json(message)
            if len(text) <= LARGEST_CHARS:
                self._unsent.append((channel, text))
                self._to_send.set()

    async def _keep_connected(self) -> None:
        """Send and listen; when one of them fails, both begin anew."""
        while not self._stopping:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._send())
                    tasks.create_task(self._listen())
            except Exception as error:
                while isinstance(error, ExceptionGroup):
                    error = error.exceptions[0]
                if not self._away:
                    logger.warning("Redis is away, viewers elsewhere see events up to a second late: %s", error)
                self._away = True
                self._unsent.clear()
            if not self._stopping:  # a group whose task fails while it is cancelled tells of the failure only
                await asyncio.sleep(TRY_AGAIN_S)

    async def _send(self) -> None:
        while not self._stopping:
            await self._to_send.wait()
            self._to_send.clear()
            while self._unsent:
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for _ in range(min(SENT_AT_ONCE, len(self._unsent))):
                        pipeline.publish(*self._unsent.popleft())
                    await pipeline.execute()

    async def _listen(self) -> None:
        async with self._redis.pubsub() as channels:
            await channels.subscribe(BELL)
            if self._away:
                self._away = False
                logger.warning("Redis is back")
            listening: set[ExecutionId] = set()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_subscribed(channels, listening))
                heard_at, asked = time.monotonic(), False
                while not self._stopping:  # asked for: the client library may swallow a cancellation
                    message = await channels.get_message(timeout=min(LISTEN_S, QUIET_S))
                    silent_s = time.monotonic() - heard_at
                    if message is not None:
                        heard_at, asked = time.monotonic(), False
                        if message["type"] == "message":
                            self._hear(message["channel"], json.loads(message["data"]))
                    elif silent_s > QUIET_S and not asked:
                        asked = True
                        await channels.ping()
                    elif silent_s > 2 * QUIET_S:
                        raise TimeoutError(f"it has said nothing for {silent_s:.0f} s")

    async def _keep_subscribed(self, channels: Any, listening: set[ExecutionId]) -> None:
        """Let Redis know for which executions there are viewers here."""
        while not self._stopping:
            self._wanted_changed.clear()
            new, over = self._wanted - listening, listening - self._wanted
            if new:
                await channels.subscribe(*(CHANNEL + execution_id for execution_id in new))
            if over:
                await channels.unsubscribe(*(CHANNEL + execution_id for execution_id in over))
            listening |= new
            listening -= over
            await self._wanted_changed.wait()

    def _hear(self, channel: str, message: list[Any]) -> None:
        if message[0] == self._me:
            return
        if channel == BELL:
            self._on_ring()
            return
        MemoryBus.publish(self, ExecutionId(channel.removeprefix(CHANNEL)), _decoded(*message[1:]))


def _encoded(event: ev.Event | ev.TextStreamed) -> tuple[int | None, str, Any]:
    """Seq, kind and data; streamed text has no seq, its kind is the path."""
    if isinstance(event, ev.TextStreamed):
        return None, event.path, event.delta
    kind, values = ev.EventCodec.encode(event)
    return event.seq, kind, values


def _decoded(seq: int | None, kind: str, data: Any) -> ev.Event | ev.TextStreamed:
    if seq is None:
        return ev.TextStreamed(Path(kind), data)
    return ev.EventCodec.decode(kind, seq, data)
