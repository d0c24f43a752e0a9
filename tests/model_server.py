"""A model provider on this machine that speaks OpenAI's protocol and answers by script.

Real HTTP over a real socket, so that whatever client is under test goes all the way.
"""

import asyncio
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from awe_app.domain.models import ToolCall


@dataclass(frozen=True)
class Reply:
    """One answer of the script."""

    text: str = "Hello there."
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = "it went wrong"
    """The provider's message when ``status`` is not 200; ``{key}`` stands for the key that was sent."""
    delay_s: float = 0.0
    """Before the answer begins."""
    pause_s: float = 0.0
    """Before each piece of text."""
    cut_after: int | None = None
    """Hang up after so many pieces."""
    finish_reason: str | None = None
    """None for what the answer deserves."""
    tool_calls: Sequence[ToolCall] = ()
    """After the text, which is then usually empty; their arguments need not be JSON."""
    usage: tuple[int, int] | None = (11, 7)
    body: Any = None
    """The whole answer, whatever was asked; None for what the rest of this says."""

    @property
    def ends_with(self) -> str:
        """The reason that is told."""
        return self.finish_reason or ("tool_calls" if self.tool_calls else "stop")


class ModelServer:
    """Give it replies; it hands them out in order, the last one for ever. ``requests`` holds what it was asked."""

    def __init__(
        self, *replies: Reply, keep_alive: bool = False, script: Callable[[dict[str, Any]], Reply] | None = None
    ) -> None:
        self.script = script
        """Chooses the answer to each request instead, for callers that come in any order."""
        self.keep_alive = keep_alive
        """Answer further requests over the same connection, as real providers do; else each has its own."""
        self.connections = 0
        self.replies = list(replies) or [Reply()]
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.keys: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.gone = 0
        """How many callers hung up before their answer was complete."""
        self.dimensions = 64
        """Of what ``/embeddings`` answers with."""
        self.port = 0
        self._calls: set[asyncio.Task[Any]] = set()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"http://{self.host}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
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
        try:
            while await self._call(reader, writer) and self.keep_alive:
                pass
        finally:
            writer.close()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether a call came and was answered whole."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
            body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
            self.requests.append(body)
            self.paths.append(head[0].split()[1])
            self.headers.append(headers)
            self.keys.append(headers.get("authorization", "").removeprefix("Bearer "))
            if self.script is not None:
                reply = self.script(body)
            else:
                reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            try:
                await self._answer(writer, reply, body, self.keys[-1], self.paths[-1])
                return reply.cut_after is None
            except ConnectionError:
                self.gone += 1
        return False

    async def _answer(
        self, writer: asyncio.StreamWriter, reply: Reply, body: dict[str, Any], key: str, path: str
    ) -> None:
        await asyncio.sleep(reply.delay_s)
        if reply.status != 200:
            error = {"error": {"message": reply.error.replace("{key}", key), "type": "x", "code": None}}
            await self._whole(writer, reply, error)
        elif reply.body is not None:
            await self._whole(writer, reply, reply.body)
        elif path.endswith("/embeddings"):
            await self._whole(writer, reply, embeddings(body["input"], self.dimensions))
        elif body.get("stream"):
            await self._stream(writer, reply, body)
        else:
            message: dict[str, Any] = {"role": "assistant", "content": reply.text}
            if reply.tool_calls:
                message["tool_calls"] = [_call(call) for call in reply.tool_calls]
            choice = {"index": 0, "message": message, "finish_reason": reply.ends_with}
            await self._whole(writer, reply, {**_frame(body), "choices": [choice], "usage": _usage(reply)})

    async def _whole(self, writer: asyncio.StreamWriter, reply: Reply, value: Any) -> None:
        data = json.dumps(value).encode()
        lines = {"content-type": "application/json", "content-length": str(len(data)), **reply.headers}
        lines |= {} if self.keep_alive else {"connection": "close"}
        await _send(writer, _head(reply.status, lines) + data)

    async def _stream(self, writer: asyncio.StreamWriter, reply: Reply, body: dict[str, Any]) -> None:
        await _send(writer, _head(200, {"content-type": "text/event-stream", **self._framing(), **reply.headers}))
        for place, piece in enumerate(reply.text.split(" ")):
            if place == reply.cut_after:
                return
            await asyncio.sleep(reply.pause_s)
            delta = {"role": "assistant", "content": piece if place == 0 else f" {piece}"}
            choice = {"index": 0, "delta": delta, "finish_reason": None}
            await self._event(writer, {**_frame(body), "choices": [choice]})
        for delta in _deltas(reply.tool_calls):
            choice = {"index": 0, "delta": {"tool_calls": [delta]}, "finish_reason": None}
            await self._event(writer, {**_frame(body), "choices": [choice]})
        last = {"index": 0, "delta": {}, "finish_reason": reply.ends_with}
        await self._event(writer, {**_frame(body), "choices": [last]})
        if reply.usage and (body.get("stream_options") or {}).get("include_usage"):
            await self._event(writer, {**_frame(body), "choices": [], "usage": _usage(reply)})
        await self._part(writer, b"data: [DONE]\n\n")
        if self.keep_alive:
            await _send(writer, b"0\r\n\r\n")

    def _framing(self) -> dict[str, str]:
        return {"transfer-encoding": "chunked"} if self.keep_alive else {"connection": "close"}

    async def _event(self, writer: asyncio.StreamWriter, value: Any) -> None:
        await self._part(writer, b"data: " + json.dumps(value).encode() + b"\n\n")

    async def _part(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        await _send(writer, b"%x\r\n%s\r\n" % (len(data), data) if self.keep_alive else data)


def embeddings(texts: Sequence[str], dimensions: int) -> dict[str, Any]:
    """How often each text has each word: texts that share words are alike. The last comes first, as providers may."""
    data = []
    for index, text in enumerate(texts):
        vector = [0.0] * dimensions
        for word in re.findall(r"\w+", text.lower()) or [text]:
            vector[zlib.crc32(word.encode()) % dimensions] += 1.0
        data.append({"object": "embedding", "index": index, "embedding": vector})
    return {"object": "list", "data": data[::-1], "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)}}


def _frame(body: dict[str, Any]) -> dict[str, Any]:
    kind = "chat.completion.chunk" if body.get("stream") else "chat.completion"
    return {"id": "answer-1", "object": kind, "created": 1, "model": body.get("model", "")}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _deltas(calls: Sequence[ToolCall]) -> Iterator[dict[str, Any]]:
    """The calls as OpenAI streams them: first the name, then the arguments in pieces of five characters."""
    for index, call in enumerate(calls):
        yield {"index": index, **_call(ToolCall(call.id, call.name, ""))}
        for place in range(0, len(call.arguments), 5):
            yield {"index": index, "function": {"arguments": call.arguments[place : place + 5]}}


def _usage(reply: Reply) -> dict[str, int] | None:
    if reply.usage is None:
        return None
    asked, answered = reply.usage
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
