"""How often somebody may fail: a moving window in the memory of this process (library ``limits``)."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from awe_app.domain.errors import TooMany, Unauthorized

FAILURES = 10
WINDOW_MIN = 15


class Quota:
    """So many times in a quarter of an hour for each key, and no more."""

    def __init__(self, times: int, window_min: int = WINDOW_MIN) -> None:
        self._item = RateLimitItemPerMinute(times, window_min)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def take(self, key: str) -> bool:
        """Use it once; False when it is used up."""
        return self._limiter.hit(self._item, key)


class Throttle:
    """Ten failures per quarter of an hour for each key; tries under way count as failures until they are known.

    That is why a try may have to wait for others: a thousand guesses sent at once get ten answers, not a thousand.
    """

    def __init__(self, failures: int = FAILURES, window_min: int = WINDOW_MIN) -> None:
        self._item = RateLimitItemPerMinute(failures, window_min)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._under_way: Counter[str] = Counter()
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def attempt(self, *keys: str) -> AsyncGenerator[None]:
        """Wrap one try; ``Unauthorized`` out of the body counts as a failure of every key.

        Raises:
            TooMany: one of the keys has failed too often; nothing was tried.
        """
        async with self._changed:
            while not self._admits(keys):
                await self._changed.wait()
            self._under_way.update(keys)
        try:
            yield
        except Unauthorized:
            for key in keys:
                self._limiter.hit(self._item, key)
            raise
        finally:
            self._under_way -= Counter(keys)  # drops what reaches zero
            async with self._changed:
                self._changed.notify_all()

    def forget(self, key: str) -> None:
        """Let the failures of a key be forgotten, after a success."""
        self._limiter.clear(self._item, key)

    def _admits(self, keys: tuple[str, ...]) -> bool:
        free = True
        for key in keys:
            window = self._limiter.get_window_stats(self._item, key)
            if window.remaining <= 0:
                wait_s = max(1, math.ceil(window.reset_time - time.time()))
                raise TooMany("TOO_MANY_FAILURES", f"Too many failed tries. Try again in {wait_s} seconds.", wait_s)
            free = free and self._under_way[key] < window.remaining
        return free
