"""Find texts by meaning and by words."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from awe_app.domain.knowledge import Mode
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.values import as_text


class RetrieveConfig(NodeConfig):
    collection: str = Field(
        title="Collection",
        description="Name of one of your collections.",
        min_length=1,
        max_length=200,
        json_schema_extra={"widget": "collection", "placeholder": "handbook"},
    )
    query: Any = Field(
        title="Query",
        description="What to look for, in the words a person would use.",
        json_schema_extra={"widget": "prompt", "placeholder": "{{ inputs.question }}"},
    )
    top_k: int = Field(5, ge=1, le=100, title="Passages", description="How many to give at most, best first.")
    mode: Mode = Field("hybrid", title="Find by", description="Meaning and words together, meaning, or words alone.")


class Retrieve(Node[RetrieveConfig]):
    """Find the passages of a collection that fit a text best."""

    type, title, icon, category = "retrieve", "Retrieve", "book-open", "AI"
    effectful = True

    async def run(self, ctx: NodeContext[RetrieveConfig]) -> Outputs:
        config = ctx.config
        found = await ctx.capabilities.knowledge.query(
            ctx.user_id, config.collection, as_text(config.query), config.top_k, config.mode
        )
        best = f", the best with {found[0].score:.2f}" if found else ""
        ctx.log(f"{len(found)} passages of {config.collection}{best}")
        return {"out": [passage.as_json() for passage in found]}

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return str(config.get("collection") or "")
