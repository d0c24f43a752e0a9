"""Which models a user has: the local one always, and those of the providers in the user's settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from awe_app.adapters.answer_cache import AnswerCache
from awe_app.adapters.crypto import Secrets
from awe_app.adapters.http import HttpClient
from awe_app.adapters.llm import LiteLLMModel, warm_litellm
from awe_app.adapters.local_model import LOCAL_MODEL_INFO, MODEL, PROVIDER
from awe_app.adapters.model_access import KINDS, NEED_LITELLM, OLLAMA, Access
from awe_app.adapters.model_calls import CalledModel, Places
from awe_app.adapters.model_dialect import Dialects
from awe_app.adapters.model_lists import offered_models
from awe_app.adapters.model_prices import Facts, facts
from awe_app.adapters.openai_chat import OpenAIChatModel
from awe_app.adapters.openai_requests import needs_vision
from awe_app.adapters.outbound import Outbound
from awe_app.domain.errors import Invalid
from awe_app.domain.ids import UserId
from awe_app.domain.models import ChatRequest, LanguageModel, ModelFailed, ModelInfo

_CONNECTIONS = 1_000
"""At once, to all providers: an answer keeps its own as long as it speaks."""


_WELL_KNOWN = frozenset(("openai", "anthropic", "gemini"))
"""Of their models the table says reliably what they cannot."""


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
    max_parallel: int | None = None
    """Calls of one process that may run at once; further ones wait. None for no limit."""

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
            max_parallel=entry.get("max_parallel"),
        )
        for entry in settings.get("providers") or ()
    ]


class Models:
    """Implements ``ModelDirectory``.

    The default is what the user chose; without a choice the first enabled provider that has a model; else the local
    model. Somebody unknown (no user) has the local model only.
    """

    def __init__(
        self,
        settings: SettingsReader,
        secrets: Secrets,
        local_model: LanguageModel,
        allowed_hosts: Iterable[str] = (),
        answers: AnswerCache | None = None,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self.local_model = local_model
        """Shared by all users."""
        allowed = [*allowed_hosts, OLLAMA]
        self._outbound = Outbound(allowed)
        self._client = HttpClient(allowed, connections=_CONNECTIONS)
        self._answers = answers
        self._places = Places()
        self._dialects = Dialects()

    async def prepare(self, user_id: UserId) -> None:
        """Begin in the background what calls of the user's providers will need."""
        await self._read(user_id)

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
                known = await facts(KINDS[provider.kind].prefix, model) if provider.kind in KINDS else None
                info = _info(provider, model, known)
                found.setdefault(info.id, info)
        first = found.pop(default)
        return [replace(first, default=True), *found.values()]

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
            local = Provider(PROVIDER, PROVIDER)
            return self._called(self.local_model, user_id, local, LOCAL_MODEL_INFO.id)
        if not model:
            hint = "name a model in the node, or a default model of the provider in the settings"
            raise ModelFailed("UNKNOWN_MODEL", f"the provider {provider!r} has no default model", hint)
        access = Access(chosen.id, chosen.kind, chosen.base_url, self._key(user_id, chosen))
        if KINDS[access.kind].speaks_openai:
            found = OpenAIChatModel(access, model, self._client, dialects=self._dialects)
        else:
            found = LiteLLMModel(access, model, self._outbound)
        return replace(self._called(found, user_id, chosen, model), check=partial(_check, access, model))

    async def offered(self, user_id: UserId, provider: str) -> tuple[str, ...]:
        """Names of the models a provider says it has.

        Raises:
            ModelFailed: ``UNKNOWN_PROVIDER``, and as a call of a model does.
        """
        for entry in read_providers(await self._read(user_id)):
            if entry.id == provider and entry.kind != PROVIDER:
                access = Access(entry.id, entry.kind, entry.base_url, self._key(user_id, entry))
                return tuple(await offered_models(access, self._client))
        if provider == PROVIDER:
            return (MODEL,)
        detail = f"the provider {provider!r} is not in your settings"
        raise ModelFailed("UNKNOWN_PROVIDER", detail, "save it first")

    def _called(self, model: LanguageModel, user_id: UserId | None, provider: Provider, name: str) -> CalledModel:
        identity = (provider.id, provider.kind, provider.base_url, name)
        places, answers = self._places, self._answers
        return CalledModel(model, provider.id, user_id, identity, places, answers, provider.max_parallel)

    async def _read(self, user_id: UserId | None) -> Mapping[str, Any]:
        if not user_id:
            return {}
        settings = await self._settings.get(user_id)
        for entry in settings.get("providers") or ():
            if entry["kind"] in NEED_LITELLM and entry.get("enabled", True):
                warm_litellm()
        return settings

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


async def _check(access: Access, model: str, request: ChatRequest) -> None:
    """Refuse files for a model that is known to be blind; where nothing is known, the provider says it."""
    blind = access.kind in _WELL_KNOWN and needs_vision(request)
    known = await facts(KINDS[access.kind].prefix, model) if blind else None
    if known and "vision" not in known.abilities:
        raise access.cannot(model, "vision")


def _info(provider: Provider, model: str, known: Facts | None) -> ModelInfo:
    # of a model that nobody knows, tools are expected: nearly all have them, and the provider says if not
    return ModelInfo(
        id=f"{provider.id}/{model}",
        provider=provider.id,
        name=f"{model} ({provider.name or provider.id})",
        context_tokens=known.context_tokens if known else None,
        abilities=known.abilities if known else ("text", "json", "tools", "streaming"),
        local=provider.kind == PROVIDER,
        price_usd_per_million=known.price.per_million if known and known.price else None,
    )
