"""What providers answer that speak OpenAI's chat completions: a stream of events, a whole answer, or a refusal."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awe_app.adapters.event_stream import EventReader
from awe_app.adapters.http import HttpStream
from awe_app.adapters.model_access import Access, retry_after_s
from awe_app.adapters.tool_call_pieces import ToolCallPieces
from awe_app.domain.http import MAX_BODY_BYTES
from awe_app.domain.models import ChatRequest, ModelFailed

_DONE = b"[DONE]"


class CompletionReader:
    """One answer, fed as it arrives. Some servers answer whole although they were asked to stream."""

    def __init__(self, access: Access, model: str, on_text: Callable[[str], None]) -> None:
        self.text: list[str] = []
        self.tool_calls = ToolCallPieces()
        self.counts: Mapping[str, Any] | None = None
        """The provider's own ``usage``."""
        self.finish_reason: str | None = None
        self.done = False
        """The provider said that nothing more comes."""
        self._access = access
        self._model = model
        self._on_text = on_text
        self._events = EventReader()
        self._whole: bytearray | None = None
        self._began = False
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Take what arrived. Raises ModelFailed for an error in the stream, or for no answer in OpenAI's protocol."""
        if not self._began:
            chunk = chunk.lstrip()
            if not chunk:
                return
            self._began = True
            self._whole = bytearray() if chunk.startswith((b"{", b"[", b"<")) else None
        if self._whole is None:
            self._take_events(lambda: self._events.feed(chunk))
            return
        self._whole += chunk
        if len(self._whole) > MAX_BODY_BYTES:
            raise self._strange()

    def end(self) -> None:
        """The body is over. Raises ModelFailed unless the answer is complete."""
        if self._whole is not None:
            self._take(bytes(self._whole))
            self.done = True
        else:
            self._take_events(self._events.end)
        # a provider that just hangs up has given no answer, whatever has come so far
        if not self.done and self.finish_reason is None:
            raise self._access.broke_off()

    def _take_events(self, read: Callable[[], list[bytes]]) -> None:
        try:
            events = read()
        except ValueError:
            raise self._strange() from None
        for event in events:
            if event == _DONE:
                self.done = True
            if self.done:
                return
            self._take(event)

    def _take(self, data: bytes) -> None:
        try:
            value: Any = json.loads(data)
        except (ValueError, RecursionError):
            raise self._strange() from None
        if not isinstance(value, dict):
            raise self._strange()
        if value.get("error"):
            said = read_error(value)
            raise self._access.refusal(self._model, said.status or 502, said.message)
        if self._whole is not None and not value.get("choices"):
            raise self._strange()
        if isinstance(value.get("usage"), dict):
            self.counts = value["usage"]
        for choice in _mappings(value.get("choices")):
            said = choice.get("message" if self._whole is not None else "delta")
            content = said.get("content") if isinstance(said, dict) else None
            if isinstance(content, str) and content:
                self._count(len(content))
                self.text.append(content)
                self._on_text(content)
            if isinstance(said, dict) and said.get("tool_calls"):
                self._count(self.tool_calls.feed(said["tool_calls"]))
            reason = choice.get("finish_reason")
            self.finish_reason = reason if isinstance(reason, str) and reason else self.finish_reason

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MAX_BODY_BYTES:
            raise self._strange()

    def _strange(self) -> ModelFailed:
        hint = "check the base URL in the settings; for most servers it ends in /v1"
        return ModelFailed("MODEL_ERROR", f"what {self._access.provider} sent is no chat completion", hint)


@dataclass(frozen=True, slots=True)
class Said:
    """An error in a provider's words."""

    message: str
    code: str = ""
    """What the provider calls it: its ``code`` and ``type``."""
    param: str = ""
    """The parameter it is about, if it says so."""
    status: int | None = None
    """Where the body names a status of HTTP."""


def read_error(value: Any) -> Said:
    """The error in a provider's JSON, of which there are many shapes."""
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return Said(error if isinstance(error, str) else json.dumps(error))
    code = error.get("code")
    message = error.get("message") or error.get("detail") or error.get("error") or ""
    return Said(
        message=message if isinstance(message, str) else json.dumps(message),
        code=f"{code or ''} {error.get('type') or ''}",
        param=str(error.get("param") or ""),
        status=code if isinstance(code, int) and 400 <= code < 600 else None,
    )


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer with a status that says no."""

    status: int
    said: Said
    wait_s: float | None

    @staticmethod
    async def read(stream: HttpStream) -> "Refused":
        """Read as much of it as a message may be long."""
        body = b""
        while len(body) < _MAX_REFUSAL_BYTES and (chunk := await stream.read()):
            body += chunk
        try:
            said = read_error(json.loads(body))
        except (ValueError, RecursionError):
            said = Said(body.decode(errors="replace"))
        return Refused(stream.status, said, retry_after_s(stream.headers))

    @property
    def too_long(self) -> bool:
        """Whether the prompt does not fit the model."""
        words = f"{self.said.code} {self.said.message}"
        return self.status in (400, 413, 422) and bool(_TOO_LONG.search(words))

    def leave_out(self, body: dict[str, Any], left_out: list[str]) -> bool:
        """Take out of ``body`` what the provider does not know; False when that is not why it refused.

        A limit of the answer's length is never dropped, only given by its other name. A schema that strict mode
        does not take is sent again without it. ``left_out`` gets the names of what this provider does not know.
        """
        if self.status not in (400, 422):
            return False
        words = f"{self.said.code} {self.said.message}"
        param = self.said.param.partition(".")[0]
        if "response_format" in body and (param or words).find("response_format") >= 0:
            shape = body["response_format"].get("json_schema", {})
            if shape.get("strict"):
                body["response_format"] = {"type": "json_schema", "json_schema": {**shape, "strict": False}}
                return True
            if _BAD_SCHEMA.search(words):  # of this schema, not of this model; the prompt and a check remain
                del body["response_format"]
                return True
        if not _UNKNOWN.search(words):
            return False
        names = [param] if param in _OPTIONAL else [name for name in _OPTIONAL if name in words]
        name = next((name for name in names if name in body), None)
        if name is None or _OPTIONAL[name] in left_out:
            return False
        left_out.append(name)
        drop(body, name)
        return True


def drop(body: dict[str, Any], name: str) -> None:
    """Leave out a parameter, or give it by its other name where it has one."""
    if name in body and name in _OPTIONAL:
        value = body.pop(name)
        if other := _OPTIONAL[name]:
            body[other] = value


def lacking_ability(request: ChatRequest, status: int, words: str) -> str | None:
    """The ability that the model lacks, if that is why a provider refused: ``tools``, ``vision`` or None."""
    if status not in (400, 404, 415, 422) or not _CANNOT.search(words):
        return None
    words = words.lower()
    if request.tools and ("tool" in words or "function" in words):
        return "tools"
    looked_at = any(message.attachments for message in request.messages)
    return "vision" if looked_at and any(word in words for word in ("image", "file", "multimodal")) else None


_CANNOT = re.compile(r"support|capab|enable|text.only", re.IGNORECASE)
_MAX_REFUSAL_BYTES = 64 * 1024
_OPTIONAL = {
    "max_completion_tokens": "max_tokens",
    "max_tokens": "max_completion_tokens",
    "temperature": "",
    "response_format": "",
    "stream_options": "",
}
"""What a provider may not know → by which other name it may."""
_UNKNOWN = re.compile(
    r"unsupported|not support|n't support|unknown|unrecognized|unexpected|not permitted|not allowed", re.IGNORECASE
)
_BAD_SCHEMA = re.compile(r"invalid.{0,20}schema|schema.{0,40}(?:invalid|too |exceed)", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|context (?:length|window|size)"
    r"|prompt is too long|reduce the length of the messages|too many (?:input )?tokens",
    re.IGNORECASE,
)


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))
