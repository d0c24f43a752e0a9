"""One database for the module's workers, and who starts what they drive."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import admin, postgres_url
from tests.distributed.fleet import Client, WorkerProcess, a_client


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


@pytest.fixture
async def client(shared_database: str, redis_url: str) -> AsyncIterator[Client]:
    """A client that hears of the workers over Redis."""
    async with a_client(shared_database, redis_url) as made:
        yield made


@pytest.fixture(params=["redis", "alone"])
async def either(request: pytest.FixtureRequest, shared_database: str, redis_url: str) -> AsyncIterator[Client]:
    """Such a client, and one that only has the database."""
    async with a_client(shared_database, redis_url if request.param == "redis" else None) as made:
        yield made
