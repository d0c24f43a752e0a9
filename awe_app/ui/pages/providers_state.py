"""The model providers and the default model, as the settings show them."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.domain.ids import utc_now
from awe_app.services import services
from awe_app.ui.components.provider_list import ProviderRow, rows_of
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import sentence, toast


@dataclass(frozen=True)
class Tested:
    """What a model said when it was last tested from this tab."""

    ok: bool = False
    words: str = ""
    model: str = ""
    at: str = ""
    """ISO 8601."""


class ProvidersState(rx.State):
    """The list of providers, their tests, and the default model."""

    providers: list[ProviderRow] = []
    models: list[dict[str, Any]] = []
    """As ``GET /api/models`` gives them: all that may be the default."""
    default_model: str = ""
    embedding_model: str = ""
    """Of new memories, ``<provider>/<model>``; empty for the one on this machine."""
    local_models: list[str] = []
    outcomes: dict[str, Tested] = {}
    """By provider: its newest test; and by ``<provider>/<model>``."""
    testing: str = ""
    """A key of ``outcomes``; empty while nothing is tested."""
    loaded: bool = False

    @rx.event
    @refusals_told
    async def load(self):
        """Show the providers."""
        self.testing = ""
        await self.show()

    @rx.event
    @refusals_told
    async def make_default(self, model_id: str):
        """Take this model where an agent names none."""
        user = await signed_in(self)
        await services().settings.save_llm(user, {"default_model": model_id})
        await self.show()
        return toast("success", "Default model changed.", model_id)

    @rx.event
    @refusals_told
    async def embed_memories_by(self, form: dict[str, Any]):
        """Let new memories be embedded by this model; by the one on this machine when the field is empty."""
        user = await signed_in(self)
        named = str(form.get("embedding_model", "")).strip()
        await services().settings.save_llm(user, {"embedding_model": named or None})
        await self.show()
        return toast("success", "Saved. Memories that are there keep theirs.", named or "On this machine")

    @rx.event
    @refusals_told
    async def test(self, provider_id: str, model: str):
        """Ask a model something small; without one, the provider's first."""
        user = await signed_in(self)
        row = self.row(provider_id)
        self.testing = f"{provider_id}/{model}" if model else provider_id
        yield
        try:
            name = model or (row.models[0] if row and row.models else "")
            answer = await services().settings.test_llm(user, provider_id, name or None)
            words = f"Answered in {answer['latency_ms']:.0f} ms" if answer["ok"] else sentence(str(answer["error"]))
            tested = Tested(bool(answer["ok"]), words, name, utc_now().isoformat())
            self.outcomes[provider_id] = self.outcomes[f"{provider_id}/{name}"] = tested
        finally:
            self.testing = ""

    def row(self, provider_id: str) -> ProviderRow | None:
        """One of the list; None when it is not there."""
        return next((row for row in self.providers if row.id == provider_id), None)

    async def show(self) -> None:
        """Read everything anew."""
        user = await signed_in(self)
        settings = await services().settings.llm(user)
        models = await services().catalog.models(user)
        self.providers = rows_of(settings)
        self.models = [model.as_json() for model in models]
        self.local_models = [model.name for model in models if model.local]
        self.default_model = next((model.id for model in models if model.default), "")
        self.embedding_model = settings.get("embedding_model", "")
        self.outcomes = {key: said for key, said in self.outcomes.items() if self.row(key.partition("/")[0])}
        self.loaded = True
