"""What the page of one collection holds and does: its documents, and how they come in."""

from typing import Any

import reflex as rx

from awe_app.domain.errors import Conflict, Invalid, NotFound, TooLarge
from awe_app.domain.pages import PageQuery
from awe_app.services import services
from awe_app.services.knowledge import MAX_FILE_BYTES, MAX_FILES_BYTES
from awe_app.ui import routes
from awe_app.ui.components.collection_list import CollectionRow, row_of
from awe_app.ui.components.document_list import DocumentRow, rows_of, size_in_words
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import sentence, toast

PAGE_SIZE = 50
PULSE_MS = 1_000
"""How often the page is read while a document is queued or indexing."""
ALL = "all"


class CollectionState(rx.State):
    """The collection that is shown, and a page of its documents."""

    head: CollectionRow = CollectionRow()
    """Without an id until it has been read."""
    missing: bool = False
    rows: list[DocumentRow] = []
    total: int = 0
    offset: int = 0
    query: str = ""
    status: str = ALL
    pulse_ms: int = 0

    @rx.event
    @refusals_told
    async def load(self):
        """Show the collection that the address names."""
        if self.head.id != self.asked_for:
            self.reset()
        self.query, self.status, self.offset = "", ALL, 0
        await self.show()

    @rx.event
    @refusals_told
    async def refresh(self):
        """Read it again; what did not change is not sent."""
        await self.show()

    @rx.event
    @refusals_told
    async def search(self, text: str):
        """Show documents whose name or source holds the text."""
        self.query, self.offset = text, 0
        await self.show()

    @rx.event
    @refusals_told
    async def filter_by(self, status: str):
        """Show documents of one status, or ``all``."""
        self.status, self.offset = status, 0
        await self.show()

    @rx.event
    @refusals_told
    async def turn_page(self, step: int):
        """Show the next (1) or the previous (-1) page."""
        self.offset = max(0, self.offset + step * PAGE_SIZE)
        await self.show()

    @rx.event
    @refusals_told
    async def index_again(self, document_id: str):
        """Queue a document once more."""
        user = await signed_in(self)
        await services().knowledge.index_again(user, self.asked_for, document_id)
        await self.show()

    @property
    def asked_for(self) -> str:
        """The id in the address."""
        return self.router.url.path.rstrip("/").rpartition("/")[2]

    async def show(self) -> None:
        """Read the collection and this page of its documents."""
        user = await signed_in(self)
        knowledge, wanted = services().knowledge, None if self.status == ALL else self.status
        try:
            head = row_of(await knowledge.get(user, self.asked_for))
            page = await knowledge.documents(user, head.id, PageQuery(PAGE_SIZE, self.offset, self.query), wanted)
        except NotFound:
            self.missing, self.pulse_ms = True, 0
            return
        if not page.items and self.offset:  # the last page has been emptied
            self.offset = max(0, (page.total - 1) // PAGE_SIZE * PAGE_SIZE)
            page = await knowledge.documents(user, head.id, PageQuery(PAGE_SIZE, self.offset, self.query), wanted)
        shown = {
            "head": head,
            "missing": False,
            "rows": rows_of(page.items),
            "total": page.total,
            "pulse_ms": PULSE_MS if head.busy else 0,
        }
        for name, value in shown.items():
            if getattr(self, name) != value:
                setattr(self, name, value)


class AddState(rx.State):
    """How documents come in: dropped files, and the dialog for a page or a text."""

    kind: str = ""
    """``url`` or ``text`` while its dialog is open."""
    problem: str = ""
    busy: bool = False
    uploading: str = ""
    """Says what is on its way; empty when nothing is."""
    _under_way: int = 0
    """Uploads that were announced and have not come, below 0 when one comes before it is announced."""

    @rx.event
    def arrive(self):
        """Begin with nothing open."""
        self.reset()

    @rx.event
    def begin(self, kind: str):
        """Open the dialog."""
        self.kind, self.problem, self.busy = kind, "", False

    @rx.event
    def close(self):
        """Change nothing."""
        self.kind = ""

    @rx.event
    @refusals_told
    async def save(self, form: dict[str, Any]):
        """Queue the page or the text."""
        user = await signed_in(self)
        page = await self.get_state(CollectionState)
        self.busy, self.problem = True, ""
        yield
        try:
            if self.kind == "url":
                await services().knowledge.add_url(user, page.asked_for, str(form.get("url", "")))
            else:
                name, text = str(form.get("name", "")), str(form.get("text", ""))
                await services().knowledge.add_text(user, page.asked_for, name, text)
        except (Invalid, Conflict) as error:
            self.problem = sentence(f"{error.detail}; {error.hint}" if error.hint else error.detail)
        else:
            self.kind = ""
            await page.show()
        finally:
            self.busy = False

    @rx.event
    @refusals_told
    async def announce(self, count: int, size_bytes: int):
        """Files were chosen and are on their way; more than fits at once will be refused."""
        await signed_in(self)
        if size_bytes > MAX_FILES_BYTES:
            most = f"{MAX_FILES_BYTES // 1024**2} MB"
            raise TooLarge("FILES_TOO_LARGE", f"these files are larger than {most} together", "add some at a time")
        if count > 0:
            what = "1 file" if count == 1 else f"{count} files"
            self._under_way += 1
            self.uploading = f"Uploading {what}, {size_in_words(size_bytes)}" if self._under_way > 0 else ""

    @rx.event
    @refusals_told
    async def upload(self, files: list[rx.UploadFile]):
        """Queue the files."""
        if not files:
            return None
        self._under_way -= 1
        self.uploading = self.uploading if self._under_way > 0 else ""
        user = await signed_in(self)
        page = await self.get_state(CollectionState)
        read = [(file.name or "file", await file.read(MAX_FILE_BYTES + 1), file.content_type or "") for file in files]
        added = await services().knowledge.add_files(user, page.asked_for, read)
        await page.show()
        return toast("success", "1 file added." if len(added) == 1 else f"{len(added)} files added.")

    @rx.event
    @refusals_told
    async def refuse(self, rejected: list[dict[str, Any]]):
        """Say which files the browser did not send, and why."""
        await signed_in(self)
        names = [str((each.get("file") or {}).get("path") or "a file").removeprefix("./") for each in rejected]
        most = f"{MAX_FILE_BYTES // 1024**2} MB"
        return toast(
            "error", f"Not added: {', '.join(names)[:300]}", f"A file is {most} at most, and not empty.", 8_000
        )


class CollectionDeletionState(rx.State):
    """The question before the whole collection is deleted."""

    asked: bool = False

    @rx.event
    def ask(self):
        """Deleting cannot be undone, so it asks."""
        self.asked = True

    @rx.event
    def keep(self):
        """Delete nothing after all."""
        self.asked = False

    @rx.event
    @refusals_told
    async def delete(self):
        """Delete the collection and go to the list."""
        user = await signed_in(self)
        page = await self.get_state(CollectionState)
        self.asked = False
        await services().knowledge.delete(user, page.asked_for)
        return [rx.redirect(routes.KNOWLEDGE), toast("success", "Collection deleted.", page.head.name)]
