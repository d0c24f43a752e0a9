"""Put values into a text."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.values import as_text


class TemplateConfig(NodeConfig):
    template: Any = Field(
        title="Template",
        description="Text with {{ expressions }}.",
        json_schema_extra={"widget": "prompt", "placeholder": "Dear {{ inputs.name }}, …"},
    )


class Template(Node[TemplateConfig]):
    """Write a text with values put in."""

    type, title, icon, category = "template", "Template", "file-text", "Data"

    async def run(self, ctx: NodeContext[TemplateConfig]) -> Outputs:
        return {"out": as_text(ctx.config.template)}

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return " ".join(str(config.get("template") or "").split())
