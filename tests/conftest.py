"""Databases for tests: a real SQLite file and a real PostgreSQL server, each test with tables of its own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.db import Database, upgrade
from awe_app.adapters.dbos_queue import DbosQueue
from awe_app.adapters.dispatch import Limits
from awe_app.adapters.embedder import LocalEmbedder
from awe_app.adapters.embedder_cache import CachedEmbedder, Embedder
from awe_app.domain.ids import ExecutionId, UserId


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="tests/faults at their long figures")
    parser.addoption("--seed", type=int, default=None, help="one history of the simulation again")


@dataclass(frozen=True, slots=True)
class Figures:
    """How much the tests of faults do: a little in ``make test``, much in ``make soak``."""

    soak: bool
    seed: int | None

    def of(self, usual: int, soak: int) -> int:
        """The figure for this run."""
        return soak if self.soak else usual

    def seeds(self) -> range:
        """The histories to simulate."""
        return range(self.of(2_000, 100_000)) if self.seed is None else range(self.seed, self.seed + 1)


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Figures:
    """How much the tests of faults shall do."""
    return Figures(request.config.getoption("--soak"), request.config.getoption("--seed"))


def _postgres_binaries() -> Path:
    """Where ``initdb`` and ``pg_ctl`` are: Debian keeps them off PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda p: int(p.parts[-3]), reverse=True)
    on_path = shutil.which("pg_ctl")
    for candidate in [*versions, *([Path(on_path)] if on_path else [])]:
        folder = candidate.resolve().parent
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.fail(
        "PostgreSQL is missing: install it (Debian: apt install postgresql; macOS: brew install postgresql)", False
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Path]:
    """A PostgreSQL server for this session, on a socket in a folder of its own; gives that folder."""
    binaries = _postgres_binaries()
    folder = Path(tempfile.mkdtemp(prefix="awe-pg-"))  # short: the path of a socket has at most 107 bytes
    user: str | None = None
    if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.fail("PostgreSQL refuses root and there is no user 'postgres': apt install postgresql", False)
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        # Output goes to a file: the server inherits it, and a pipe would never be closed.
        with (folder.parent / f"{folder.name}.log").open("ab") as log:
            done = subprocess.run(command, user=user, cwd=folder, stdout=log, stderr=log, check=False)
        if done.returncode:
            pytest.fail(f"PostgreSQL: {command[0]} failed, see {log.name}", False)

    data = str(folder / "data")
    run(str(binaries / "initdb"), "-D", data, "-U", "awe", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    # Tests kill processes, never the machine, so the server need not sync.
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
    run(str(binaries / "pg_ctl"), "-D", data, "-w", "-o", options, "start")
    try:
        yield folder
    finally:
        run(str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
        (folder.parent / f"{folder.name}.log").unlink(missing_ok=True)


def postgres_url(folder: Path, database: str) -> str:
    return f"postgresql+asyncpg://awe@/{database}?host={folder}"


def admin(folder: Path, statement: str) -> None:
    with psycopg.connect(f"host={folder} user=awe dbname=postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: Path) -> str:
    """A migrated database that others are copied from, the queue's tables too: quicker than migrating each."""
    import asyncio

    async def prepare(url: str) -> None:
        await upgrade(url)
        queue = DbosQueue(url, "template", Limits(1), _drive_nothing)
        await queue.start()
        await queue.stop()

    admin(postgres_server, "CREATE DATABASE awe_template")
    asyncio.run(prepare(postgres_url(postgres_server, "awe_template")))
    return "awe_template"


async def _drive_nothing(execution_id: ExecutionId, epoch: int) -> None:
    raise AssertionError(f"execution {execution_id} was queued while the tables were made, epoch {epoch}")


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import asyncio

    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables; once for each kind of database."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    folder: Path = request.getfixturevalue("postgres_server")
    name = f"empty_{uuid4().hex}"
    admin(folder, f"CREATE DATABASE {name}")
    yield postgres_url(folder, name)
    admin(folder, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with empty tables; once for each kind of database."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("_sqlite_template")
        shutil.copy(template, tmp_path / "awe.db")
        yield f"sqlite+aiosqlite:///{tmp_path / 'awe.db'}"
        return
    folder: Path = request.getfixturevalue("postgres_server")
    name = f"test_{uuid4().hex}"
    admin(folder, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('_postgres_template')}")
    yield postgres_url(folder, name)
    admin(folder, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A started ``Database`` with empty tables; once for each kind of database."""
    database = Database(database_url)
    await database.start()
    yield database
    await database.stop()


@pytest.fixture(scope="session")
def embedder() -> Iterator[CachedEmbedder]:
    """The local embedder; its process starts with the first text and serves the whole session."""
    import asyncio

    local = LocalEmbedder(idle_s=3600)
    yield CachedEmbedder(local)
    asyncio.run(local.stop())


class OneEmbedder:
    """A directory of embedders that holds one."""

    def __init__(self, embedder: Embedder) -> None:
        self.local = embedder

    async def find(self, user_id: UserId | None, name: str) -> Embedder:
        """The one, if it is meant."""
        assert name == self.local.name
        return self.local

    async def chosen(self, user_id: UserId | None) -> str:
        """It."""
        return self.local.name


@pytest.fixture(scope="session")
def embedders(embedder: CachedEmbedder) -> OneEmbedder:
    """The local embedder as a directory."""
    return OneEmbedder(embedder)


@pytest.fixture
async def chroma(tmp_path: Path) -> AsyncIterator[Chroma]:
    """A store of vectors in a folder of its own."""
    store = Chroma(tmp_path)
    yield store
    await store.stop()


class RedisServer:
    """A Redis that forgets everything when it ends; on the same port each time it is started."""

    def __init__(self, folder: Path) -> None:
        self._program = shutil.which("redis-server") or pytest.fail("Redis is missing: apt install redis-server", False)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it and return when it listens."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([self._program, *options], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(0.05)

    def send(self, number: signal.Signals) -> None:
        """Freeze it, or let it go on."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it with ``kill -9``; harmless when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis of this session."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.kill()
