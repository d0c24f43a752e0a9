"""The safe engine: pydantic-monty, an interpreter of a subset of Python, in locked worker processes.

The pool is the synchronous one, on threads: the asynchronous one of 1.4 aborts the interpreter at exit.
"""

import asyncio
import contextlib
import logging
import os
import shlex
import signal
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awe_app.adapters.once import Once
from awe_app.adapters.sandbox_values import (
    MAX_PRINTED_CHARS,
    TIME_S,
    checked,
    crashed,
    names_of,
    no_result,
    run_error,
    syntax_error,
    too_much_memory,
    took_too_long,
)
from awe_app.domain.errors import NodeFailed
from awe_app.domain.sandbox import Program, Ran

if TYPE_CHECKING:
    import pydantic_monty as monty

logger = logging.getLogger(__name__)

CHILD = Path(__file__).with_name("sandbox_child.py")
MEMORY_BYTES = 128 * 1024 * 1024
_PATIENCE_S = 300.0
"""How long a program may wait for a free worker."""
_USES = 200
"""A worker is replaced after so many programs."""


@dataclass(slots=True)
class _Pool:
    workers: "monty.Monty"
    threads: ThreadPoolExecutor
    launcher: Path | None
    """The script that locks a worker before it starts; None where the machine cannot."""

    def close(self) -> None:
        self.threads.shutdown(wait=True)
        self.workers.__exit__(None, None, None)
        if self.launcher is not None:
            self.launcher.unlink(missing_ok=True)
            self.launcher.parent.rmdir()


class _Turn:
    """One program on one worker, which can be killed from another thread while it is at it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._killed = False

    def begin(self, pid: int | None) -> None:
        with self._lock:
            self._pid = pid
            if self._killed:
                self._kill()

    def end(self) -> None:
        with self._lock:
            self._pid = None

    def kill(self) -> None:
        with self._lock:
            self._killed = True
            self._kill()

    def _kill(self) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


class SafePython:
    """Runs programs on a pool of workers that is made at the first one."""

    def __init__(self, time_s: float = TIME_S, workers: int | None = None) -> None:
        self._time_s = time_s
        self._workers = workers or max(2, os.cpu_count() or 2)
        self._pool = Once(self._open)

    async def run(self, program: Program) -> Ran:
        """See ``Sandbox.run``."""
        pool = await self._pool.get()
        turn = _Turn()
        work = asyncio.get_running_loop().run_in_executor(pool.threads, _run, pool.workers, program, turn, self._time_s)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            turn.kill()
            work.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else asks for it
            raise

    async def locked(self) -> bool:
        """Whether the workers are locked by the operating system as well."""
        return (await self._pool.get()).launcher is not None

    async def stop(self) -> None:
        """End the workers, if there are any."""
        pool = self._pool.forget()
        if pool is not None:
            await asyncio.to_thread(pool.close)

    def _open(self) -> _Pool:
        threads = ThreadPoolExecutor(self._workers, "sandbox")
        launcher = _launcher()
        if launcher is not None:
            workers = self._start(launcher)
            try:
                # on a thread that stays: a worker dies with the thread that started it
                threads.submit(_run, workers, Program("1"), _Turn(), TIME_S).result()
                return _Pool(workers, threads, launcher)
            except NodeFailed:
                workers.__exit__(None, None, None)
                launcher.unlink()
                launcher.parent.rmdir()
        logger.warning("code of the safe engine is not locked by the operating system: this machine cannot do it")
        return _Pool(self._start(None), threads, None)

    def _start(self, launcher: Path | None) -> "monty.Monty":
        import pydantic_monty as monty

        workers = monty.Monty(
            binary_path=launcher,
            min_processes=0,
            max_processes=self._workers,
            request_timeout=self._time_s + 5,
            checkout_timeout=_PATIENCE_S,
            max_checkouts_per_worker=_USES,
        )
        return workers.__enter__()


def _launcher() -> Path | None:
    """A script that starts a locked worker; None where that cannot be."""
    from pydantic_monty._binary import find_monty_binary

    if sys.platform != "linux":
        return None
    command = [sys.executable, "-I", "-S", "-B", str(CHILD), "monty", str(Path(find_monty_binary()).resolve())]
    script = Path(tempfile.mkdtemp(prefix="awe-sandbox-")) / "monty"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    script.chmod(0o700)
    return script


def _run(workers: "monty.Monty", program: Program, turn: _Turn, time_s: float) -> Ran:
    import pydantic_monty as monty

    printed: list[str] = []
    room = MAX_PRINTED_CHARS

    def note(_stream: str, text: str) -> None:
        nonlocal room
        if room > 0:
            printed.append(text[:room])
            room -= len(text)

    limits: Any = {
        "max_feed_duration_secs": time_s,
        "max_memory": MEMORY_BYTES,
        "max_recursion_depth": 200,
        "max_suspensions": 100,
        "max_total_sleep_secs": time_s,
    }
    try:
        with workers.checkout(limits=limits) as session:
            turn.begin(session.worker_pid)
            try:
                value = session.feed_run(program.code, inputs=names_of(program.inputs), print_callback=note)
                if value is None:
                    value = _result(session, monty)
            finally:
                turn.end()
    except monty.MontySyntaxError as error:
        raise syntax_error(error.display("type-msg")[:2000], _line(error)) from None
    except monty.MontyRuntimeError as error:
        raise _failure(error, time_s) from None
    except monty.MontyCrashedError:
        raise crashed() from None
    except TimeoutError:
        raise NodeFailed("SANDBOX_BUSY", "no sandbox process became free", retryable=True) from None
    except (monty.MontyError, RecursionError, UnicodeError, TypeError, ValueError, OverflowError) as error:
        raise no_result(f"it cannot leave the sandbox ({type(error).__name__})") from None
    return Ran(checked(_plain(value)), "".join(printed))


def _result(session: "monty.MontySession", module: Any) -> Any:
    """What ``result`` is, where the program has set it."""
    try:
        return session.feed_run("result")
    except module.MontyRuntimeError:
        return None


def _failure(error: "monty.MontyRuntimeError", time_s: float) -> NodeFailed:
    message = error.display("type-msg")[:2000]
    if message.startswith("TimeoutError: ") and "limit exceeded" in message:
        return took_too_long(time_s)
    if message.startswith("MemoryError"):
        return too_much_memory()
    failure = run_error(message, _line(error))
    if message.startswith(("NotImplementedError: The monty", "ModuleNotFoundError")):
        failure.hint = "the safe engine knows a part of Python and of its modules; engine: full knows all of both"
        failure.detail += f"; {failure.hint}"
    return failure


def _line(error: "monty.MontySyntaxError | monty.MontyRuntimeError") -> int | None:
    frames = error.traceback()
    return frames[-1].line if frames else None


def _plain(value: Any, depth: int = 0) -> Any:
    """The value as JSON holds it; see ``sandbox_child.plain``."""
    from awe_app.adapters.sandbox_child import NoJson, plain

    try:
        return plain(value, depth)
    except (NoJson, RecursionError) as error:
        raise no_result(str(error)) from None
