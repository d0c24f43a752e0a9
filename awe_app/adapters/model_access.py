"""How a user's provider is reached, and what a refusal of it means; the same whichever client calls it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from awe_app.domain.models import ModelFailed

Kind = Literal["openai", "anthropic", "gemini", "azure", "mistral", "groq", "openrouter", "ollama", "openai_compatible"]

OLLAMA = "localhost:11434"
"""Allowed for models without the operator's word."""
STALL_S = 60.0
"""Without a sign of life for so long, a call is given up."""


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """What is known of all providers of one kind."""

    prefix: str
    """What litellm, and its table of prices, calls the provider."""
    base_url: str | None
    """Where it is; None when the user has to say."""
    needs_key: bool = True
    passes_base_url: bool = True
    speaks_openai: bool = False
    """It takes OpenAI's chat completions as they are, so litellm is not needed."""


KINDS: dict[str, ProviderKind] = {
    "openai": ProviderKind("openai", "https://api.openai.com/v1", speaks_openai=True),
    "anthropic": ProviderKind("anthropic", "https://api.anthropic.com"),
    # litellm builds Gemini's address itself, from the model's name
    "gemini": ProviderKind("gemini", "https://generativelanguage.googleapis.com", passes_base_url=False),
    "azure": ProviderKind("azure", None),
    "mistral": ProviderKind("mistral", "https://api.mistral.ai/v1"),
    "groq": ProviderKind("groq", "https://api.groq.com/openai/v1", speaks_openai=True),
    "openrouter": ProviderKind("openrouter", "https://openrouter.ai/api/v1", speaks_openai=True),
    # by its OpenAI interface: through litellm it would be asked by a blocking call, past the guard, what its model can
    "ollama": ProviderKind("ollama", f"http://{OLLAMA}", needs_key=False, speaks_openai=True),
    "openai_compatible": ProviderKind("openai", None, needs_key=False, speaks_openai=True),
}
"""How each kind of provider is reached."""
NEED_LITELLM = frozenset(name for name, kind in KINDS.items() if not kind.speaks_openai)
"""Kinds with a protocol of their own."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a user reaches a provider."""

    provider: str
    """Its id in the user's settings."""
    kind: Kind
    base_url: str | None = None
    api_key: str = field(default="", repr=False)

    @property
    def sent_key(self) -> str:
        """What is sent as the key: never the operator's own from the environment."""
        return self.api_key or "none"

    def address(self) -> str:
        """The base URL. Raises ModelFailed when it, or a key that is needed, is not in the settings."""
        kind = KINDS[self.kind]
        if kind.needs_key and not self.api_key:
            raise ModelFailed("MODEL_AUTH", f"{self.provider} has no API key", "enter it in the settings")
        base_url = self.base_url or kind.base_url
        if not base_url:
            raise ModelFailed("MODEL_ERROR", f"{self.provider} has no address", "enter its base URL in the settings")
        if self.kind == "ollama" and not base_url.endswith("/v1"):
            base_url = f"{base_url.rstrip('/')}/v1"
        return base_url

    def silent(self, stall_s: float) -> ModelFailed:
        """It gave no sign of life for ``stall_s`` seconds."""
        return ModelFailed("MODEL_TIMEOUT", f"{self.provider} was silent for {stall_s:g} s", retryable=True)

    def broke_off(self) -> ModelFailed:
        """It hung up before its answer was complete."""
        return ModelFailed("MODEL_UNAVAILABLE", f"the answer of {self.provider} broke off", retryable=True)

    def too_long(self, model: str, said: str) -> ModelFailed:
        """The prompt is longer than the model takes."""
        hint = "shorten the prompt, or choose a model with a longer context"
        return ModelFailed("CONTEXT_TOO_LONG", f"the prompt is too long for {model}: {self.scrub(said)}", hint)

    def cannot(self, model: str, ability: str, said: str = "") -> ModelFailed:
        """The model has not what the request needs: ``tools`` or ``vision``."""
        what = {"tools": "call tools", "vision": "look at images or files"}[ability]
        detail = f"{model} of {self.provider} cannot {what}"
        hint = f"choose a model with the ability {ability!r}"
        return ModelFailed("UNSUPPORTED_INPUT", f"{detail}: {self.scrub(said)}" if said else detail, hint)

    def refusal(self, model: str, status: int, said: str, wait_s: float | None = None) -> ModelFailed:
        """What an HTTP status of the provider means, in our words; ``said`` is what it wrote."""
        provider, said = self.provider, self.scrub(said)
        if status in (401, 403):
            return ModelFailed("MODEL_AUTH", f"{provider} refused the API key: {said}", "check it in the settings")
        if status == 429:
            detail = f"{provider} is asked too often: {said}"
            return ModelFailed("MODEL_RATE_LIMIT", detail, "wait, or raise its limit", True, wait_s)
        if status == 408:
            return ModelFailed("MODEL_TIMEOUT", f"{provider} did not answer in time: {said}", "", True, wait_s)
        if status >= 500:
            return ModelFailed("MODEL_UNAVAILABLE", f"{provider} does not answer: {said}", "", True, wait_s)
        if status == 404:
            hint = "check the model's name and the base URL in the settings"
            return ModelFailed("MODEL_ERROR", f"{provider} does not know {model}: {said}", hint)
        return ModelFailed("MODEL_ERROR", f"{provider} refused the request: {said}")

    def scrub(self, said: str) -> str:
        """The beginning of a provider's words, without anything that may be a key."""
        if self.api_key:
            said = said.replace(self.api_key, "[key]")
        return " ".join(_KEY_LIKE.sub("[key]", said).split())[:300]


_KEY_LIKE = re.compile(r"\b(?:sk|pk|gsk|xai|key|AIza|Bearer)[-_ ]?[\w*.-]{8,}", re.ASCII)
"""What may be a key, or a part of one that a provider masked itself."""


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds the provider asks to wait; None if it does not say, or names a date: our own backoff will do."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except (ValueError, TypeError):
        return None
