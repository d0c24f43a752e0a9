"""Models of providers that speak OpenAI's chat completions themselves, called directly; see decision 0020."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from awe_app.adapters.http import HttpClient
from awe_app.adapters.model_access import KINDS, STALL_S, Access
from awe_app.adapters.model_dialect import Dialects
from awe_app.adapters.model_prices import cost_usd
from awe_app.adapters.openai_answers import CompletionReader, Refused, drop, lacking_ability
from awe_app.adapters.openai_requests import messages_of, response_format, tools_of
from awe_app.adapters.tool_call_pieces import finish_of
from awe_app.domain.errors import NodeFailed
from awe_app.domain.http import HttpRequest
from awe_app.domain.models import ChatAnswer, ChatRequest, ModelFailed, Usage

_LAST_BYTES_S = 0.05
"""How long the end of a body may take after the end of the answer in it, so that the connection can serve again."""


class OpenAIChatModel:
    """Implements ``LanguageModel`` for one model of one provider that speaks OpenAI's protocol."""

    def __init__(
        self,
        access: Access,
        model: str,
        client: HttpClient,
        stall_s: float = STALL_S,
        dialects: Dialects | None = None,
    ) -> None:
        self._access = access
        self._model = model
        self._client = client
        self._dialects = dialects or Dialects()
        self._stall_s = stall_s

    @property
    def provider(self) -> str:
        """Id of the provider in the user's settings."""
        return self._access.provider

    @property
    def model(self) -> str:
        """What the provider calls the model."""
        return self._model

    async def chat(self, request: ChatRequest, on_text: Callable[[str], None]) -> ChatAnswer:
        """See ``LanguageModel.chat``; also raises ``ADDRESS_BLOCKED`` and ``HOST_UNKNOWN``."""
        base_url = self._access.address()
        body, before = self._body(request), self._dialects.left_out(base_url, self._model)
        left_out = list(before)
        for name in before:
            drop(body, name)
        while True:
            answer = CompletionReader(self._access, self._model, on_text)
            refused = await self._ask(_endpoint(base_url), body, answer)
            if refused is None:
                break
            if not refused.leave_out(body, left_out):
                raise self._refusal(refused, request)
        if len(left_out) > len(before):
            self._dialects.remember(base_url, self._model, tuple(left_out))
        usage = await self._usage(answer.counts)
        calls = answer.tool_calls.calls()
        model = f"{self._access.provider}/{self._model}"
        return ChatAnswer("".join(answer.text), model, usage, finish_of(answer.finish_reason, calls), calls)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": messages_of(request),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens is not None:
            # OpenAI's newer models know only the one, most other servers only the other
            name = "max_completion_tokens" if self._access.kind == "openai" else "max_tokens"
            body[name] = request.max_tokens
        if request.output_schema is not None:
            body["response_format"] = response_format(request.output_schema)
        if request.tools:
            body["tools"] = tools_of(request.tools)
        return body

    async def _ask(self, url: str, body: Mapping[str, Any], answer: CompletionReader) -> Refused | None:
        """Read one answer into ``answer``, or give the provider's refusal."""
        headers = {
            "authorization": f"Bearer {self._access.sent_key}",
            "content-type": "application/json",
            "accept": "text/event-stream, application/json",
        }
        request = HttpRequest("POST", url, headers, json.dumps(body).encode())
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(self._stall_s) as patience, self._client.stream(request) as stream:
                if stream.status >= 300:
                    return await Refused.read(stream)
                while chunk := await stream.read():
                    if not answer.done:
                        answer.feed(chunk)
                        patience.reschedule(now() + (_LAST_BYTES_S if answer.done else self._stall_s))
                answer.end()
        except TimeoutError:
            if not answer.done:
                raise self._access.silent(self._stall_s) from None
        except ModelFailed:
            raise
        except NodeFailed as failure:
            if not answer.done:
                raise self._unreached(failure) from None
        return None

    def _unreached(self, failure: NodeFailed) -> ModelFailed:
        """What a failure of the HTTP client means for a model call."""
        code = failure.code
        if code in ("HTTP_UNREACHABLE", "HTTP_TLS", "INVALID_RESPONSE"):
            code = "MODEL_UNAVAILABLE"
        elif code not in ("ADDRESS_BLOCKED", "HOST_UNKNOWN"):
            code = "MODEL_ERROR"
        return ModelFailed(code, f"{self._access.provider}: {failure.detail}", failure.hint, failure.retryable)

    def _refusal(self, refused: Refused, request: ChatRequest) -> ModelFailed:
        if refused.too_long:
            return self._access.too_long(self._model, refused.said.message)
        said = refused.said
        if lacking := lacking_ability(request, refused.status, f"{said.param} {said.message}"):
            return self._access.cannot(self._model, lacking, said.message)
        return self._access.refusal(self._model, refused.status, said.message, refused.wait_s)

    async def _usage(self, counts: Mapping[str, Any] | None) -> Usage:
        if counts is None:
            return Usage()
        asked, answered = (_count(counts.get(name)) for name in ("prompt_tokens", "completion_tokens"))
        prefix = KINDS[self._access.kind].prefix
        return Usage(asked, answered, await cost_usd(prefix, self._model, asked, answered))


def _endpoint(base_url: str) -> str:
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/chat/completions", fragment=""))


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and value > 0 else 0
