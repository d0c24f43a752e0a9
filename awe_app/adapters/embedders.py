"""Which embedder a collection means: the local one, or a model of the user's own provider."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

from awe_app.adapters.embedder import NAME, LocalEmbedder
from awe_app.adapters.embedder_cache import CachedEmbedder, Embedder
from awe_app.adapters.embedder_remote import RemoteEmbedder, allowed_for_models
from awe_app.adapters.http import HttpClient
from awe_app.adapters.model_access import Access
from awe_app.domain.ids import UserId
from awe_app.domain.models import ModelFailed

_KEPT = 32
"""Caches of providers' vectors; the ones asked longest ago go first."""


class EmbedderDirectory(Protocol):
    """Finds embedders by the names that collections remember."""

    async def find(self, user_id: UserId | None, name: str) -> Embedder:
        """The embedder.

        Raises:
            ModelFailed: ``UNKNOWN_PROVIDER``, ``UNKNOWN_MODEL``, ``MODEL_AUTH``.
        """
        ...

    async def chosen(self, user_id: UserId | None) -> str:
        """Name of the embedder that the user's new memories are to have."""
        ...


class Providers(Protocol):
    """What is needed of ``ProviderAccess``."""

    async def find(self, user_id: UserId | None, provider_id: str) -> Access: ...
    async def embedding_model(self, user_id: UserId | None) -> str | None: ...


class Embedders:
    """Implements ``EmbedderDirectory``."""

    def __init__(self, providers: Providers | None = None, allowed_hosts: Sequence[str] = ()) -> None:
        """Without ``providers`` there is the local one alone."""
        self._local = LocalEmbedder()
        self.local: Embedder = CachedEmbedder(self._local)
        self._providers = providers
        self._client = HttpClient(allowed_for_models(allowed_hosts))
        self._kept: OrderedDict[tuple[Any, ...], CachedEmbedder] = OrderedDict()

    async def find(self, user_id: UserId | None, name: str) -> Embedder:
        """See ``EmbedderDirectory.find``."""
        if name == NAME:
            return self.local
        provider, slash, model = name.partition("/")
        if not slash or not model or self._providers is None:
            hint = f"say {NAME}, or <provider>/<model> of your settings"
            raise ModelFailed("UNKNOWN_MODEL", f"there is no embedder {name!r} here", hint)
        access = await self._providers.find(user_id, provider)
        # The key is part of it: who changes it in the settings is asked for with the new one.
        key = (user_id, name, access.kind, access.base_url, access.api_key)
        if key not in self._kept:
            self._kept[key] = CachedEmbedder(RemoteEmbedder(access, model, self._client))
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    async def chosen(self, user_id: UserId | None) -> str:
        """See ``EmbedderDirectory.chosen``."""
        named = await self._providers.embedding_model(user_id) if self._providers is not None else None
        return named or NAME

    async def stop(self) -> None:
        """End the local one's process and close the connections."""
        await self._local.stop()
        await self._client.stop()
