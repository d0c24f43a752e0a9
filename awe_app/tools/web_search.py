"""Search the web."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from awe_app.domain.secrets import SecretRef
from awe_app.tools.base import Arguments, BaseTool, ToolContext, ToolSettings
from awe_app.tools.search_engines import ENGINES, search


class WebSearchArguments(Arguments):
    query: str = Field(description="What to look for, in a few words.", min_length=1, max_length=400)
    count: int = Field(5, description="How many results, at most.", ge=1, le=20)


class WebSearchSettings(ToolSettings):
    engine: Literal["duckduckgo", "searxng", "brave", "tavily"] = Field(
        "duckduckgo", title="Engine", description="duckduckgo needs no key; searxng is one of your own."
    )
    base_url: str = Field(
        "", title="Address", description="Of searxng; of the others only where a proxy stands before them."
    )
    key: SecretRef | None = Field(None, title="Key", description="For brave and tavily: the name of a secret.")

    @model_validator(mode="after")
    def _is_complete(self) -> "WebSearchSettings":
        engine = ENGINES[self.engine]
        if not (self.base_url or engine.base_url):
            raise ValueError(f"{self.engine} needs base_url")
        if self.base_url and not self.base_url.lower().startswith(("http://", "https://")):
            raise ValueError("base_url must begin with http:// or https://")
        if engine.needs_key and self.key is None:
            raise ValueError(f'{self.engine} needs key, such as {{"secret": "{self.engine}"}}')
        return self


class WebSearch(BaseTool[WebSearchArguments]):
    """Search the web, and get a list of pages, each with title, url and snippet. Use read_page to read one."""

    name = "web_search"
    reads_untrusted = True
    sends_out = True
    Settings = WebSearchSettings

    async def run(self, ctx: ToolContext[WebSearchArguments]) -> list[dict[str, str]]:
        settings = _settings(ctx.settings)
        base_url = settings.base_url or ENGINES[settings.engine].base_url
        key = await ctx.capabilities.secrets.reveal(ctx.user_id, settings.key.secret, base_url) if settings.key else ""
        given = ctx.arguments
        found = await search(settings.engine, base_url, given.query, given.count, key, ctx.capabilities.http)
        ctx.log(f"{settings.engine} found {len(found)} pages")
        return found

    @classmethod
    def may_send(cls, arguments: Mapping[str, Any], settings: ToolSettings) -> bool:
        """The query goes to the engine of the settings and nowhere else."""
        return True


def _settings(settings: ToolSettings) -> WebSearchSettings:
    return settings if isinstance(settings, WebSearchSettings) else WebSearchSettings.model_validate({})
