"""What an execution gives back."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs


class OutputConfig(NodeConfig):
    value: Any = Field(
        None,
        title="Value",
        description="What the run gives back. Left empty: what came in.",
        json_schema_extra={"widget": "expression", "placeholder": "{{ nodes.writer.output }}"},
    )
    ends: bool = Field(
        False,
        title="End the run here",
        description="The run is over with this result at once; whatever else still runs is cancelled.",
    )


class Output(Node[OutputConfig]):
    """The run's result. Several outputs give an object by node id."""

    type, title, icon, category = "output", "Output", "log-out", "Flow"
    outputs = ()
    gives_result = True
    fixed = frozenset({"ends"})

    async def run(self, ctx: NodeContext[OutputConfig]) -> Outputs:
        if "value" in ctx.config.model_fields_set:
            return {"out": ctx.config.value}
        came_in = dict(ctx.incoming)
        return {"out": next(iter(came_in.values())) if len(came_in) == 1 else came_in or None}

    @classmethod
    def ends_execution(cls, config: Mapping[str, Any]) -> bool:
        return config.get("ends") is True

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        value = config.get("value")
        return value if isinstance(value, str) else ""
