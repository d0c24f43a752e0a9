"""Read the user's own files."""

from typing import Any

from pydantic import Field

from awe_app.tools.base import Arguments, BaseTool, ToolContext
from awe_app.tools.excerpt import excerpt

MAX_BYTES = 50 * 1024 * 1024


class FileReaderArguments(Arguments):
    path: str = Field(description="Name of the file, with its folder if it is in one.", min_length=1, max_length=500)
    start: int = Field(0, description="Character to begin at, to read on where the text was cut.", ge=0)
    max_chars: int = Field(50_000, description="Characters to read at most.", ge=100, le=1_000_000)


class FileReader(BaseTool[FileReaderArguments]):
    """Read one of the user's own files (txt, md, csv, json, html, pdf, docx, xlsx) as text: {path, text, cut, …}."""

    name = "file_reader"
    reads_private = True

    async def run(self, ctx: ToolContext[FileReaderArguments]) -> dict[str, Any]:
        given = ctx.arguments
        content = await ctx.capabilities.files.read(ctx.user_id, given.path, MAX_BYTES)
        parsed = await ctx.capabilities.documents.parse(given.path, content)
        part = excerpt(parsed.text, given.start, given.max_chars)
        return {"path": given.path, **part, "size_bytes": len(content), "media_type": parsed.media_type}
