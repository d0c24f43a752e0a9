"""How a user reaches a provider of the settings, the key included; for what is no chat, such as embeddings."""

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.model_access import Access
from awe_app.adapters.model_directory import Provider, SettingsReader, read_providers
from awe_app.domain.errors import Invalid
from awe_app.domain.ids import UserId
from awe_app.domain.models import ModelFailed


class ProviderAccess:
    """Reads users' providers from their settings, their keys included."""

    def __init__(self, settings: SettingsReader, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets

    async def find(self, user_id: UserId | None, provider_id: str) -> Access:
        """How the user reaches the provider. Raises ModelFailed ``UNKNOWN_PROVIDER``, ``MODEL_AUTH``."""
        providers = read_providers(await self._settings.get(user_id)) if user_id else []
        found = next((each for each in providers if each.id == provider_id and each.enabled), None)
        if found is None or user_id is None:
            detail = f"the provider {provider_id!r} is not in your settings, or is switched off"
            raise ModelFailed("UNKNOWN_PROVIDER", detail, "add it in the settings, or use another collection")
        return Access(found.id, found.kind, found.base_url, self._key(user_id, found))

    async def embedding_model(self, user_id: UserId | None) -> str | None:
        """The embedder that the user has chosen for memories, ``<provider>/<model>``; None when none is."""
        settings = await self._settings.get(user_id) if user_id else {}
        return settings.get("embedding_model")

    def _key(self, user_id: UserId, provider: Provider) -> str:
        try:
            return self._secrets.open(user_id, provider.sealed_key) if provider.sealed_key else ""
        except Invalid as error:
            raise ModelFailed("MODEL_AUTH", f"the API key of {provider.id} cannot be read", error.hint) from error
