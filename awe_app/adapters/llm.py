"""Models of providers with a protocol of their own, by litellm: one way to call them all. See also ``openai_chat.py``.

litellm is imported in a thread, at the first call or when somebody has a provider that needs it (``warm_litellm``): it
takes 2.4 s and 160 MB. It gets no telemetry, fetches no price
list, reads no ``.env``, and takes no key or address from the environment: what a user did not enter is not used.
"""

import asyncio
import importlib
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from awe_app.adapters.model_access import KINDS, STALL_S, Access, retry_after_s
from awe_app.adapters.model_prices import cost_usd
from awe_app.adapters.once import Once
from awe_app.adapters.openai_answers import lacking_ability
from awe_app.adapters.openai_requests import messages_of, response_format, tools_of
from awe_app.adapters.outbound import BlockedAddress, Outbound, blocked, guarded_socket
from awe_app.adapters.tool_call_pieces import ToolCallPieces, finish_of
from awe_app.domain.errors import NodeFailed
from awe_app.domain.models import ChatAnswer, ChatRequest, ModelFailed, Usage
from awe_app.settings import prepare_litellm

_AZURE_VERSION = "2024-10-21"


class LiteLLMModel:
    """Implements ``LanguageModel`` for one model of one provider."""

    def __init__(self, access: Access, model: str, outbound: Outbound, stall_s: float = STALL_S) -> None:
        self._access = access
        self._model = model
        self._outbound = outbound
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
        arguments = await self._arguments(request)
        litellm = await load_litellm()
        try:
            with self._outbound.dialling():
                return await self._stream(litellm, arguments, on_text)
        except ModelFailed:
            raise
        except TimeoutError:
            raise self._access.silent(self._stall_s) from None
        except Exception as error:
            provider = KINDS[self._access.kind].prefix
            try:  # it maps what goes wrong before the answer itself
                litellm.exception_type(model=self._model, original_exception=error, custom_llm_provider=provider)
            except Exception as mapped:
                error = mapped
            raise self._failure(litellm, error, request) from None  # the cause may hold the key

    async def _arguments(self, request: ChatRequest) -> dict[str, Any]:
        access, kind = self._access, KINDS[self._access.kind]
        base_url = access.address()
        try:
            await self._outbound.check(base_url)
        except NodeFailed as failure:
            raise ModelFailed(failure.code, failure.detail, failure.hint, failure.retryable) from None
        arguments: dict[str, Any] = {
            "model": f"{kind.prefix}/{self._model}",
            "messages": messages_of(request),
            "api_key": access.sent_key,
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_retries": 0,  # the agent does that, the same for every model
            "timeout": self._stall_s,
            "_skip_mcp_handler": True,  # else it imports its own proxy server to look for tools of its own
        }
        if access.kind == "azure":
            parts = urlsplit(base_url)
            arguments["api_version"] = parse_qs(parts.query).get("api-version", [_AZURE_VERSION])[0]
            base_url = urlunsplit(parts._replace(query=""))
        if kind.passes_base_url or access.base_url:
            arguments["api_base"] = base_url
        if request.temperature is not None:
            arguments["temperature"] = request.temperature
        if request.max_tokens is not None:
            arguments["max_tokens"] = request.max_tokens
        if request.output_schema is not None:
            arguments["response_format"] = response_format(request.output_schema)
        if request.tools:
            arguments["tools"] = tools_of(request.tools)
        return arguments

    async def _stream(self, litellm: Any, arguments: dict[str, Any], on_text: Callable[[str], None]) -> ChatAnswer:
        text: list[str] = []
        pieces = ToolCallPieces()
        counts: Any = None
        finish_reason = None
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(self._stall_s) as patience:
            stream = await litellm.acompletion(**arguments)
            if stream is None:  # litellm 1.106 loses the provider's words when it answers 422
                raise ModelFailed("MODEL_ERROR", f"{self._access.provider} refused the request as malformed")
            # What litellm translated, before its wrapper: that makes each piece three times, puts the answer together
            # once more, reckons its price, reports to nobody, and says "stop" where a provider just hung up.
            chunks: Any = stream.completion_stream or await stream.fetch_stream()
            async for chunk in chunks:
                patience.reschedule(now() + self._stall_s)
                if chunk is None:  # a line that says nothing
                    continue
                if isinstance(chunk, dict):  # nor do these, but for the last one of some
                    if chunk["text"] or chunk["tool_use"]:
                        raise ModelFailed("MODEL_ERROR", "litellm answers in a form that AWE does not know")
                    finish_reason = finish_reason or chunk["finish_reason"] or None
                    continue
                counts = getattr(chunk, "usage", None) or counts
                for choice in chunk.choices:
                    if choice.delta.content:
                        text.append(choice.delta.content)
                        on_text(choice.delta.content)
                    pieces.feed([piece.model_dump() for piece in choice.delta.tool_calls or ()])
                    finish_reason = choice.finish_reason or finish_reason
        if finish_reason is None:
            raise self._access.broke_off()
        usage = await self._usage(counts)
        calls = pieces.calls()
        model = f"{self._access.provider}/{self._model}"
        return ChatAnswer("".join(text), model, usage, finish_of(finish_reason, calls), calls)

    async def _usage(self, counts: Any) -> Usage:
        if counts is None:
            return Usage()
        asked, answered = counts.prompt_tokens or 0, counts.completion_tokens or 0
        return Usage(asked, answered, await cost_usd(KINDS[self._access.kind].prefix, self._model, asked, answered))

    def _failure(self, litellm: Any, error: Exception, request: ChatRequest) -> ModelFailed:
        """What an error of litellm means, in our words and without the key."""
        access, said = self._access, str(getattr(error, "message", "") or error)
        said = _LITELLM_PREFIX.sub("", said).split("\nTraceback")[0]
        if any(isinstance(cause, BlockedAddress) for cause in _causes(error)):
            failure = blocked(access.provider)
            return ModelFailed(failure.code, failure.detail, failure.hint)
        if isinstance(error, litellm.ContextWindowExceededError):
            return access.too_long(self._model, said)
        status = getattr(error, "status_code", None) or 0
        if status not in (401, 403, 429):
            if isinstance(error, litellm.Timeout):
                status = 408
            elif isinstance(error, litellm.APIConnectionError) and status != 408:
                status = 503
        if not status:
            logging.getLogger(__name__).error("litellm raised %s", type(error).__name__)
        if lacking := lacking_ability(request, status, said):
            return access.cannot(self._model, lacking, said)
        return access.refusal(self._model, status, said, _wait_s(error))


_LITELLM_PREFIX = re.compile(r"(?:litellm\.)?\w*(?:Error|Exception|Timeout): |\w+Exception - ")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and everything it came from."""
    seen: set[int] = set()
    while error and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__


def _wait_s(error: Exception) -> float | None:
    for cause in _causes(error):  # of some providers litellm leaves the headers on what the error came from
        response = getattr(cause, "response", None)
        for place in (response, cause):
            for name in ("headers", "litellm_response_headers"):
                wait_s = retry_after_s(getattr(place, name, None) or {})
                if wait_s is not None:
                    return wait_s
    return None


def _import_litellm() -> Any:
    prepare_litellm()
    litellm: Any = importlib.import_module("litellm")
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True  # what a provider does not know (a schema, a temperature) is left out
    litellm.turn_off_message_logging = True
    litellm.disable_aiohttp_trust_env = True
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it logs requests; failures reach the user as such
    # The one place where litellm makes its sockets; tests/adapters/test_llm.py holds it to that.
    http_handler: Any = importlib.import_module("litellm.llms.custom_httpx.http_handler")
    http_handler.build_aiohttp_keepalive_socket_factory = lambda: guarded_socket
    return litellm


_litellm = Once(_import_litellm)


def warm_litellm() -> None:
    """Begin to import litellm, so that the first call need not wait for it."""
    _litellm.begin()


async def load_litellm() -> Any:
    """litellm, prepared as above; imported when it is first asked for."""
    return await _litellm.get()
