"""An event loop without time and without chance of its own: both come from a seed.

The clock jumps to the next timer when nothing else is left to do, and which of the callbacks that are ready runs next
is drawn. So one seed is one history, in every detail, and hours pass in milliseconds.
"""

import asyncio
import contextvars
import heapq
import random
from collections.abc import Callable, Coroutine
from typing import Any


class _Call:
    """A callback that will be run, unless it is cancelled."""

    __slots__ = ("_args", "_callback", "_context", "_loop", "_when", "gone")

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], context: Any, when: float = 0.0) -> None:
        self._callback, self._args = callback, args
        self._context = context if context is not None else contextvars.copy_context()
        self._when = when
        self.gone = False

    def cancel(self) -> None:
        self.gone = True

    def cancelled(self) -> bool:
        return self.gone

    def when(self) -> float:
        return self._when

    def run(self) -> None:
        self._context.run(self._callback, *self._args)


class Stuck(AssertionError):
    """Nothing is ready and no timer is set, or it never comes to an end: somebody waits for ever."""


class SimulatedLoop(asyncio.AbstractEventLoop):
    """As much of an event loop as tasks, futures, events, timeouts and async generators need."""

    def __init__(self, chance: random.Random, most_steps: int = 200_000) -> None:
        self._chance = chance
        self._now = 0.0
        self._ready: list[_Call] = []
        self._timers: list[tuple[float, int, _Call]] = []
        self._count = 0
        self._steps_left = most_steps
        self._tasks: list[asyncio.Task[Any]] = []
        self.complaints: list[str] = []
        """Errors that nobody looked at."""
        self.left: list[str] = []
        """Names of tasks that were still there when the main one was over."""

    # What asyncio asks of a loop

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        call = _Call(callback, args, context)
        self._ready.append(call)
        return call

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        call = _Call(callback, args, context, when)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, call))
        return call

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    # Running

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        """Run until ``main`` is over; gives what it returns. Raises Stuck when it never will be."""
        asyncio._set_running_loop(self)
        try:
            task = self.create_task(main)
            while not task.done():
                self._step()
            self._sweep()
            return task.result()
        finally:
            asyncio._set_running_loop(None)

    def _sweep(self) -> None:
        """Cancel what is left, such as people who would have answered yet."""
        left = [task for task in self._tasks if not task.done()]
        self.left = [task.get_name() for task in left]
        for task in left:
            task.cancel()
        while not all(task.done() for task in left):
            self._step()

    def _step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise Stuck("it does not come to an end")
        timers = self._timers
        while timers and timers[0][2].gone:
            heapq.heappop(timers)
        if not self._ready:
            if not timers:
                raise Stuck("everybody waits and nothing will happen any more")
            self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            call = heapq.heappop(timers)[2]
            if not call.gone:
                self._ready.append(call)
        if not self._ready:
            return
        which = int(self._chance.random() * len(self._ready))
        call = self._ready.pop(which)
        if not call.gone:
            call.run()
