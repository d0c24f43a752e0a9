"""What the page of collections holds and does."""

from typing import Any

import reflex as rx

from awe_app.domain.errors import Conflict, Invalid, Unavailable
from awe_app.domain.knowledge import MAX_CHUNK_CHARS, MIN_CHUNK_CHARS
from awe_app.domain.pages import PageQuery
from awe_app.services import services
from awe_app.services.knowledge import EMBEDDING_KINDS, LOCAL_EMBEDDER, CollectionSettings
from awe_app.ui import routes
from awe_app.ui.components.collection_list import CollectionRow, rows_of
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import sentence, toast

PAGE_SIZE = 50
PULSE_MS = 1_000
"""How often the list is read while a document on it is queued or indexing."""


class KnowledgeState(rx.State):
    """The page of collections that is shown."""

    rows: list[CollectionRow] = []
    total: int = 0
    query: str = ""
    offset: int = 0
    loaded: bool = False
    pulse_ms: int = 0
    doomed: CollectionRow = CollectionRow()
    """Asked about before it is deleted; without an id while nothing is asked."""

    @rx.event
    @refusals_told
    async def load(self):
        """Show the list from its beginning."""
        self.query, self.offset, self.doomed = "", 0, CollectionRow()
        await self._show()

    @rx.event
    @refusals_told
    async def refresh(self):
        """Read the list again; what did not change is not sent."""
        await self._show()

    @rx.event
    @refusals_told
    async def search(self, text: str):
        """Show collections whose name or description holds the text."""
        self.query, self.offset = text, 0
        await self._show()

    @rx.event
    @refusals_told
    async def turn_page(self, step: int):
        """Show the next (1) or the previous (-1) page."""
        self.offset = max(0, self.offset + step * PAGE_SIZE)
        await self._show()

    @rx.event
    def ask(self, collection_id: str):
        """Deleting cannot be undone, so it asks."""
        self.doomed = next((row for row in self.rows if row.id == collection_id), CollectionRow())

    @rx.event
    def keep(self):
        """Delete nothing after all."""
        self.doomed = CollectionRow()

    @rx.event
    @refusals_told
    async def delete(self):
        """Delete the collection that was asked about."""
        user = await signed_in(self)
        row, self.doomed = self.doomed, CollectionRow()
        await services().knowledge.delete(user, row.id)
        await self._show()
        return toast("success", "Collection deleted.", row.name)

    async def _show(self) -> None:
        user = await signed_in(self)
        page = await services().knowledge.list(user, PageQuery(PAGE_SIZE, self.offset, self.query))
        if not page.items and self.offset:  # the last page has been emptied
            self.offset = max(0, (page.total - 1) // PAGE_SIZE * PAGE_SIZE)
            page = await services().knowledge.list(user, PageQuery(PAGE_SIZE, self.offset, self.query))
        rows = rows_of(page.items)
        pulse_ms = PULSE_MS if any(row.busy for row in rows) else 0
        for name, value in (("rows", rows), ("total", page.total), ("pulse_ms", pulse_ms), ("loaded", True)):
            if getattr(self, name) != value:
                setattr(self, name, value)


class NewCollectionState(rx.State):
    """The dialog that sets up a collection."""

    is_open: bool = False
    providers: list[dict[str, str]] = []
    """``{id, title}`` of the user's providers that can embed."""
    provider: str = LOCAL_EMBEDDER
    """The one that is chosen, or the embedder on this machine."""
    problem: str = ""
    busy: bool = False

    @rx.event
    @refusals_told
    async def begin(self):
        """Open the form."""
        user = await signed_in(self)
        settings = await services().settings.llm(user)
        self.providers = [
            {"id": each["id"], "title": each["name"] or each["id"]}
            for each in settings["providers"]
            if each["kind"] in EMBEDDING_KINDS and each["enabled"]
        ]
        self.provider, self.problem, self.busy, self.is_open = LOCAL_EMBEDDER, "", False, True

    @rx.event
    def close(self):
        """Change nothing."""
        self.is_open = False

    @rx.event
    def choose(self, provider: str):
        """Have this provider embed."""
        self.provider = provider

    @rx.event
    @refusals_told
    async def save(self, form: dict[str, Any]):
        """Set up the collection and open its page."""
        user = await signed_in(self)
        self.busy, self.problem = True, ""
        yield
        try:
            made = await services().knowledge.create(user, collection_in(form, self.provider))
        except (Invalid, Conflict, Unavailable) as error:
            self.problem = sentence(f"{error.detail}; {error.hint}" if error.hint else error.detail)
        else:
            self.is_open = False
            yield rx.redirect(routes.collection(made.id))
        finally:
            self.busy = False


def collection_in(form: dict[str, Any], provider: str) -> CollectionSettings:
    """What ``knowledge.create`` is given for a filled-in form.

    Raises:
        Invalid: ``INVALID_COLLECTION``, a size is not possible, or a provider's model has no name.
    """
    model = str(form.get("model", "")).strip()
    if provider != LOCAL_EMBEDDER and not model:
        raise Invalid("INVALID_COLLECTION", "say which model of the provider shall embed")
    chunk_chars = _whole(form, "chunk_chars")
    if not MIN_CHUNK_CHARS <= chunk_chars <= MAX_CHUNK_CHARS:
        raise Invalid("INVALID_COLLECTION", f"a chunk has {MIN_CHUNK_CHARS:,} to {MAX_CHUNK_CHARS:,} characters")
    overlap_chars = _whole(form, "overlap_chars")
    if not 0 <= overlap_chars <= chunk_chars // 2:
        raise Invalid("INVALID_COLLECTION", f"the overlap is 0 to {chunk_chars // 2:,} characters, half a chunk")
    return CollectionSettings(
        name=str(form.get("name", "")),
        description=str(form.get("description", ""))[:2_000],
        embedder=None if provider == LOCAL_EMBEDDER else f"{provider}/{model}",
        chunk_chars=chunk_chars,
        overlap_chars=overlap_chars,
        by_headings=bool(form.get("by_headings")),
    )


def _whole(form: dict[str, Any], name: str) -> int:
    """The number in a field; -1 when there is none."""
    given = str(form.get(name, "")).strip()
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 9 else -1
