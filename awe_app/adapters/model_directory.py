"""Which models a user has: the local one always, and those of the providers in the user's settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.http import HttpClient
from awe_app.adapters.llm import LiteLLMModel
from awe_app.adapters.local_model import LOCAL_MODEL_INFO, MODEL, PROVIDER
from awe_app.adapters.model_access import KINDS, OLLAMA, Access
from awe_app.adapters.openai_chat import OpenAIChatModel
from awe_app.adapters.outbound import Outbound
from awe_app.domain.errors import Invalid
from awe_app.domain.ids import UserId
from awe_app.domain.models import LanguageModel, ModelFailed, ModelInfo

_CONNECTIONS = 1_000
"""At once, to all providers: an answer keeps its own as long as it speaks."""


class SettingsReader(Protocol):
    """What is needed of ``SettingsStore``."""

    async def get(self, user_id: UserId) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as the settings keep it."""

    id: str
    kind: Any
    name: str = ""
    base_url: str | None = None
    sealed_key: str = ""
    models: tuple[str, ...] = ()
    default_model: str | None = None
    enabled: bool = True

    @property
    def model(self) -> str | None:
        """The model it uses when none is named."""
        return self.default_model or next(iter(self.models), None)

    @property
    def all_models(self) -> tuple[str, ...]:
        """Its models, the one it uses by itself first."""
        return tuple(dict.fromkeys((*filter(None, [self.default_model]), *self.models)))


def read_providers(settings: Mapping[str, Any]) -> list[Provider]:
    """The providers in a user's stored settings, in their order."""
    return [
        Provider(
            id=entry["id"],
            kind=entry["kind"],
            name=entry.get("name") or "",
            base_url=entry.get("base_url"),
            sealed_key=entry.get("api_key") or "",
            models=tuple(entry.get("models") or ()),
            default_model=entry.get("default_model"),
            enabled=entry.get("enabled", True),
        )
        for entry in settings.get("providers") or ()
    ]


class Models:
    """Implements ``ModelDirectory``.

    The default is what the user chose; without a choice the first enabled provider that has a model; else the local
    model. Somebody unknown (no user) has the local model only.
    """

    def __init__(
        self, settings: SettingsReader, secrets: Secrets, local_model: LanguageModel, allowed_hosts: Iterable[str] = ()
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self.local_model = local_model
        """Shared by all users."""
        allowed = [*allowed_hosts, OLLAMA]
        self._outbound = Outbound(allowed)
        self._client = HttpClient(allowed, connections=_CONNECTIONS)

    async def stop(self) -> None:
        """Close the connections to providers."""
        await self._client.stop()

    async def list(self, user_id: UserId | None) -> list[ModelInfo]:
        """See ``ModelDirectory.list``."""
        settings = await self._read(user_id)
        providers = [provider for provider in read_providers(settings) if provider.enabled]
        default = _default(settings, providers)
        found = {LOCAL_MODEL_INFO.id: LOCAL_MODEL_INFO}
        for provider in providers:
            for model in provider.all_models:
                info = _info(provider, model)
                found.setdefault(info.id, info)
        first = found.pop(default)
        marked = ModelInfo(
            first.id, first.provider, first.name, first.context_tokens, first.abilities, first.local, default=True
        )
        return [marked, *found.values()]

    async def find(self, user_id: UserId | None, provider: str | None, model: str | None) -> LanguageModel:
        """See ``ModelDirectory.find``. ``model`` may be an id with its provider in front; ``provider`` may then be
        None. Any model name is taken for a known provider: providers have more models than their users list.
        """
        settings = await self._read(user_id)
        providers = {entry.id: entry for entry in read_providers(settings)}
        enabled = [entry for entry in providers.values() if entry.enabled]
        if not provider and not model:
            model = _default(settings, enabled)
        if not provider:
            provider, model = _place(model or "", providers, enabled)
        chosen = providers.get(provider) or (Provider(PROVIDER, PROVIDER) if provider == PROVIDER else None)
        if chosen is None or not chosen.enabled:
            state = "is switched off" if chosen else "is not in your settings"
            detail = f"the provider {provider!r} {state}"
            raise ModelFailed("UNKNOWN_PROVIDER", detail, "add it in the settings, or choose another model")
        if model and model not in chosen.models:
            model = model.removeprefix(f"{provider}/")
        model = model or chosen.model
        if chosen.kind == PROVIDER:
            if model not in (None, MODEL):
                hint = f"its only model is {MODEL}"
                raise ModelFailed("UNKNOWN_MODEL", f"there is no local model {model!r}; {hint}", hint)
            return self.local_model
        if not model:
            hint = "name a model in the node, or a default model of the provider in the settings"
            raise ModelFailed("UNKNOWN_MODEL", f"the provider {provider!r} has no default model", hint)
        access = Access(chosen.id, chosen.kind, chosen.base_url, self._key(user_id, chosen))
        if KINDS[access.kind].speaks_openai:
            return OpenAIChatModel(access, model, self._client)
        return LiteLLMModel(access, model, self._outbound)

    async def _read(self, user_id: UserId | None) -> Mapping[str, Any]:
        return await self._settings.get(user_id) if user_id else {}

    def _key(self, user_id: UserId | None, provider: Provider) -> str:
        if not provider.sealed_key or not user_id:
            return ""
        try:
            return self._secrets.open(user_id, provider.sealed_key)
        except Invalid as error:
            detail = f"the API key of {provider.id} cannot be read"
            raise ModelFailed("MODEL_AUTH", detail, error.hint) from error


def _default(settings: Mapping[str, Any], enabled: Iterable[Provider]) -> str:
    """Id of the model that is used when none is named."""
    ids = {f"{provider.id}/{model}": provider for provider in enabled for model in provider.all_models}
    chosen = settings.get("default_model")
    if isinstance(chosen, str) and (chosen == LOCAL_MODEL_INFO.id or chosen in ids):
        return chosen
    return next((f"{p.id}/{p.model}" for p in ids.values() if p.kind != PROVIDER), LOCAL_MODEL_INFO.id)


def _place(model: str, providers: Mapping[str, Provider], enabled: Iterable[Provider]) -> tuple[str, str]:
    """Provider and model of a model id, or of a bare model name that some provider lists."""
    provider, slash, rest = model.partition("/")
    if slash and (provider in providers or provider == PROVIDER):
        return provider, rest
    for entry in enabled:
        if model in entry.all_models:
            return entry.id, model
    if model == MODEL:
        return PROVIDER, MODEL
    hint = "choose one of the list, or add its provider in the settings"
    raise ModelFailed("UNKNOWN_MODEL", f"there is no model {model!r} in your settings", hint)


def _info(provider: Provider, model: str) -> ModelInfo:
    return ModelInfo(
        id=f"{provider.id}/{model}",
        provider=provider.id,
        name=f"{model} ({provider.name or provider.id})",
        abilities=("text", "json", "streaming"),
        local=provider.kind == PROVIDER,
    )
