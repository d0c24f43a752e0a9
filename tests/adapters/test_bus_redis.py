"""The bus between processes, on a real Redis: two of them stand for two processes."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from awe_app.adapters import bus_redis
from awe_app.adapters.bus import QUEUE_LIMIT
from awe_app.adapters.bus_redis import LARGEST_CHARS, SENT_AT_ONCE, UNSENT_LIMIT, RedisBus
from awe_app.domain.events import Event, TextStreamed
from awe_app.domain.ids import ExecutionId, Path, new_id
from awe_app.domain.protocols import LaggedBehind, Subscription
from tests.adapters.history import completed, line, started
from tests.conftest import RedisServer

ONE, OTHER = ExecutionId("one"), ExecutionId("other")
PROBE = TextStreamed(Path("probe"), "do you hear me?")
PATIENCE_S = 60.0


@asynccontextmanager
async def a_bus(url: str) -> AsyncIterator[RedisBus]:
    """The bus of one process."""
    bus = RedisBus(url)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


@pytest.fixture
async def two(redis_url: str) -> AsyncIterator[tuple[RedisBus, RedisBus]]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(a_bus(redis_url)), await stack.enter_async_context(a_bus(redis_url))


@pytest.fixture
def mortal_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis to be killed."""
    server = RedisServer(tmp_path_factory.mktemp("mortal-redis"))
    server.start()
    yield server
    server.kill()


async def connected(speaker: RedisBus, listener: Subscription, execution_id: ExecutionId = ONE) -> None:
    """Return when the listener hears the speaker; what was said for that is not left over."""
    async with asyncio.timeout(PATIENCE_S):
        last = TextStreamed(Path("probe"), new_id())
        heard = False
        while not heard:
            speaker.publish(execution_id, PROBE)
            try:
                async with asyncio.timeout(0.1):
                    heard = await anext(listener) == PROBE
            except TimeoutError:
                pass
        speaker.publish(execution_id, last)
        while await anext(listener) != last:
            pass


async def take(listener: Subscription, count: int) -> list[Event | TextStreamed]:
    async with asyncio.timeout(PATIENCE_S):
        return [await anext(listener) for _ in range(count)]


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not ready():
            await asyncio.sleep(0.02)


async def test_each_event_comes_once_and_in_order_here_and_elsewhere(two: tuple[RedisBus, RedisBus]) -> None:
    here, elsewhere = two
    count = 3 * SENT_AT_ONCE // 2  # more than travel together, fewer than a viewer may be behind
    said = [started(1), *(line(seq) for seq in range(2, count)), completed(count)]
    with here.subscribe(ONE) as near, elsewhere.subscribe(ONE) as far, elsewhere.subscribe(OTHER) as deaf:
        await connected(here, far)
        await connected(here, deaf, OTHER)
        while True:  # what was said to see whether they hear
            try:
                async with asyncio.timeout(0):
                    await anext(near)
            except TimeoutError:
                break
        for event in said:
            here.publish(ONE, event)
        here.publish(OTHER, line(7))
        here.publish(ONE, TextStreamed(Path("end"), "."))
        for listener in (near, far):
            assert await take(listener, count + 1) == [*said, TextStreamed(Path("end"), ".")]
        assert await take(deaf, 1) == [line(7)]


async def test_several_viewers_elsewhere_each_hear_all_until_they_leave(two: tuple[RedisBus, RedisBus]) -> None:
    here, elsewhere = two
    with elsewhere.subscribe(ONE) as stays:
        with elsewhere.subscribe(ONE) as leaves:
            await connected(here, stays)
            await connected(here, leaves)
            await connected(here, stays)  # what was said to the one came to the other too
            here.publish(ONE, line(1))
            assert await take(stays, 1) == [line(1)]
            async with asyncio.timeout(PATIENCE_S):
                while await anext(leaves) != line(1):
                    pass
        here.publish(ONE, line(2))
        assert await take(stays, 1) == [line(2)]
    assert elsewhere.listeners(ONE) == 0
    with elsewhere.subscribe(ONE) as again:
        await connected(here, again)
        here.publish(ONE, line(3))
        assert await take(again, 1) == [line(3)]


async def test_who_reads_too_slowly_elsewhere_is_told_so(two: tuple[RedisBus, RedisBus]) -> None:
    here, elsewhere = two
    with elsewhere.subscribe(ONE) as slow, elsewhere.subscribe(OTHER) as quick:
        await connected(here, slow)
        await connected(here, quick, OTHER)
        for seq in range(1, QUEUE_LIMIT + 2):
            here.publish(ONE, line(seq))
        here.publish(OTHER, line(1))
        assert await take(quick, 1) == [line(1)]  # what was said before has arrived too
        with pytest.raises(LaggedBehind):
            await anext(slow)


async def test_publishing_never_waits_and_forgets_the_oldest(two: tuple[RedisBus, RedisBus]) -> None:
    here, elsewhere = two
    more = UNSENT_LIMIT + 50
    with elsewhere.subscribe(ONE) as far:
        await connected(here, far)
        for seq in range(1, more + 1):  # nothing can be sent meanwhile: the loop is not given back
            here.publish(ONE, TextStreamed(Path("w"), str(seq)))
        [first] = await take(far, 1)
    assert first == TextStreamed(Path("w"), "51")


async def test_what_is_very_large_is_left_to_the_journal_and_the_rest_comes(two: tuple[RedisBus, RedisBus]) -> None:
    here, elsewhere = two
    said = [line(1), line(2, "x" * LARGEST_CHARS), line(3, "y" * (LARGEST_CHARS // 2)), line(4)]
    with here.subscribe(ONE) as near, elsewhere.subscribe(ONE) as far:
        await connected(here, far)
        for event in said:
            here.publish(ONE, event)
        assert await take(far, 3) == [said[0], said[2], said[3]]
        async with asyncio.timeout(PATIENCE_S):
            heard = [event async for event in _until_last(near, said[-1])]
        assert [event for event in heard if not isinstance(event, TextStreamed)] == said


async def _until_last(listener: Subscription, last: Event) -> AsyncIterator[Event | TextStreamed]:
    async for event in listener:
        yield event
        if event == last:
            return


async def test_the_bell_rings_in_the_other_processes_only(two: tuple[RedisBus, RedisBus]) -> None:
    here, elsewhere = two
    rung: list[str] = []
    here.on_ring(lambda: rung.append("here"))
    elsewhere.on_ring(lambda: rung.append("elsewhere"))
    with elsewhere.subscribe(ONE) as far:
        await connected(here, far)  # so it hears the bell as well: that is subscribed to first
        with here.subscribe(ONE) as near:
            await connected(elsewhere, near)
            here.ring()
            await until(lambda: bool(rung))
            assert rung == ["elsewhere"]
            elsewhere.ring()
            await until(lambda: len(rung) == 2)
            assert rung == ["elsewhere", "here"]


async def test_while_redis_is_away_viewers_here_hear_all_and_afterwards_everybody_does(
    mortal_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with a_bus(mortal_redis.url) as here, a_bus(mortal_redis.url) as elsewhere:
        with here.subscribe(ONE) as near, elsewhere.subscribe(ONE) as far:
            await connected(here, far)
            mortal_redis.kill()
            await until(lambda: len(_said(caplog, "is away")) == 2)
            for seq in range(1, 4):
                here.publish(ONE, line(seq))
            async with asyncio.timeout(PATIENCE_S):
                heard = [event async for event in _until_last(near, line(3)) if not isinstance(event, TextStreamed)]
            assert heard == [line(1), line(2), line(3)]
            mortal_redis.start()
            await until(lambda: len(_said(caplog, "is back")) == 2)
            await connected(here, far)
            here.publish(ONE, line(4))
            assert await take(far, 1) == [line(4)]  # what was told meanwhile is in the journal, and is not told late
    assert len(_said(caplog, "is away")) == len(_said(caplog, "is back")) == 2  # one line each in each process
    assert len(caplog.messages) == 4


def _said(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [message for message in caplog.messages if words in message]


async def test_a_redis_that_is_frozen_is_given_up_and_found_again(
    mortal_redis: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_redis, "QUIET_S", 0.5)
    async with a_bus(mortal_redis.url) as here, a_bus(mortal_redis.url) as elsewhere:
        with elsewhere.subscribe(ONE) as far:
            await connected(here, far)
            mortal_redis.send(signal.SIGSTOP)
            await until(lambda: len(_said(caplog, "is away")) == 2)
            here.publish(ONE, line(1))
            mortal_redis.send(signal.SIGCONT)
            await until(lambda: len(_said(caplog, "is back")) == 2)
            await connected(here, far)
            here.publish(ONE, line(2))
            assert await take(far, 1) == [line(2)]


async def test_when_only_the_sending_connection_breaks_sending_goes_on(
    mortal_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    from redis import Redis

    async with a_bus(mortal_redis.url) as here, a_bus(mortal_redis.url) as elsewhere:
        with elsewhere.subscribe(ONE) as far:
            await connected(here, far)
            with Redis.from_url(mortal_redis.url) as redis:
                await asyncio.to_thread(redis.client_kill_filter, _type="normal")
            here.publish(ONE, line(1))  # this one may be lost: the journal has it
            await connected(here, far)
            here.publish(ONE, line(2))
            assert await take(far, 1) == [line(2)]
    assert len(_said(caplog, "is away")) == len(_said(caplog, "is back"))


async def test_a_process_that_starts_before_redis_finds_it_later(
    mortal_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    mortal_redis.kill()
    async with a_bus(mortal_redis.url) as here, a_bus(mortal_redis.url) as elsewhere:
        with elsewhere.subscribe(ONE) as far:
            await until(lambda: len(_said(caplog, "is away")) == 2)
            here.publish(ONE, line(1))
            mortal_redis.start()
            await connected(here, far)
            here.publish(ONE, line(2))
            assert await take(far, 1) == [line(2)]


async def test_a_bus_can_be_stopped_while_redis_is_away_and_before_it_starts(mortal_redis: RedisServer) -> None:
    await RedisBus(mortal_redis.url).stop()
    async with a_bus(mortal_redis.url) as bus:
        mortal_redis.kill()
        bus.publish(ONE, line(1))
        with bus.subscribe(ONE) as near:
            bus.publish(ONE, line(2))
            assert await take(near, 1) == [line(2)]
