"""Send an event."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.signals import EventName


class EmitConfig(NodeConfig):
    event: EventName = Field(title="Event")
    data: Any = Field(
        None,
        title="Data",
        description="What the event carries. Left empty: what came in.",
        json_schema_extra={"widget": "expression"},
    )


class Emit(Node[EmitConfig]):
    """Send an event to the nodes of this run that wait for it; it is kept until one takes it."""

    type, title, icon, category = "emit", "Send event", "radio", "Flow"

    async def run(self, ctx: NodeContext[EmitConfig]) -> Outputs:
        came_in = next(iter(ctx.incoming.values()), None)
        data = ctx.config.data if "data" in ctx.config.model_fields_set else came_in
        ctx.control.send(ctx.config.event, data)
        return {"out": data}

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return str(config.get("event") or "")
