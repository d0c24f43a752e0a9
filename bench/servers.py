"""The servers of W4 and W5: AWE and its peers, each with the one call that runs the five nodes."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.workflows import five_nodes
from tests.e2e.server import Person, Server, free_port
from tests.source_tree import ROOT


def resident_mb(pid: int) -> float:
    """Resident memory of a process and all that it started, in MB; pages they share count for each."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    family = {pid}
    while more := {child for child, parent, _ in rows if parent in family} - family:
        family |= more
    return sum(rss for process, _, rss in rows if process in family) / 1024


@dataclass
class AweServer:
    """AWE with one account and the five-node workflow."""

    folder: Path
    name: str = "AWE, stored in SQLite"
    server: Server = field(init=False)
    headers: dict[str, str] = field(init=False, default_factory=dict)
    url: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.server = Server(self.folder / "awe")

    def prepare(self) -> None:
        """Start for the first time: tables, account, workflow; then stop."""
        with self.server:
            person = Person(self.server).register()
            stored = person.post("/workflows", five_nodes().as_json(), 201)
            self.url = f"{self.server.url}/api/workflows/{stored['id']}/execute?wait=60"
            self.headers = {"Authorization": person.client.headers["Authorization"]}

    def start(self) -> int:
        """Start; the process id."""
        self.server.start()
        assert self.server.pid is not None
        return self.server.pid

    def stop(self) -> None:
        self.server.stop()


@dataclass
class PeerServer:
    """A server of ``bench/floor_server.py``."""

    folder: Path
    system: str
    name: str
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/execute"
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Start once, so that its tables are there."""
        self.start()
        self.stop()

    def start(self) -> int:
        database = self.folder / f"{self.system}.db"
        command = [sys.executable, "-m", "bench.floor_server", self.system, str(self.port), str(database)]
        self._process = subprocess.Popen(command, cwd=ROOT, env=os.environ.copy(), start_new_session=True)
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=5)
                return self._process.pid
            except httpx.TransportError:
                assert self._process.poll() is None, f"{self.system} ended"
                time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=20)
            self._process = None


def all_servers(folder: Path) -> list[AweServer | PeerServer]:
    """AWE, the two floors, and LangGraph."""
    servers: list[AweServer | PeerServer] = [
        PeerServer(folder, "floor", "five functions + SQLite, shared commits"),
        PeerServer(folder, "single", "five functions + SQLite, a transaction each"),
        AweServer(folder),
        PeerServer(folder, "langgraph", "LangGraph, AsyncSqliteSaver"),
    ]
    for server in servers:
        server.prepare()
    return servers
