"""What ends the sleep of a run."""

import asyncio
from collections.abc import Awaitable, Callable


class Wake:
    """Set whenever something has happened that the run has to look at."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._asleep = False

    def set(self) -> None:
        """The run has to look."""
        self._event.set()

    def clear(self) -> None:
        """It looks."""
        self._event.clear()

    def call(self) -> None:
        """Events are lined up. The run looks for them before it sleeps, so only a sleeper has to be woken."""
        if self._asleep:
            self._event.set()

    async def wait(self, sleep: Callable[[float], Awaitable[None]], at_most_s: float | None) -> None:
        """Sleep until it is set, ``at_most_s`` seconds long by that ``sleep``; None: however long that takes."""
        self._asleep = True
        try:
            if at_most_s is None:
                await self._event.wait()
            else:
                await self._wait_with_alarm(sleep(at_most_s))
        finally:
            self._asleep = False

    async def _wait_with_alarm(self, slept: Awaitable[None]) -> None:
        alarm = asyncio.ensure_future(slept)
        # One that is put off must not wake the run, or each would wake it to put the next one off.
        alarm.add_done_callback(lambda alarm: None if alarm.cancelled() else self._event.set())
        try:
            await self._event.wait()
        finally:
            alarm.cancel()
