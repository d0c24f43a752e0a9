"""Words of talking to a language model, the same for every provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call cost. Adds up with ``+``."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd,
        )

    def as_json(self) -> dict[str, Any]:
        """The usage as REST shows it."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost_usd": self.cost_usd,
        }


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along with a message, for models that can look at it."""

    name: str
    media_type: str
    """``image/png``, ``application/pdf``, …"""
    data: bytes


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model asks for a function to be called."""

    id: str
    """The provider's name of this call; its result refers to it."""
    name: str
    arguments: str
    """As the model wrote them: JSON, if all went well."""


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function that a model may ask for."""

    name: str
    """``^[a-zA-Z0-9_-]{1,64}$``."""
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of the arguments, an object."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant's turn."""
    tool_call_id: str | None = None
    """Of a tool's turn: the call it answers."""
    attachments: tuple[Attachment, ...] = ()
    """Of a user's turn."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a model is asked. None means the provider's own default."""

    messages: tuple[Message, ...]
    temperature: float | None = None
    max_tokens: int | None = None
    output_schema: Mapping[str, Any] | None = None
    """JSON Schema that the answer must follow; the text of the answer is then JSON."""
    tools: tuple[FunctionSpec, ...] = ()
    """What the model may ask for instead of answering."""
    cache: bool = False
    """The same request of the same user may be answered by what the model said before."""


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What a model answered."""

    text: str
    model: str
    """Id of the model that answered: ``<provider>/<model>``."""
    usage: Usage = Usage()
    finish_reason: str = "stop"
    """``stop``, ``tool_calls``, or ``length`` when ``max_tokens`` cut it off, its last tool call included."""
    tool_calls: tuple[ToolCall, ...] = ()
    """Functions the model wants called before it answers. Each has an id, also where the provider gave none."""
    reused: bool = False
    """The model was not asked: this is what it said to the same request before. Such an answer costs nothing."""


class ModelFailed(NodeFailed):
    """A model call failed. ``retry_after_s`` is how long the provider asks to wait, None when it does not say."""

    def __init__(
        self, code: str, detail: str, hint: str = "", retryable: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(code, detail, hint, retryable)
        self.retry_after_s = retry_after_s


class LanguageModel(Protocol):
    """One model of one provider, ready to be called."""

    async def chat(self, request: ChatRequest, on_text: Callable[[str], None]) -> ChatAnswer:
        """Ask the model; ``on_text`` gets each piece of text as it arrives, on the caller's event loop.

        Raises:
            ModelFailed: ``MODEL_ERROR`` (it refused the request), ``MODEL_AUTH``, ``MODEL_RATE_LIMIT``,
                ``MODEL_TIMEOUT`` (it stalled), ``MODEL_UNAVAILABLE``, ``CONTEXT_TOO_LONG``; ``retryable`` says
                whether another try can help. No message ever holds a key.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model somebody may use, as ``GET /api/models`` and the model picker show it."""

    id: str
    """``<provider>/<model>``."""
    provider: str
    name: str
    context_tokens: int | None = None
    abilities: tuple[str, ...] = field(default=("text",))
    """Of ``text json tools vision streaming``."""
    local: bool = False
    default: bool = False
    price_usd_per_million: tuple[float, float] | None = None
    """Of prompt and of answered tokens; None when nobody knows."""

    def as_json(self) -> dict[str, Any]:
        """The model as REST shows it."""
        return {
            "id": self.id,
            "provider": self.provider,
            "name": self.name,
            "context_tokens": self.context_tokens,
            "abilities": list(self.abilities),
            "local": self.local,
            "default": self.default,
            "price_usd_per_million": list(self.price_usd_per_million) if self.price_usd_per_million else None,
        }


class ModelDirectory(Protocol):
    """Which models a user has, and how to reach one."""

    async def list(self, user_id: UserId | None) -> list[ModelInfo]:
        """All models the user may use, the default first."""
        ...

    async def find(self, user_id: UserId | None, provider: str | None, model: str | None) -> LanguageModel:
        """The model named by a provider's id and a model name; the user's default where both are None.

        Raises:
            ModelFailed: ``UNKNOWN_PROVIDER`` or ``UNKNOWN_MODEL``.
        """
        ...
