"""Run another workflow."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import WorkflowId
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.options import Parent
from awe_app.domain.protocols import ChildRequest
from awe_app.tools.linked_run import run_linked


class SubworkflowConfig(NodeConfig):
    workflow_id: str = Field(
        title="Workflow",
        min_length=1,
        max_length=100,
        description="The id of the workflow to run.",
        json_schema_extra={"widget": "workflow"},
    )
    inputs: Any = Field(
        default_factory=dict,
        title="Inputs",
        description="An object: what the workflow's input node gets.",
        json_schema_extra={"widget": "json"},
    )
    wait: bool = Field(
        True,
        title="Wait for its end",
        description="Off: start it, go on at once, and give {execution_id}.",
        json_schema_extra={"advanced": True},
    )


class Subworkflow(Node[SubworkflowConfig]):
    """Run another workflow, or this one again, and give its result.

    It is an execution of its own, linked to this one: it is cancelled with it, and its cost counts here too.
    """

    type, title, icon, category = "subworkflow", "Sub-workflow", "workflow", "Flow"
    effectful = True

    async def run(self, ctx: NodeContext[SubworkflowConfig]) -> Outputs:
        inputs = ctx.config.inputs if ctx.config.inputs is not None else {}
        if not isinstance(inputs, Mapping):
            raise NodeFailed("INVALID_SETTING", f"inputs must be an object, not {type(inputs).__name__}")
        request = ChildRequest(
            parent=Parent(ctx.execution_id, ctx.path),
            user_id=ctx.user_id,
            workflow_id=WorkflowId(ctx.config.workflow_id),
            inputs=inputs,
            attached=ctx.config.wait,
        )
        executions = ctx.capabilities.executions
        if not ctx.config.wait:
            child = await executions.start(request)
            ctx.log("Started a sub-workflow", execution_id=child, workflow_id=ctx.config.workflow_id)
            return {"out": {"execution_id": child}}
        result = await run_linked(
            executions, request, waiting=ctx.waiting, signal=ctx.signal, spend=ctx.spend, log=ctx.log
        )
        return {"out": result}

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return str(config.get("workflow_id") or "")
