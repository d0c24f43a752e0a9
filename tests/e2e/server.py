"""AWE as people run it: ``python -m awe_app serve`` in a process of its own, from the pages that are built already."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import httpx

from tests.source_tree import ROOT

START_S = 120.0
"""Building the pages is in it, when nothing built them before."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server on a port and a data folder of its own; may be killed and started again."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = data_dir / "server.log"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.clients: list[httpx.Client] = []
        """Closed with the server."""

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for client in self.clients:
            client.close()
        self.stop()

    def start(self) -> None:
        """Start and wait until it is healthy; fails with the end of its log when it is not."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "JWT_SECRET_KEY", "PORT")
        }
        environment |= {"AWE_DATA_DIR": str(self.data_dir), "PUBLIC_URL": self.url, **self._environment}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awe_app", "serve", "--host", "127.0.0.1", "--port", str(self.port)],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while not self.healthy():
            died = self._process.poll() is not None
            if died or time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])
                raise AssertionError(f"the server {'ended' if died else 'is not healthy'}:\n{tail}")
            time.sleep(0.02)

    @property
    def pid(self) -> int | None:
        """The process that was started; None while there is none."""
        return self._process.pid if self._process else None

    def healthy(self) -> bool:
        """Whether it answers."""
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """``kill -9`` to the process that was started, and to no other: the rest has to go by itself."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> int | None:
        """End it as ctrl-C does; the exit code. Nothing of it may be left."""
        if self._process is None:
            return None
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise AssertionError("the server did not end on ctrl-C within 20 s") from None
        finally:
            self._process.wait()
            self._process = None


class Person:
    """An account and its REST client."""

    def __init__(self, server: Server) -> None:
        self.username = f"p{uuid4().hex[:12]}"
        self.email = f"{self.username}@example.org"
        self.password = f"correct horse {uuid4().hex[:8]}"
        self.server = server
        self.client = httpx.Client(base_url=f"{server.url}/api", timeout=180)
        server.clients.append(self.client)

    def register(self) -> "Person":
        """Make the account by REST and sign in."""
        account = {"username": self.username, "email": self.email, "password": self.password}
        assert self.client.post("/auth/register", json=account).status_code == 201
        return self.sign_in()

    def sign_in(self) -> "Person":
        """Get a token by REST; all further calls carry it."""
        answer = self.client.post("/auth/login", json={"username": self.username, "password": self.password})
        assert answer.status_code == 200, answer.text
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return self

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET that has to succeed."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, status: int, **query: Any) -> Any:
        """The JSON of a POST that has to answer with this status."""
        answer = self.client.post(path, json=body, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()
