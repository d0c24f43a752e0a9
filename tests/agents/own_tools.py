"""Tools for tests, found as third parties' are; each notes its calls."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.models import Usage
from awe_app.tools.base import Arguments, BaseTool, ToolContext, ToolSettings

MADE: list[tuple[str, str, str]] = []
"""Tool, text and idempotency key of each call that was made."""


class TextArguments(Arguments):
    text: str = Field("", description="Anything.")


class Noting(BaseTool[TextArguments]):
    """Base of these tools."""

    name = "noting"

    async def run(self, ctx: ToolContext[TextArguments]) -> Any:
        MADE.append((self.name, ctx.arguments.text, ctx.idempotency_key))
        return await self.answer(ctx)

    async def answer(self, ctx: ToolContext[TextArguments]) -> Any:
        """What it gives."""
        return f"{self.name} of {ctx.arguments.text}"


class Page(Noting):
    """Read a page that strangers wrote."""

    name = "page"
    reads_untrusted = True


class Diary(Noting):
    """Read what is the user's own."""

    name = "diary"
    reads_private = True


class PostSettings(ToolSettings):
    allowed_hosts: tuple[str, ...] = ()


class Post(Noting):
    """Send a text to an address, which is the text."""

    name = "post"
    sends_out = True
    Settings = PostSettings

    @classmethod
    def may_send(cls, arguments: Mapping[str, Any], settings: ToolSettings) -> bool:
        assert isinstance(settings, PostSettings)
        return urlsplit(str(arguments.get("text"))).hostname in settings.allowed_hosts


class Careful(Noting):
    """A tool that should not be called before a person has agreed."""

    name = "careful"
    requires_approval = True


class Waits(Noting):
    """Wait for a signal and give what it brought."""

    name = "waits"
    waits = True

    async def run(self, ctx: ToolContext[TextArguments]) -> Any:
        if ctx.signal is None:
            raise Paused("approval", None, {"message": ctx.arguments.text, "form": []})
        assert ctx.waiting is not None
        assert ctx.waiting.data == {"message": ctx.arguments.text, "form": []}
        ctx.spend(Usage(1, 1, 0.5))
        MADE.append((self.name, ctx.arguments.text, ctx.idempotency_key))
        return dict(ctx.signal)


class Fails(Noting):
    """Fail as it is told."""

    name = "fails"

    async def answer(self, ctx: ToolContext[TextArguments]) -> Any:
        match ctx.arguments.text:
            case "bug":
                raise ZeroDivisionError("secret")
            case "odd":
                return {1, 2}
            case "large":
                return ["x" * 100] * 1_000
            case text:
                raise NodeFailed("NOT_TODAY", text, "try tomorrow", retryable=True)


class Together(Noting):
    """Show how many calls are under way."""

    name = "together"
    running: ClassVar[int] = 0
    most: ClassVar[int] = 0

    async def answer(self, ctx: ToolContext[TextArguments]) -> Any:
        Together.running += 1
        Together.most = max(Together.most, Together.running)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        Together.running -= 1
        return ctx.arguments.text


OWN = (Page, Diary, Post, Careful, Waits, Fails, Together)


def made() -> list[tuple[str, str]]:
    """Tool and text of each call, in order."""
    return [(tool, text) for tool, text, _key in MADE]
