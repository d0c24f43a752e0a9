"""What providers answer whose wire format is not OpenAI's, for ``tests/http_server.py`` to send.

Written after the providers' own reference pages: Anthropic's messages, Gemini's streamGenerateContent.
OpenAI's format, which all others speak, is spoken by ``tests/model_server.py``.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any

from awe_app.domain.models import ToolCall
from tests.http_server import Answer, Asked, says

Event = tuple[str, dict[str, Any]]


def anthropic(text: str = "", calls: Sequence[ToolCall] = (), stop: str | None = None, cut: bool = False) -> Answer:
    """A message as Anthropic streams it: blocks that start, grow and stop. ``cut`` hangs up before the end."""
    usage = {"input_tokens": 11, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    events: list[Event] = [("message_start", {"message": {**message, "stop_reason": None, "stop_sequence": None}})]
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if text:
        words = [{"type": "text_delta", "text": piece} for piece in _words(text)]
        blocks.append(({"type": "text", "text": ""}, words))
    for call in calls:
        pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *_cut(call.arguments))]
        blocks.append(({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}, pieces))
    for index, (block, deltas) in enumerate(blocks):
        events.append(("content_block_start", {"index": index, "content_block": block}))
        events += [("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
        events.append(("content_block_stop", {"index": index}))
    events.insert(2, ("ping", {}))
    if not cut:
        reason = stop or ("tool_use" if calls else "end_turn")
        delta = {"stop_reason": reason, "stop_sequence": None}
        events += [("message_delta", {"delta": delta, "usage": {"output_tokens": 7}}), ("message_stop", {})]
    lines = (f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode() for name, data in events)
    return _streams(lines, "text/event-stream", whole=not cut)


def gemini(text: str = "", calls: Sequence[ToolCall] = (), stop: str = "STOP", cut: bool = False) -> Answer:
    """An answer as Gemini streams it: candidates with parts; calls come whole and without an id."""
    parts: list[dict[str, Any]] = [{"text": piece} for piece in _words(text)] if text else []
    parts += [{"functionCall": {"name": call.name, "args": json.loads(call.arguments)}} for call in calls]
    chunks: list[dict[str, Any]] = [
        {"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}]} for part in parts
    ]
    if not cut:
        usage = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}
        chunks[-1]["candidates"][0]["finishReason"] = stop
        chunks[-1]["usageMetadata"] = usage
    lines = (b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)
    return _streams(lines, "text/event-stream", whole=not cut)


def refuses(kind: str, status: int, message: str, **headers: str) -> Answer:
    """A refusal in the words of ``anthropic`` or ``gemini``."""
    bodies: dict[str, Any] = {
        "anthropic": {"type": "error", "error": {"type": "some_error", "message": message}},
        "gemini": {"error": {"code": status, "message": message, "status": "SOME_ERROR"}},
    }
    return says(json.dumps(bodies[kind]), status, "application/json", **headers)


def _streams(pieces: Iterable[bytes], content_type: str, whole: bool) -> Answer:
    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        for piece in pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        if not whole:
            raise ConnectionResetError
        writer.write(b"0\r\n\r\n")

    return answer


def _words(text: str) -> list[str]:
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def _cut(text: str) -> list[str]:
    return [text[place : place + 5] for place in range(0, len(text), 5)]
