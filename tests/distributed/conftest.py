"""One database and one Redis for the module's workers."""

import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from awe_app.adapters.db import Database
from tests.conftest import admin, postgres_url
from tests.distributed.fleet import Client, WorkerProcess, make_client


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of this session."""
    server = shutil.which("redis-server") or pytest.fail("Redis is missing: apt install redis-server", False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([server, *options], stdout=log, stderr=log)
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def shared_database(postgres_server: Path, _postgres_template: str) -> Iterator[str]:
    """The address of a PostgreSQL database for the module."""
    name = f"fleet_{uuid4().hex}"
    admin(postgres_server, f"CREATE DATABASE {name} TEMPLATE {_postgres_template}")
    yield postgres_url(postgres_server, name)
    admin(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def hire(
    shared_database: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[int], list[WorkerProcess]]]:
    """Gives all living workers, at least so many; ends them all after the module."""
    folder = tmp_path_factory.mktemp("workers")
    environment = {"DATABASE_URL": shared_database, "REDIS_URL": redis_url, "AWE_MAX_CONCURRENT_EXECUTIONS": "4"}
    workers: list[WorkerProcess] = []

    def living(count: int) -> list[WorkerProcess]:
        alive = [worker for worker in workers if worker.process.poll() is None]
        new = [WorkerProcess(folder, environment) for _ in range(count - len(alive))]
        workers.extend(new)
        return alive + new

    yield living
    for worker in workers:
        worker.end()


@pytest.fixture(params=["redis", "alone"])
async def client(request: pytest.FixtureRequest, shared_database: str, redis_url: str) -> AsyncIterator[Client]:
    """A client that hears of the workers over Redis, and one that only has the database."""
    database = Database(shared_database)
    await database.start()
    made = await make_client(database, redis_url if request.param == "redis" else None)
    yield made
    await made.stop()
    await database.stop()
