"""Serves pages, REST and WebSocket on one port, from pages that are built already.

One process holds the port and starts one worker, which is started again when it dies; what it was driving goes on.
"""

import ctypes
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from awe_app.collecting import collect_seldom

TARGET = "awe_app.awe_app:app"
WAIT_FOR_PORT_S = 5.0
"""A server that was just killed may hold its port for a moment."""

PRODUCTION = {
    "REFLEX_ENV_MODE": "prod",
    "__REFLEX_SKIP_COMPILE": "true",
    "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
}
"""What makes Reflex serve the pages it built before instead of building them (tests/test_reflex_contract.py)."""


class PortTaken(Exception):
    """Another program listens on the port."""


def wait_for_port(host: str, port: int, timeout_s: float = WAIT_FOR_PORT_S) -> None:
    """Return once nobody listens on the port.

    Raises:
        PortTaken: somebody still does after ``timeout_s`` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if time.monotonic() > deadline:
                    raise PortTaken(f"port {port} is taken ({error.strerror}); try: make run PORT={port + 1}") from None
            else:
                return
        time.sleep(0.1)


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or ctrl-C.

    Raises:
        PortTaken: another program listens on the port.
    """
    from granian import Granian
    from granian.constants import Interfaces

    wait_for_port(host, port)
    os.environ.update(PRODUCTION)
    shown = "localhost" if host in ("0.0.0.0", "127.0.0.1") else host  # noqa: S104
    print(f"AWE on http://{shown}:{port}  (ctrl-C stops it)", flush=True)
    server = Granian(
        TARGET,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=1,
        factory=True,
        websockets=True,
        log_access=False,
        backlog=1024,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )
    server.serve(target_loader=_Loader(os.getpid()), wrap_loader=False)


class _Loader:
    """Gives granian the application, in the worker. A class, so that it can be sent to a spawned process."""

    def __init__(self, supervisor: int) -> None:
        self.supervisor = supervisor

    def __call__(self, *_: Any) -> Callable[..., Any]:
        from granian._internal import load_target

        die_with(self.supervisor)
        # Importing makes some hundred thousand objects that all stay: collecting among them costs a tenth of the start.
        gc.disable()
        application = load_target(TARGET, factory=True)
        from awe_app.awe_app import api

        collect_seldom()
        gc.enable()
        return _shortcut(application, api)


def _shortcut(application: Callable[..., Any], api: Callable[..., Any]) -> Callable[..., Any]:
    """The application, with requests to the API going there at once: Reflex's layers around it do nothing for them."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        to_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (api if to_api else application)(scope, receive, send)

    return serve


def die_with(parent: int) -> None:
    """End this process the moment its parent is gone, even by ``kill -9``: an orphan would keep the port."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.25)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
