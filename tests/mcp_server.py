"""A real MCP server on this machine, by the official library: over HTTP on a free port, or as a program (stdio)."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp_types import ToolAnnotations


def shop() -> Any:
    """The server: a few functions of a shop."""
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("shop")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    def price(item: str) -> str:
        """Look a price up."""
        return f"{item}: 5 EUR"

    @server.tool()
    def order(item: str, count: int) -> dict[str, Any]:
        """Order something."""
        return {"ordered": item, "count": count}

    @server.tool()
    def fail() -> str:
        """Fail."""
        raise ValueError("out of stock")

    @server.tool()
    def flood(size: int) -> str:
        """Answer at length."""
        return "x" * size

    @server.tool()
    async def stall() -> str:
        """Never answer."""
        await asyncio.Event().wait()
        return ""

    return server


@dataclass
class Running:
    """A server that runs."""

    server: Any
    port: int
    headers: list[dict[str, str]] = field(default_factory=list)
    """Of every request."""
    start_again: Callable[[], Any] = field(default=lambda: None)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/mcp"


@asynccontextmanager
async def serving(server: Any, stateless: bool = False) -> AsyncGenerator[Running]:
    """The server over streamable HTTP while the context is open."""
    import uvicorn

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    running = Running(server, listening.getsockname()[1])
    app = server.streamable_http_app(stateless_http=stateless)

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            running.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await app(scope, receive, send)

    config = uvicorn.Config(noting, log_config=None, timeout_graceful_shutdown=1, lifespan="on")
    web = uvicorn.Server(config)
    web.config.load()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(web.serve([listening]))
        while not web.started:
            await asyncio.sleep(0.01)
        try:
            yield running
        finally:
            web.should_exit = web.force_exit = True
            await task


if __name__ == "__main__":
    shop().run("stdio")
