"""Slow blocking work that is done once, at its first use, in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")


class Once(Generic[ValueT]):
    """The value of ``make``, made in a thread when it is first asked for, however many ask at once.

    A failure is told to all who wait and is not kept: the next to ask tries again. Nothing exists before the first
    use, so a process that holds one may fork.
    """

    def __init__(self, make: Callable[[], ValueT]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: Future[ValueT] | None = None

    def begin(self) -> None:
        """Make it in the background unless that was begun before; nobody waits, and a failure is told to nobody."""
        with self._lock:
            if self._made is None:
                self._start()

    async def get(self) -> ValueT:
        """The value; works from any event loop. Giving up waiting does not stop the making."""
        with self._lock:
            made = self._made
            if made is None or (made.done() and made.exception()):
                made = self._start()
        if made.done():
            return made.result()
        return await asyncio.shield(asyncio.wrap_future(made))

    @property
    def value(self) -> ValueT | None:
        """The value if it is made, else None."""
        made = self._made
        return made.result() if made and made.done() and not made.exception() else None

    def forget(self, only: ValueT | None = None) -> ValueT | None:
        """Drop the value (when ``only`` is given: if it is that one), so that the next to ask makes a new one.

        Gives what was dropped, None if nothing was.
        """
        with self._lock:
            value = self.value
            if value is None or (only is not None and value is not only):
                return None
            self._made = None
            return value

    def _start(self) -> Future[ValueT]:
        made: Future[ValueT] = Future()
        self._made = made
        threading.Thread(target=self._run, args=(made,), daemon=True).start()
        return made

    def _run(self, made: Future[ValueT]) -> None:
        try:
            value = self._make()
        except BaseException as error:
            made.set_exception(error)
        else:
            made.set_result(value)
