"""A process that holds something large: it starts when it is first used, and ends after some idle time."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from awe_app.adapters.once import Once
from awe_app.adapters.resident_process import ResidentProcess


class Resident:
    """Keeps one process while somebody uses it, and for ``idle_s`` seconds after."""

    def __init__(self, start: Callable[[], ResidentProcess], idle_s: float) -> None:
        self._idle_s = idle_s
        self._process = Once(start)
        self._lock = threading.Lock()
        self._users = 0
        self._unload: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Of the process; None while none runs."""
        process = self._process.value
        return process.pid if process and process.alive else None

    @asynccontextmanager
    async def use(self) -> AsyncGenerator[ResidentProcess]:
        """The process, started anew when it has ended; it stays at least as long as the body takes."""
        self._enter()
        try:
            process = await self._process.get()
            if not process.alive:
                self._process.forget(process)
                process = await self._process.get()
            yield process
        finally:
            self._leave()

    async def stop(self) -> None:
        """End the process now; requests in flight fail. It starts again when it is used again."""
        self._forget_timer()
        process = self._process.forget()
        if process:
            await asyncio.to_thread(process.stop)

    def _enter(self) -> None:
        self._forget_timer()
        with self._lock:
            self._users += 1

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            idle = self._users == 0
        if idle:
            self._forget_timer()
            self._unload = asyncio.get_running_loop().call_later(self._idle_s, self._unload_if_idle)

    def _unload_if_idle(self) -> None:
        if self._users == 0 and (process := self._process.forget()):
            threading.Thread(target=process.stop, daemon=True).start()

    def _forget_timer(self) -> None:
        timer, self._unload = self._unload, None
        if timer:
            timer.cancel()
