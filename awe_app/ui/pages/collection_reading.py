"""What is read in a collection: passages that were searched for, and the chunks of a document."""

from collections.abc import AsyncGenerator
from typing import Any

import reflex as rx

from awe_app.domain.knowledge import Document
from awe_app.services import services
from awe_app.ui.components.document_list import DocumentRow
from awe_app.ui.components.document_list import row_of as document_row
from awe_app.ui.components.passage_list import PassageRow, passages_of
from awe_app.ui.pages.collection_state import CollectionState
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import toast

CHUNKS_SHOWN = 20
PASSAGES_SHOWN = 10


class ReadingState(rx.State):
    """A document's chunks, in a dialog; and the question before a document is deleted."""

    document: DocumentRow = DocumentRow()
    """Without an id while the dialog is closed."""
    chunks: list[PassageRow] = []
    total: int = 0
    offset: int = 0
    marked: int = -1
    """Position of the chunk that led here; -1 for none."""
    doomed: DocumentRow = DocumentRow()

    @rx.event
    def arrive(self):
        """Begin with nothing open."""
        self.reset()

    @rx.event
    @refusals_told
    async def open(self, document_id: str, chunk: int = -1):
        """Show the document's chunks, from the page that holds ``chunk``."""
        self.marked, self.offset = chunk, max(0, chunk) // CHUNKS_SHOWN * CHUNKS_SHOWN
        self.document = document_row(await self._document(document_id))
        await self._show()

    @rx.event
    @refusals_told
    async def turn_page(self, step: int):
        """Show the next (1) or the previous (-1) chunks."""
        self.offset = max(0, self.offset + step * CHUNKS_SHOWN)
        await self._show()

    @rx.event
    def close(self):
        """Close the dialog."""
        self.document, self.chunks, self.total = DocumentRow(), [], 0

    @rx.event
    @refusals_told
    async def ask(self, document_id: str):
        """Deleting cannot be undone, so it asks."""
        self.doomed = document_row(await self._document(document_id))

    @rx.event
    def keep(self):
        """Delete nothing after all."""
        self.doomed = DocumentRow()

    @rx.event
    @refusals_told
    async def delete(self):
        """Delete the document that was asked about."""
        user = await signed_in(self)
        page = await self.get_state(CollectionState)
        row, self.doomed = self.doomed, DocumentRow()
        await services().knowledge.delete_document(user, page.asked_for, row.id)
        await page.show()
        return toast("success", "Document deleted.", row.name)

    async def _document(self, document_id: str) -> Document:
        user = await signed_in(self)
        page = await self.get_state(CollectionState)
        return await services().knowledge.document(user, page.asked_for, document_id)

    async def _show(self) -> None:
        user = await signed_in(self)
        page = await self.get_state(CollectionState)
        found = await services().knowledge.chunks(user, page.asked_for, self.document.id, CHUNKS_SHOWN, self.offset)
        self.chunks, self.total = passages_of(found.items), found.total


class PassagesState(rx.State):
    """What was looked for in the collection, and what was found."""

    query: str = ""
    """What the passages were found for; empty before anything was."""
    mode: str = "hybrid"
    passages: list[PassageRow] = []
    busy: bool = False

    @rx.event
    def arrive(self):
        """Begin with nothing open."""
        self.reset()

    @rx.event
    @refusals_told
    async def search(self, form: dict[str, Any]):
        """Find passages."""
        async for _ in self._find(str(form.get("query", ""))):
            yield

    @rx.event
    @refusals_told
    async def change_mode(self, mode: str | list[str]):
        """Find by meaning, by words, or by both; what was found is found anew."""
        self.mode = str(mode)
        async for _ in self._find(self.query):
            yield

    @rx.event
    def clear(self):
        """Show the documents alone again."""
        self.query, self.passages = "", []

    async def _find(self, query: str) -> AsyncGenerator[None]:
        user = await signed_in(self)
        page = await self.get_state(CollectionState)
        query = query.strip()[:10_000]
        if not query:
            self.clear()
            return
        self.busy = True
        yield
        mode = self.mode if self.mode in ("vector", "keyword") else "hybrid"
        try:
            found = await services().knowledge.search(user, page.asked_for, query, PASSAGES_SHOWN, mode)
            self.query, self.passages = query, passages_of(found)
        finally:
            self.busy = False
