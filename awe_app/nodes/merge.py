"""Bring branches together."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs


class MergeConfig(NodeConfig):
    mode: Literal["all", "first", "concat"] = Field(
        "all",
        title="Mode",
        description="all: an object by source; first: the first value to arrive; concat: one list in edge order.",
    )


class Merge(Node[MergeConfig]):
    """Join branches: all of them as an object, the first to arrive, or one list."""

    type, title, icon, category = "merge", "Merge", "git-merge", "Logic"

    async def run(self, ctx: NodeContext[MergeConfig]) -> Outputs:
        values = dict(ctx.incoming)
        match ctx.config.mode:
            case "all":
                return {"out": values}
            case "first":
                return {"out": next(iter(values.values()), None)}
            case "concat":
                parts = (value if isinstance(value, list) else [value] for value in values.values())
                return {"out": [item for part in parts for item in part]}

    @classmethod
    def on_first(cls, config: Mapping[str, Any]) -> bool:
        return config.get("mode") == "first"

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return str(config.get("mode", "all"))
