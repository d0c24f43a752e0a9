"""Bring branches together."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field
from pydantic.config import JsonDict

from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs

_FIRST: JsonDict = {"show_when": {"mode": ["first"]}}


class MergeConfig(NodeConfig):
    mode: Literal["all", "first", "concat"] = Field(
        "all",
        title="Mode",
        description="all: an object by source; first: the first value to arrive; concat: one list in edge order.",
    )
    count: int = Field(
        1,
        title="Values to wait for",
        description="Goes on when that many have come. More than one give an object by source.",
        ge=1,
        le=10_000,
        json_schema_extra=_FIRST,
    )
    cancel_rest: bool = Field(
        False,
        title="Cancel the rest",
        description="Stop what still runs of the branches that lead here and nowhere else.",
        json_schema_extra=_FIRST,
    )


class Merge(Node[MergeConfig]):
    """Join branches: all of them as an object, the first to arrive, or one list."""

    type, title, icon, category = "merge", "Merge", "git-merge", "Logic"
    fixed = frozenset({"count"})

    async def run(self, ctx: NodeContext[MergeConfig]) -> Outputs:
        values = dict(ctx.incoming)
        match ctx.config.mode:
            case "all":
                return {"out": values}
            case "first":
                if ctx.config.cancel_rest:
                    ctx.control.withdraw_branches()
                return {"out": next(iter(values.values()), None) if ctx.config.count == 1 else values}
            case "concat":
                parts = (value if isinstance(value, list) else [value] for value in values.values())
                return {"out": [item for part in parts for item in part]}

    @classmethod
    def values_wanted(cls, config: Mapping[str, Any]) -> int | None:
        return config.get("count", 1) if config.get("mode") == "first" else None

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        mode, count = str(config.get("mode", "all")), config.get("count", 1)
        return f"first {count}" if mode == "first" and count != 1 else mode
