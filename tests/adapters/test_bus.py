"""The bus tells who listens, and forgets for who does not keep up."""

import asyncio
from itertools import islice

import pytest

from awe_app.adapters.bus import QUEUE_LIMIT, MemoryBus, MemorySubscription
from awe_app.domain.events import Event, TextStreamed
from awe_app.domain.ids import ExecutionId, Path
from awe_app.domain.protocols import LaggedBehind
from tests.adapters.history import line

ONE, OTHER = ExecutionId("one"), ExecutionId("other")
TEXT = TextStreamed(Path("writer"), "He")


async def take(listener: MemorySubscription, count: int) -> list[Event | TextStreamed]:
    return [await anext(listener) for _ in range(count)]


async def test_every_listener_hears_its_execution_in_order_from_when_it_listens() -> None:
    bus = MemoryBus()
    bus.publish(ONE, line(1))
    with bus.subscribe(ONE) as early, bus.subscribe(OTHER) as other:
        bus.publish(ONE, line(2))
        with bus.subscribe(ONE) as late:
            bus.publish(ONE, TEXT)
            bus.publish(ONE, line(3))
            bus.publish(OTHER, line(9))
            assert await take(early, 3) == [line(2), TEXT, line(3)]
            assert await take(late, 2) == [TEXT, line(3)]
            assert await take(other, 1) == [line(9)]


async def test_a_listener_waits_for_what_comes() -> None:
    bus = MemoryBus()
    with bus.subscribe(ONE) as listener:
        hearing = asyncio.ensure_future(take(listener, 2))
        await asyncio.sleep(0)
        bus.publish(ONE, line(1))
        await asyncio.sleep(0)
        assert not hearing.done()
        bus.publish(ONE, line(2))
        assert await hearing == [line(1), line(2)]


async def test_who_reads_too_slowly_is_told_so_and_the_others_hear_everything() -> None:
    bus = MemoryBus()
    with bus.subscribe(ONE) as slow, bus.subscribe(ONE) as quick:
        heard: list[Event | TextStreamed] = []
        for seq in range(1, QUEUE_LIMIT + 2):
            bus.publish(ONE, line(seq))
            heard += await take(quick, 1)
        assert len(heard) == QUEUE_LIMIT + 1
        for _ in range(2):
            with pytest.raises(LaggedBehind):
                await anext(slow)
        bus.publish(ONE, line(QUEUE_LIMIT + 2))
        with pytest.raises(LaggedBehind):
            await anext(slow)


async def test_who_waits_forever_and_lags_is_woken() -> None:
    bus = MemoryBus()
    with bus.subscribe(ONE) as listener:
        hearing = asyncio.ensure_future(anext(listener))
        await asyncio.sleep(0)
        for seq in range(QUEUE_LIMIT + 1):
            bus.publish(ONE, line(seq + 1))
        with pytest.raises(LaggedBehind):
            await hearing


async def test_streamed_text_is_dropped_before_any_event_is() -> None:
    bus = MemoryBus()
    with bus.subscribe(ONE) as listener:
        for _ in range(3 * QUEUE_LIMIT):
            bus.publish(ONE, TEXT)
        for seq in range(1, QUEUE_LIMIT + 1):
            bus.publish(ONE, line(seq))
        bus.publish(ONE, TEXT)
        heard = await take(listener, QUEUE_LIMIT)
    assert heard == [line(seq) for seq in islice(range(1, QUEUE_LIMIT + 2), QUEUE_LIMIT)]


async def test_who_has_left_hears_nothing_and_is_forgotten() -> None:
    bus = MemoryBus()
    with bus.subscribe(ONE) as gone:
        pass
    with bus.subscribe(ONE) as here:
        with bus.subscribe(ONE):
            pass
        bus.publish(ONE, line(1))
        assert await take(here, 1) == [line(1)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await anext(gone)
    assert bus.listeners(ONE) == 0
