"""Another workflow as a tool."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId, WorkflowId
from awe_app.domain.models import FunctionSpec
from awe_app.domain.protocols import Capabilities, ChildRequest
from awe_app.tools.base import BaseTool, Offer, OpenArguments, ToolContext, ToolSettings
from awe_app.tools.linked_run import run_linked


class WorkflowArguments(OpenArguments):
    """What the workflow's input node gets."""


class WorkflowSettings(ToolSettings):
    workflow_id: str = Field(
        title="Workflow",
        description="Id of the workflow to run.",
        min_length=1,
        max_length=100,
        json_schema_extra={"widget": "workflow"},
    )
    name: str = Field(
        "",
        title="Name",
        description="What models call it; empty: run_ and the workflow's name.",
        pattern=r"^([a-z][a-z0-9_]{0,63})?$",
    )
    description: str = Field(
        "", title="Description", description="What models are told; empty: the workflow's own.", max_length=1000
    )
    trusted: bool = Field(
        False,
        title="May send anything out",
        description="On: an agent that has read strangers' text and private data may run it without asking a person.",
    )


class WorkflowTool(BaseTool[WorkflowArguments]):
    """Run another workflow of the user, wait for its end, and get its result.

    It is an execution of its own, linked to the one that calls it: it is cancelled with it, and its cost counts there.
    """

    name = "workflow"
    reads_untrusted = True
    sends_out = True
    waits = True
    Settings = WorkflowSettings

    async def run(self, ctx: ToolContext[WorkflowArguments]) -> Any:
        settings = _settings(ctx.settings)
        if ctx.parent is None:
            raise NodeFailed("NO_EXECUTION", "a workflow can be run as a tool by an execution only")
        request = ChildRequest(
            parent=ctx.parent,
            user_id=ctx.user_id,
            workflow_id=WorkflowId(settings.workflow_id),
            inputs=ctx.arguments.model_extra or {},
        )
        executions = ctx.capabilities.executions
        return await run_linked(
            executions, request, waiting=ctx.waiting, signal=ctx.signal, spend=ctx.spend, log=ctx.log
        )

    @classmethod
    async def offers(cls, settings: ToolSettings, user_id: UserId | None, capabilities: Capabilities) -> list[Offer]:
        """One function, with the fields of the workflow's input node as its arguments."""
        own = _settings(settings)
        found = await capabilities.executions.describe(user_id, WorkflowId(own.workflow_id))
        description = own.description or found.description or f"Run the workflow '{found.name}' and get its result."
        return [Offer(FunctionSpec(own.name or f"run_{_slug(found.name)}", description, found.parameters))]

    @classmethod
    def may_send(cls, arguments: Mapping[str, Any], settings: ToolSettings) -> bool:
        return _settings(settings).trusted


def _settings(settings: ToolSettings) -> WorkflowSettings:
    if not isinstance(settings, WorkflowSettings):
        raise NodeFailed("INVALID_SETTING", "workflow: workflow_id is missing", "say which workflow in its settings")
    return settings


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60] or "workflow"
