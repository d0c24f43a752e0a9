"""Look something up in one of the user's collections."""

from typing import Any

from pydantic import Field

from awe_app.domain.errors import NodeFailed
from awe_app.domain.knowledge import Mode
from awe_app.tools.base import Arguments, BaseTool, ToolContext, ToolSettings


class KnowledgeSearchArguments(Arguments):
    query: str = Field(min_length=1, max_length=10_000, description="What to look for, as a question or in key words.")
    collection: str | None = Field(None, max_length=200, description="The collection; leave it out unless told to.")


class KnowledgeSearchSettings(ToolSettings):
    collection: str | None = Field(None, min_length=1, max_length=200)
    """The only one that may be looked into; None leaves the choice to the model."""
    top_k: int = Field(5, ge=1, le=50)
    mode: Mode = "hybrid"


_USUAL = KnowledgeSearchSettings.model_validate({})


class KnowledgeSearch(BaseTool[KnowledgeSearchArguments]):
    """Look something up in the user's own documents. Gives the passages that fit best, with their sources."""

    name = "knowledge_search"
    reads_private = True
    Settings = KnowledgeSearchSettings

    async def run(self, ctx: ToolContext[KnowledgeSearchArguments]) -> list[dict[str, Any]]:
        settings = ctx.settings if isinstance(ctx.settings, KnowledgeSearchSettings) else _USUAL
        knowledge, asked = ctx.capabilities.knowledge, ctx.arguments.collection
        if settings.collection and asked not in (None, settings.collection):
            detail = f"only the collection '{settings.collection}' may be searched here"
            raise NodeFailed("COLLECTION_NOT_FOUND", detail, "leave 'collection' out")
        collection = settings.collection or asked
        if collection is None:
            known = await knowledge.collections(ctx.user_id)
            if len(known) != 1:
                names = ", ".join(known) or "none yet"
                raise NodeFailed("COLLECTION_NOT_FOUND", f"say which collection to search; there are {names}")
            collection = known[0]
        found = await knowledge.query(ctx.user_id, collection, ctx.arguments.query, settings.top_k, settings.mode)
        ctx.log(f"{len(found)} passages of {collection}")
        return [passage.as_json() for passage in found]
