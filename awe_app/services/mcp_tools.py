"""AWE as an MCP server: the workflows that a user offers, as tools that other programs call in that user's name."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from awe_app.adapters.mcp_store import McpStore
from awe_app.domain.accounts import User
from awe_app.domain.errors import Forbidden, Invalid, NotFound
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, WorkflowId
from awe_app.domain.values import as_text
from awe_app.services.described import described
from awe_app.services.executions import Executions
from awe_app.services.workflows import Workflows

WAIT_S = 300.0
"""How long a call waits for the end of its execution; then it says where to look for it."""
MAX_TEXT_CHARS = 400_000
_LONGEST_NAME = 64
_TOLD_S = 2.0

Told = Callable[[int, str], Awaitable[None]]
"""``await told(finished, text)`` after each node: how many have finished, and which was the last."""


@dataclass(frozen=True, slots=True)
class OfferedWorkflow:
    """A workflow as a tool."""

    name: str
    title: str
    description: str
    parameters: Mapping[str, Any]
    workflow_id: WorkflowId


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gives its caller."""

    text: str
    structured: Mapping[str, Any] | None = None
    is_error: bool = False


class McpTools:
    """The use cases of the endpoint ``/api/mcp``."""

    def __init__(self, store: McpStore, workflows: Workflows, executions: Executions, public_url: str) -> None:
        self._store = store
        self._workflows = workflows
        self._executions = executions
        self._public_url = public_url

    async def offered(self, user: User) -> list[OfferedWorkflow]:
        """The workflows that the user offers and may still run, by names that differ."""
        found: dict[str, OfferedWorkflow] = {}
        for workflow_id in await self._store.workflows(user.id):
            try:
                stored = await self._workflows.runnable(user.id, workflow_id)
            except (NotFound, Forbidden):  # no longer shared
                continue
            about = described(stored.workflow)
            name = _free_name(about.name, found)
            text = about.description or f"Run the workflow '{about.name}' and get its result."
            found[name] = OfferedWorkflow(name, about.name, text, about.parameters, workflow_id)
        return list(found.values())

    async def call(self, user: User, name: str, inputs: Mapping[str, Any], told: Told) -> Outcome:
        """Run the workflow and wait for its end. Whoever goes away stops nothing: the execution goes on.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``, nothing of that name is offered.
        """
        offered = {each.name: each for each in await self.offered(user)}
        if name not in offered:
            raise NotFound("WORKFLOW_NOT_FOUND", f"there is no tool '{name[:80]}'; known are {', '.join(offered)}")
        try:
            state = await self._executions.start(user, offered[name].workflow_id, inputs)
        except Invalid as error:
            said = [issue.message for issue in error.issues] or [error.detail]
            return Outcome(f"{error.code}: {'; '.join(said[:10])}", is_error=True)
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(self._tell(user, state.execution_id, told))
            state = await self._executions.wait(user, state.execution_id, WAIT_S)
            if state.ended:  # what is left to tell is on its way
                await asyncio.wait([telling], timeout=_TOLD_S)
            telling.cancel()
        return self._outcome(state)

    async def _tell(self, user: User, execution_id: ExecutionId, told: Told) -> None:
        finished = 0
        async with aclosing(self._executions.follow(user, execution_id)) as messages:
            async for message in messages:
                if message.type == "state" and message.data.get("status") in ("completed", "failed", "skipped"):
                    finished += 1
                    await told(finished, f"{message.data.get('node_id') or 'execution'} {message.data['status']}")

    def _outcome(self, state: ExecutionState) -> Outcome:
        link = f"{self._public_url}/executions/{state.execution_id}"
        if state.status == "completed":
            text = as_text(state.result)
            if len(text) > MAX_TEXT_CHARS:
                text = f"{text[:MAX_TEXT_CHARS]}\n… the rest of {len(text):,} characters: {link}"
                return Outcome(text)
            return Outcome(text, state.result if isinstance(state.result, dict) else None)
        about = {"execution_id": state.execution_id, "status": state.status, "url": link}
        if state.status == "failed":
            error = state.error or {}
            text = f"The execution {state.execution_id} failed: {error.get('code')}: {error.get('detail')}\n{link}"
            return Outcome(text, about, is_error=True)
        if state.status == "cancelled":
            return Outcome(f"The execution {state.execution_id} was cancelled.\n{link}", about, is_error=True)
        if state.status == "waiting":
            text = f"The execution {state.execution_id} waits for a person: {_asked(state)}Answer it here: {link}"
            return Outcome(text, about)
        return Outcome(f"The execution {state.execution_id} still runs after {WAIT_S:g} s. Look here: {link}", about)


def _asked(state: ExecutionState) -> str:
    """What the first waiting node asks."""
    for node in state.node_states.values():
        if node.status == "waiting" and node.waiting is not None and node.waiting.data:
            message = node.waiting.data.get("message")
            if isinstance(message, str) and message.strip():
                return f"“{' '.join(message.split())[:500]}” "
    return ""


def _free_name(title: str, taken: Mapping[str, Any]) -> str:
    wanted = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:_LONGEST_NAME] or "workflow"
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted[: _LONGEST_NAME - 1 - len(str(number))]}_{number}"
    return name
