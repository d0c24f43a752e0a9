"""Read a web page."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import Field

from awe_app.domain.errors import NodeFailed
from awe_app.domain.http import HttpRequest
from awe_app.tools.base import Arguments, BaseTool, ToolContext, ToolSettings
from awe_app.tools.excerpt import excerpt
from awe_app.tools.hosts import Hosts, check_host, is_allowed

MAX_BYTES = 10 * 1024 * 1024
_UNSAID = ("", "application/octet-stream", "binary/octet-stream")


class ReadPageArguments(Arguments):
    url: str = Field(description="Address of a page or document, https://…", min_length=1, max_length=8192)
    start: int = Field(0, description="Character to begin at, to read on where the text was cut.", ge=0)
    max_chars: int = Field(20_000, description="Characters to read at most.", ge=100, le=200_000)


class ReadPageSettings(ToolSettings):
    allowed_hosts: Hosts = ()


class ReadPage(BaseTool[ReadPageArguments]):
    """Read a public web page or document (html, pdf, docx, xlsx, text) as text: {url, title, text, cut}."""

    name = "read_page"
    reads_untrusted = True
    sends_out = True
    Settings = ReadPageSettings

    async def run(self, ctx: ToolContext[ReadPageArguments]) -> dict[str, Any]:
        given = ctx.arguments
        hosts = ctx.settings.allowed_hosts if isinstance(ctx.settings, ReadPageSettings) else ()
        check_host(given.url, hosts)
        headers = {
            "User-Agent": "AWE",
            "Accept": "text/html,application/xhtml+xml,application/pdf,text/*;q=0.9,*/*;q=0.5",
        }
        request = HttpRequest("GET", given.url.strip(), headers, max_bytes=MAX_BYTES, only_hosts=hosts)
        answer = await ctx.capabilities.http.send(request)
        parts = urlsplit(given.url.strip())
        if answer.status >= 400:
            retryable = answer.status in (408, 429) or answer.status >= 500
            raise NodeFailed("HTTP_STATUS", f"{parts.hostname} answered {answer.status}", retryable=retryable)
        media_type = answer.headers.get("content-type", "")
        said = media_type.partition(";")[0].strip().lower()
        name = PurePosixPath(unquote(parts.path)).name if said in _UNSAID else "the page"
        parsed = await ctx.capabilities.documents.parse(name or "the page", answer.body, media_type or "text/html")
        ctx.log(f"Read {len(answer.body):,} bytes from {parts.hostname}", size_bytes=len(answer.body))
        return {"url": given.url, "title": parsed.title, **excerpt(parsed.text, given.start, given.max_chars)}

    @classmethod
    def may_send(cls, arguments: Mapping[str, Any], settings: ToolSettings) -> bool:
        return isinstance(settings, ReadPageSettings) and is_allowed(arguments.get("url"), settings.allowed_hosts)
