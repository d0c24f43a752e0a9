"""The dialog of one provider. Keys pass through it once and are never kept in a state."""

import re
from typing import Any

import reflex as rx

from awe_app.domain.errors import AweError, Invalid
from awe_app.services import services
from awe_app.ui.components.provider_list import ProviderRow
from awe_app.ui.pages.providers_state import ProvidersState
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import sentence, toast

NEW = ProviderRow("", "openai", "", "", "", "", [], True, "")
SHOWN = 200
"""Names of fetched models at once; searching finds the others."""


class ProviderFormState(rx.State):
    """The dialog that adds or changes one provider."""

    is_open: bool = False
    row: ProviderRow = NEW
    """What the form began with; an empty id means a new provider."""
    kind: str = "openai"
    models: str = ""
    """Names, one a line."""
    offered: list[str] = []
    """What the provider says it has, once it was asked."""
    sought: str = ""
    fetching: bool = False
    problem: str = ""
    busy: bool = False

    @rx.var
    def chosen(self) -> list[str]:
        """The names in ``models``."""
        return names_in(self.models)

    @rx.var
    def found(self) -> list[str]:
        """Offered models that hold what is sought."""
        return [name for name in self.offered if self.sought.casefold() in name.casefold()][:SHOWN]

    @rx.event
    def begin(self):
        """Open the form for a new provider."""
        self._open(NEW)

    @rx.event
    async def edit(self, provider_id: str):
        """Open the form for a stored one."""
        listed = await self.get_state(ProvidersState)
        if row := listed.row(provider_id):
            self._open(row)

    def _open(self, row: ProviderRow) -> None:
        self.row, self.kind, self.models = row, row.kind, "\n".join(row.models)
        self.offered, self.sought, self.fetching = [], "", False
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
    def write_models(self, text: str):
        """Names as somebody types them."""
        self.models = text

    @rx.event
    def seek(self, text: str):
        """Look for some of the offered models."""
        self.sought = text

    @rx.event
    def pick(self, name: str, wanted: bool):
        """Add a model to the names, or take it out."""
        kept = [each for each in names_in(self.models) if each != name]
        self.models = "\n".join([*kept, name] if wanted else kept)

    @rx.event
    @refusals_told
    async def fetch(self):
        """Ask the provider which models it has."""
        user = await signed_in(self)
        self.fetching, self.problem = True, ""
        yield
        try:
            self.offered = await services().settings.offered_models(user, self.row.id)
            if not self.offered:
                self.problem = "The provider lists no models; type their names."
        except Invalid as error:
            self.problem = sentence(f"{error.detail}. {sentence(error.hint)}") if error.hint else sentence(error.detail)
        finally:
            self.fetching = False

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
        """Store the provider. A new one without models stays open, so that they can be fetched."""
        user = await signed_in(self)
        listed = await self.get_state(ProvidersState)
        self.busy, self.problem = True, ""
        yield
        try:
            taken = {row.id for row in listed.providers}
            given = provider_in({**form, "models": self.models}, self.row.id, self.kind, taken)
            await services().settings.save_llm(user, {"providers": [given]})
        except Invalid as error:
            self.problem = _in_words(error)
        else:
            await listed.show()
            stored = listed.row(given["id"])
            if not self.row.id and stored and not stored.models:
                self._open(stored)
                yield [toast("success", "Provider saved.", "Now choose its models."), ProviderFormState.fetch]
            else:
                self.is_open = False
                yield toast("success", "Provider saved.")
        finally:
            self.busy = False


def names_in(text: str) -> list[str]:
    """Names of models in a text, each once."""
    return list(dict.fromkeys(name for name in re.split(r"[\s,]+", text) if name))


def provider_in(form: dict[str, Any], provider_id: str, kind: str, taken: set[str]) -> dict[str, Any]:
    """What ``settings.save_llm`` is given for a filled-in form. A key that was left empty is not sent, so it stays."""
    name = str(form.get("name", "")).strip()
    models = names_in(str(form.get("models", "")))
    at_once = str(form.get("max_parallel") or "").strip()
    provider: dict[str, Any] = {
        "id": provider_id or _free_id(name or kind, taken),
        "kind": kind,
        "name": name or kind,
        "base_url": str(form.get("base_url", "")).strip() or None,
        "models": models,
        "default_model": models[0] if models else None,
        "enabled": bool(form.get("enabled")),
        "max_parallel": int(at_once) if at_once.isdecimal() else at_once or None,
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
