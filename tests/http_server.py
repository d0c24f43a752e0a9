"""A web server on this machine that notes every request and answers as it is told, over a real socket."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Asked:
    """One request that arrived."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    reader: asyncio.StreamReader
    """What else comes over the connection."""


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def says(
    body: bytes | str = b"", status: int = 200, content_type: str = "text/plain; charset=utf-8", **headers: str
) -> Answer:
    """A plain answer; headers are named with underscores."""
    raw = body.encode() if isinstance(body, str) else body

    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(raw)}"]
        if content_type:
            lines.append(f"Content-Type: {content_type}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + raw)

    return answer


def sends_on(location: str, status: int = 302) -> Answer:
    """A redirect."""
    return says(b"", status, "", Location=location)


class HttpServer:
    """``answers`` by path (``*`` for all others); ``asked`` holds every request in order."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = {f"/{path}": answer for path, answer in answers.items()}
        self.otherwise: Answer = says("ok")
        self.asked: list[Asked] = []
        self.connections = 0
        self.arrived = asyncio.Event()
        self.hung_up = asyncio.Event()
        """Set when a caller goes away before its answer is complete."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    async def __aenter__(self) -> Self:
        self._calls: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._server.close()
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                while True:
                    await self._call(reader, writer)
            finally:
                writer.close()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _version = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(method, target, headers, body, reader)
        self.asked.append(asked)
        self.arrived.set()
        answer = self.answers.get(target.partition("?")[0], self.otherwise)
        try:
            await answer(asked, writer)
            await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            self.hung_up.set()
            raise


async def never(asked: Asked, _writer: asyncio.StreamWriter) -> None:
    """No answer until the caller goes away, which counts as hanging up."""
    await asked.reader.read()
    raise ConnectionResetError
