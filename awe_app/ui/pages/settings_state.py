"""What the settings hold and do. Keys pass through the form once and are never kept in a state."""

import re
from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.domain.errors import AweError, Invalid
from awe_app.services import services
from awe_app.ui.components.provider_list import ProviderRow, rows_of
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import sentence, toast


@dataclass(frozen=True)
class Profile:
    """Who one is."""

    username: str = ""
    email: str = ""
    since: str = ""


class ProfileState(rx.State):
    """The signed-in user, as the settings show them."""

    profile: Profile = Profile()

    @rx.event
    @refusals_told
    async def load(self):
        """Show the profile."""
        user = await signed_in(self)
        self.profile = Profile(user.username, user.email, f"{user.created_at:%-d %B %Y}")


class ProvidersState(rx.State):
    """The model providers and the default model."""

    providers: list[ProviderRow] = []
    choices: list[str] = []
    """Ids of all models that may be the default."""
    default_model: str = ""
    local_models: list[str] = []
    outcomes: dict[str, str] = {}
    """What the last test said, by provider."""
    testing: str = ""
    loaded: bool = False

    @rx.event
    @refusals_told
    async def load(self):
        """Show the providers."""
        self.outcomes, self.testing = {}, ""
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
    async def test(self, provider_id: str):
        """Ask the provider something small."""
        user = await signed_in(self)
        row = next((row for row in self.providers if row.id == provider_id), None)
        self.testing = provider_id
        yield
        try:
            model = row.models[0] if row and row.models else None
            answer = await services().settings.test_llm(user, provider_id, model)
            self.outcomes[provider_id] = (
                f"Answered in {answer['latency_ms']:.0f} ms." if answer["ok"] else sentence(str(answer["error"]))
            )
        finally:
            self.testing = ""

    async def show(self) -> None:
        """Read everything anew."""
        user = await signed_in(self)
        settings = await services().settings.llm(user)
        models = await services().catalog.models(user)
        self.providers = rows_of(settings)
        self.choices = [model.id for model in models]
        self.local_models = [model.name for model in models if model.local]
        self.default_model = next((model.id for model in models if model.default), "")
        self.loaded = True


class ProviderFormState(rx.State):
    """The dialog that adds or changes one provider."""

    is_open: bool = False
    row: ProviderRow = ProviderRow("", "openai", "", "", "", "", [], True)
    """What the form began with; an empty id means a new provider."""
    kind: str = "openai"
    problem: str = ""
    busy: bool = False

    @rx.event
    def begin(self):
        """Open the form for a new provider."""
        self.row = ProviderRow("", "openai", "", "", "", "", [], True)
        self.is_open, self.kind, self.problem, self.busy = True, "openai", "", False

    @rx.event
    async def edit(self, provider_id: str):
        """Open the form for a stored one."""
        listed = await self.get_state(ProvidersState)
        row = next((row for row in listed.providers if row.id == provider_id), None)
        if row:
            self.row, self.kind = row, row.kind
            self.is_open, self.problem, self.busy = True, "", False

    @rx.event
    def close(self):
        """Change nothing."""
        self.is_open = False

    @rx.event
    def choose_kind(self, kind: str):
        """Show the fields of another kind."""
        self.kind = kind

    @rx.event
    @refusals_told
    async def remove(self):
        """Forget the provider and its key."""
        user = await signed_in(self)
        gone = {"id": self.row.id, "kind": self.row.kind, "delete": True}
        await services().settings.save_llm(user, {"providers": [gone]})
        self.is_open = False
        listed = await self.get_state(ProvidersState)
        await listed.show()
        return toast("success", "Provider removed, with its key.")

    @rx.event
    @refusals_told
    async def save(self, form: dict[str, Any]):
        """Store the provider."""
        user = await signed_in(self)
        listed = await self.get_state(ProvidersState)
        self.busy, self.problem = True, ""
        yield
        try:
            taken = {row.id for row in listed.providers}
            await services().settings.save_llm(user, {"providers": [provider_in(form, self.row.id, self.kind, taken)]})
        except Invalid as error:
            self.problem = _in_words(error)
        else:
            self.is_open = False
            await listed.show()
            yield toast("success", "Provider saved.")
        finally:
            self.busy = False


def provider_in(form: dict[str, Any], provider_id: str, kind: str, taken: set[str]) -> dict[str, Any]:
    """What ``settings.save_llm`` is given for a filled-in form. A key that was left empty is not sent, so it stays."""
    name = str(form.get("name", "")).strip()
    models = [model for model in re.split(r"[\s,]+", str(form.get("models", ""))) if model]
    provider: dict[str, Any] = {
        "id": provider_id or _free_id(name or kind, taken),
        "kind": kind,
        "name": name or kind,
        "base_url": str(form.get("base_url", "")).strip() or None,
        "models": models,
        "default_model": models[0] if models else None,
        "enabled": bool(form.get("enabled")),
    }
    key = str(form.get("api_key", "")).strip()
    return provider | {"api_key": key} if key else provider


def _free_id(name: str, taken: set[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40] or "provider"
    return next(i for n in range(1, len(taken) + 2) if (i := base if n == 1 else f"{base}-{n}") not in taken)


def _in_words(error: AweError) -> str:
    if isinstance(error, Invalid) and error.issues:
        return " ".join(sentence(issue.message) for issue in error.issues)
    return sentence(f"{error.detail} {error.hint}")
