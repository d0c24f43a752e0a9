"""Read the user's own files."""

from typing import Any

from pydantic import Field

from awe_app.domain.errors import NodeFailed
from awe_app.tools.base import Arguments, BaseTool, ToolContext

MAX_BYTES = 1024 * 1024


class FileReaderArguments(Arguments):
    path: str = Field(description="Name of the file, with its folder if it is in one.", min_length=1, max_length=500)


class FileReader(BaseTool[FileReaderArguments]):
    """Read a text file of the user's own files."""

    name = "file_reader"
    reads_private = True

    async def run(self, ctx: ToolContext[FileReaderArguments]) -> dict[str, Any]:
        path = ctx.arguments.path
        content = await ctx.capabilities.files.read(ctx.user_id, path, MAX_BYTES)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise NodeFailed("NO_TEXT", f"'{path}' is no text in UTF-8") from None
        return {"path": path, "text": text, "size_bytes": len(content)}
