"""Stores and a journal on each kind of database."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from awe_app.adapters.db import Database
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import NewExecution, SqlJournal
from awe_app.adapters.settings_store import SettingsStore
from awe_app.adapters.user_store import UserStore
from awe_app.adapters.workflow_store import WorkflowStore
from awe_app.domain import events as ev
from awe_app.domain.ids import ExecutionId, new_id
from awe_app.domain.workflow import Workflow
from awe_app.services.plans import snapshot_name


@pytest.fixture
def users(database: Database) -> UserStore:
    return UserStore(database)


@pytest.fixture
def workflows(database: Database) -> WorkflowStore:
    return WorkflowStore(database)


@pytest.fixture
def executions(database: Database) -> ExecutionStore:
    return ExecutionStore(database)


@pytest.fixture
def settings(database: Database) -> SettingsStore:
    return SettingsStore(database)


@pytest.fixture
def told() -> list[tuple[ExecutionId, ev.Event]]:
    """What the journal of the test has published, in order."""
    return []


@pytest.fixture
async def journal(database_url: str, told: list[tuple[ExecutionId, ev.Event]]) -> AsyncIterator[SqlJournal]:
    journal = SqlJournal(database_url, lambda execution_id, event: told.append((execution_id, event)))
    journal.start(asyncio.get_running_loop())
    yield journal
    await asyncio.to_thread(journal.stop)


@pytest.fixture
def new() -> Callable[..., NewExecution]:
    """Makes a new execution of a small workflow; keywords change it."""

    def make(name: str = "Letter", **changes: object) -> NewExecution:
        workflow = Workflow.model_validate({"name": name})
        fields = {
            "execution_id": ExecutionId(new_id()),
            "workflow_id": None,
            "user_id": None,
            "workflow": workflow,
            "snapshot_id": snapshot_name(workflow),
            "inputs": {},
        }
        return NewExecution(**(fields | changes))  # type: ignore[arg-type]

    return make
