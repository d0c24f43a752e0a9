"""A user's model providers and default model. Keys go in and never come out."""

import re
import time
from typing import Annotated, Any, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.embedder_remote import SPEAKS
from awe_app.adapters.local_model import LOCAL_MODEL_INFO, PROVIDER
from awe_app.adapters.model_access import KINDS
from awe_app.domain.accounts import User
from awe_app.domain.errors import Invalid, Issue, NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.models import ChatRequest, Message, ModelDirectory

MAX_PROVIDERS = 50
_TEST = ChatRequest((Message("user", "Answer with the word OK."),), max_tokens=16)

ModelName = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class SettingsKeeper(Protocol):
    """What is needed of ``SettingsStore``."""

    async def get(self, user_id: UserId) -> dict[str, Any]: ...
    async def put(self, user_id: UserId, settings: dict[str, Any]) -> None: ...


class ProviderModels(ModelDirectory, Protocol):
    """What is needed of ``Models``."""

    async def offered(self, user_id: UserId, provider: str) -> tuple[str, ...]: ...
    async def prepare(self, user_id: UserId) -> None: ...


class ProviderChange(BaseModel):
    """One provider of ``POST /api/settings/llm``. What is absent stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    kind: Literal[
        "openai",
        "anthropic",
        "gemini",
        "azure",
        "mistral",
        "groq",
        "openrouter",
        "ollama",
        "openai_compatible",
        "local",
    ]
    name: str = Field("", max_length=200)
    base_url: str | None = Field(None, max_length=500)
    api_key: str | None = Field(None, max_length=4096)
    """Write-only. Absent or null keeps the stored one, an empty text removes it."""
    key_last4: str | None = None
    """What ``GET`` gave; taken so that its answer can be sent back, and not looked at."""
    models: tuple[ModelName, ...] = Field((), max_length=200)
    default_model: ModelName | None = None
    enabled: bool = True
    max_parallel: int | None = Field(None, ge=1, le=1_000)
    """Calls that one process of AWE makes at once; further ones wait their turn. Null for no limit."""
    delete: bool = False
    """True removes the provider and its key."""

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, url: str | None) -> str | None:
        url = (url or "").strip().rstrip("/")
        if not url:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.fragment:
            raise ValueError("must be a plain http or https address, such as https://models.example.org/v1")
        return url

    @field_validator("api_key")
    @classmethod
    def _can_be_sent(cls, key: str | None) -> str | None:
        key = key.strip() if key is not None else None
        if key and not re.fullmatch(r"[\x21-\x7e]+", key):
            raise ValueError("holds characters that no API key has; copy it again")
        return key


class SettingsChange(BaseModel):
    """The body of ``POST /api/settings/llm``. What is absent stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    embedding_model: ModelName | None = None
    """``<provider>/<model>`` that new memories are embedded by; null is the one on this machine."""
    default_model: ModelName | None = None
    """Null leaves the choice to AWE."""
    providers: tuple[dict[str, Any], ...] = Field((), max_length=MAX_PROVIDERS)


class Settings:
    """The use cases of the settings pages."""

    def __init__(self, store: SettingsKeeper, secrets: Secrets, models: ProviderModels) -> None:
        self._store = store
        self._secrets = secrets
        self._models = models

    async def llm(self, user: User) -> dict[str, Any]:
        """``{default_model, providers}``; ``default_model`` is null until the user has chosen one.

        ``embedding_model`` is there once the user has chosen one.
        """
        return self._shown(user.id, await self._store.get(user.id))

    async def save_llm(self, user: User, raw: dict[str, Any]) -> dict[str, Any]:
        """Add or change providers by ``id``, remove those with ``delete``, choose the default model.

        Providers that are not named stay. A default model whose provider goes or is switched off is forgotten.

        Raises:
            Invalid: ``INVALID_SETTINGS`` with an issue for every finding; nothing is stored then.
        """
        change = _read(SettingsChange, raw, "")
        stored = await self._store.get(user.id)
        providers: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in stored.get("providers") or ()}
        for place, entry in enumerate(change.providers):
            self._apply(user.id, providers, entry, f"providers.{place}")
        if len(providers) > MAX_PROVIDERS:
            raise _invalid("providers", f"are more than {MAX_PROVIDERS}; remove some")
        default = stored.get("default_model")
        if "default_model" in change.model_fields_set:
            default = change.default_model
            if default is not None and not _known(default, providers):
                raise _invalid("default_model", f"{default!r} is no model of an enabled provider: <provider>/<model>")
        if default is not None and not _known(default, providers):
            default = None
        embedding = stored.get("embedding_model")
        if "embedding_model" in change.model_fields_set:
            embedding = change.embedding_model
            if embedding is not None and not _embeds(embedding, providers):
                raise _invalid("embedding_model", f"{embedding!r} is not <provider>/<model> of one that embeds")
        if embedding is not None and not _embeds(embedding, providers):
            embedding = None
        saved = {
            **stored,
            "default_model": default,
            "embedding_model": embedding,
            "providers": list(providers.values()),
        }
        await self._store.put(user.id, saved)
        await self._models.prepare(user.id)
        return self._shown(user.id, saved)

    async def test_llm(self, user: User, provider: str | None, model: str | None) -> dict[str, Any]:
        """Ask the model something small: ``{ok, latency_ms, error}``; ``error`` is null when it answered."""
        started = time.monotonic()
        error = None
        try:
            found = await self._models.find(user.id, provider, model)
            await found.chat(_TEST, lambda _delta: None)
        except NodeFailed as failure:
            error = f"{failure.detail}; {failure.hint}" if failure.hint else failure.detail
        return {"ok": error is None, "latency_ms": round((time.monotonic() - started) * 1000), "error": error}

    async def offered_models(self, user: User, provider: str) -> list[str]:
        """Names of the models that a provider of the user's says it has; nothing is stored.

        Raises:
            Invalid: ``MODELS_NOT_LISTED``, with the reason in the provider's words.
        """
        try:
            return list(await self._models.offered(user.id, provider))
        except NodeFailed as failure:
            raise Invalid("MODELS_NOT_LISTED", failure.detail, failure.hint) from None

    def _apply(self, owner: UserId, providers: dict[str, dict[str, Any]], raw: dict[str, Any], place: str) -> None:
        given = {**raw}
        if "id" not in given and "kind" in given:
            given["id"] = given["kind"]  # the only provider of its kind needs no name of its own
        old = providers.get(given["id"]) if isinstance(given.get("id"), str) else None
        if old and given.get("delete") is True:
            del providers[old["id"]]
            return
        kept = {key: value for key, value in (old or {}).items() if key != "api_key"}
        change = _read(ProviderChange, {**kept, **given}, place)
        if change.delete:
            return
        sealed = (old or {}).get("api_key")
        if change.api_key is not None:
            sealed = self._secrets.seal(owner, change.api_key) if change.api_key else None
        if change.kind in KINDS and KINDS[change.kind].base_url is None and not change.base_url:
            raise _invalid(f"{place}.base_url", f"is needed for a provider of the kind {change.kind}")
        entry = change.model_dump(exclude={"api_key", "key_last4", "delete"}, mode="json")
        providers[change.id] = {**entry, "api_key": sealed}

    def _shown(self, owner: UserId, stored: dict[str, Any]) -> dict[str, Any]:
        providers = [
            {
                "id": entry["id"],
                "kind": entry["kind"],
                "name": entry.get("name") or "",
                "base_url": entry.get("base_url"),
                "key_last4": self._last4(owner, entry.get("api_key")),
                "models": list(entry.get("models") or ()),
                "default_model": entry.get("default_model"),
                "enabled": entry.get("enabled", True),
                **({"max_parallel": entry["max_parallel"]} if entry.get("max_parallel") else {}),
            }
            for entry in stored.get("providers") or ()
        ]
        shown = {"default_model": stored.get("default_model"), "providers": providers}
        if embedding := stored.get("embedding_model"):
            shown["embedding_model"] = embedding
        return shown

    def _last4(self, owner: UserId, sealed: str | None) -> str | None:
        """Null without a key; also when the stored one cannot be read any more, so that it is entered again."""
        try:
            key = self._secrets.open(owner, sealed) if sealed else ""
        except Invalid:
            return None
        return key[-4:] if len(key) >= 12 else "****" if key else None


def _known(model: str, providers: dict[str, dict[str, Any]]) -> bool:
    provider, _slash, name = model.partition("/")
    entry = providers.get(provider)
    if entry is None or entry["kind"] == PROVIDER:
        return model == LOCAL_MODEL_INFO.id
    return bool(entry.get("enabled", True) and (name in (entry.get("models") or ()) or name == entry["default_model"]))


def _embeds(embedder: str, providers: dict[str, dict[str, Any]]) -> bool:
    provider, _slash, name = embedder.partition("/")
    entry = providers.get(provider)
    return bool(entry and name and entry["kind"] in SPEAKS and entry.get("enabled", True))


def _read(shape: type[Any], raw: Any, place: str) -> Any:
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        issues = tuple(
            _issue(
                ".".join(str(part) for part in (place, *problem["loc"]) if part != ""),
                problem["msg"].removeprefix("Value error, "),
            )
            for problem in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise Invalid("INVALID_SETTINGS", "; ".join(issue.message for issue in issues[:3]), issues=issues) from None


def _invalid(field: str, message: str) -> Invalid:
    issue = _issue(field, message)
    return Invalid("INVALID_SETTINGS", issue.message, issues=(issue,))


def _issue(field: str, message: str) -> Issue:
    return Issue("error", "INVALID_SETTING", f"{field or 'settings'}: {message}", field=field or None)
