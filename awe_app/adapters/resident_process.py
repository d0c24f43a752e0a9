"""AWE's end of a program in a process of its own: starts it, sends requests, hands answers to whoever asked.

Both sides write JSON, one object a line; ``local_model_child.py`` and ``embedder_child.py`` are such programs.
"""

import itertools
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Listener = Callable[[Mapping[str, Any]], None]
"""Gets each line about one request, on the reading thread; ``{"gone": reason}`` when the process ended."""


class ResidentProcess:
    """One running program of ours. Requests may be sent before it has loaded; they wait there.

    Threads read and write the pipes, so that no event loop is bound to it and none ever waits for it.
    """

    def __init__(self, program: Path, *arguments: str) -> None:
        """Start it; blocks for some milliseconds."""
        self._popen = subprocess.Popen(  # noqa: S603 - our own program, by its own path
            [sys.executable, "-I", str(program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C on the terminal is for AWE, which then closes the pipe
            text=True,
            encoding="utf-8",
        )
        self._numbers = itertools.count(1)
        self._listeners: dict[int, Listener] = {}
        self._lock = threading.Lock()
        self._outbox: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._gone: str | None = None
        threading.Thread(target=self._read, name=f"{program.stem}-read", daemon=True).start()
        threading.Thread(target=self._write, name=f"{program.stem}-write", daemon=True).start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """False once the process has ended, for whatever reason."""
        return self._gone is None

    def ask(self, body: Mapping[str, Any], listener: Listener) -> int:
        """Send a request; gives its number, for ``forget``."""
        with self._lock:
            number = next(self._numbers)
            gone = self._gone
            if gone is None:
                self._listeners[number] = listener
        if gone is not None:
            listener({"gone": gone})
        else:
            self._outbox.put(json.dumps({"id": number, **body}) + "\n")
        return number

    def forget(self, number: int) -> None:
        """Tell the listener nothing more, and stop the work if it still runs."""
        with self._lock:
            running = self._listeners.pop(number, None) is not None
        if running:
            self._outbox.put(json.dumps({"id": number, "cancel": True}) + "\n")

    def stop(self) -> None:
        """End the process and give its memory back; blocks until it is gone (milliseconds)."""
        self._outbox.put(None)
        try:
            self._popen.wait(2)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def _write(self) -> None:
        pipe = self._popen.stdin
        assert pipe is not None
        try:
            while (line := self._outbox.get()) is not None:
                pipe.write(line)
                pipe.flush()
            pipe.close()
        except OSError:
            pass  # the process has ended; the reader tells everyone

    def _read(self) -> None:
        pipe = self._popen.stdout
        assert pipe is not None
        reason = ""
        for line in pipe:
            message = json.loads(line)
            reason = message.get("fatal") or reason
            with self._lock:
                number = message.get("id")
                listener = self._listeners.get(number)
                if "end" in message:
                    self._listeners.pop(number, None)
            if listener:
                listener(message)
        pipe.close()
        code = self._popen.wait()
        with self._lock:
            self._gone = reason or f"its process ended with exit code {code}"
            left, self._listeners = self._listeners, {}
        self._outbox.put(None)
        for listener in left.values():
            listener({"gone": self._gone})
