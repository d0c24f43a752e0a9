"""AWE in this process: the engine alone, and the whole of it with SQLite."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from awe_app.adapters.journal import SqlJournal
from awe_app.cli.run import LocalModels
from awe_app.composition import start
from awe_app.domain import events as ev
from awe_app.domain.accounts import User
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, UserId, WorkflowId
from awe_app.domain.protocols import Capabilities
from awe_app.domain.workflow import Workflow
from awe_app.engine.execute import Deps, execute
from awe_app.engine.plan import Plan, prepare
from awe_app.nodes.registry import discover
from awe_app.services import Services
from awe_app.settings import Environment
from bench.workflows import TEXT

CAPABILITIES = Capabilities(models=LocalModels(None))  # type: ignore[arg-type]  # no agent is in these workflows
INPUTS = {"text": TEXT}


def plan(workflow: Workflow, more_types: Mapping[str, Any] | None = None) -> Plan:
    """The plan, made once as the server does."""
    return prepare(workflow, {**discover(), **(more_types or {})})


async def run(planned: Plan, capabilities: Capabilities = CAPABILITIES) -> Any:
    """Execute and give the result; raises when it did not complete."""
    last = None
    deps = Deps(ExecutionId(str(uuid4())), capabilities, UserId("bench"))
    async for event in execute(planned, INPUTS, deps):
        last = event
    assert isinstance(last, ev.ExecutionCompleted), last
    return last.result


@asynccontextmanager
async def stored(folder: Path) -> AsyncIterator["Stored"]:
    """AWE with a database in ``folder``, as the server runs it but without HTTP."""
    environment = Environment(data_dir=folder, secret_key=uuid4().hex * 2, jwt_secret_key=uuid4().hex * 2)
    running = await start(environment)
    try:
        services = running.services
        user = await services.accounts.register("bench", "bench@example.org", "a good long password")
        yield Stored(services, user, running.journal)
    finally:
        await running.stop()


class Stored:
    """Workflows and executions of one user."""

    def __init__(self, services: Services, user: User, journal: SqlJournal) -> None:
        self._services = services
        self._user = user
        self.journal = journal

    async def add(self, workflow: Workflow) -> WorkflowId:
        """Store a workflow."""
        return (await self._services.workflows.create(self._user, workflow.as_json())).id

    async def run(self, workflow_id: WorkflowId) -> Any:
        """Start it, wait until every event is stored, give the result."""
        return (await self._ended(workflow_id)).result

    async def start_and_end(self, workflow_id: WorkflowId) -> ExecutionId:
        """The id of an execution that has completed."""
        return (await self._ended(workflow_id)).execution_id

    async def _ended(self, workflow_id: WorkflowId) -> ExecutionState:
        executions = self._services.executions
        begun = await executions.start(self._user, workflow_id, INPUTS)
        state = await executions.wait(self._user, begun.execution_id, 60)
        assert state.status == "completed", state.error
        return state
