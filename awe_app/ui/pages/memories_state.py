"""What the page of memories holds and does."""

import json
from typing import Any

import reflex as rx

from awe_app.domain.errors import Invalid, Unavailable
from awe_app.services import services
from awe_app.ui.components.memory_list import MemoryRow, rows_of
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import sentence, toast

PAGE_SIZE = 50
RECALLED = 20
"""Shown at most when something is searched for."""


class MemoriesState(rx.State):
    """The namespace that is shown, and its memories."""

    namespaces: list[dict[str, str]] = []
    """``{name, title}``."""
    namespace: str = ""
    rows: list[MemoryRow] = []
    total: int = 0
    offset: int = 0
    query: str = ""
    loaded: bool = False

    @rx.event
    @refusals_told
    async def load(self):
        """Show the first namespace, or the one that was shown last."""
        self.query, self.offset = "", 0
        await self.show()

    @rx.event
    @refusals_told
    async def choose(self, namespace: str):
        """Show another namespace."""
        self.namespace, self.query, self.offset = namespace, "", 0
        await self.show()

    @rx.event
    @refusals_told
    async def search(self, text: str):
        """Show what an agent would be reminded of by this text, best first."""
        self.query, self.offset = text, 0
        await self.show()

    @rx.event
    @refusals_told
    async def turn_page(self, step: int):
        """Show the next (1) or the previous (-1) page."""
        self.offset = max(0, self.offset + step * PAGE_SIZE)
        await self.show()

    @rx.event
    @refusals_told
    async def export(self):
        """Save all of the namespace as a file."""
        user = await signed_in(self)
        kept = await services().memories.export(user, self.namespace)
        name = "".join(c if c.isalnum() else "-" for c in self.namespace).strip("-")[:60] or "all"
        return rx.download(data=json.dumps(kept, indent=2, ensure_ascii=False), filename=f"memories-{name}.json")

    async def show(self) -> None:
        """Read everything anew."""
        user = await signed_in(self)
        memories = services().memories
        known = [each for each in await memories.namespaces(user) if each["count"]]
        names = [str(each["namespace"]) for each in known]
        if self.namespace not in names:
            self.namespace, self.offset, self.query = names[0] if names else "", 0, ""
        self.namespaces = [
            {"name": name, "title": f"{name} ({each['count']:,})"} for name, each in zip(names, known, strict=True)
        ]
        if not names:
            self.rows, self.total, self.loaded = [], 0, True
            return
        if self.query.strip():
            page = await memories.recall(user, self.namespace, self.query, RECALLED)
        else:
            page = await memories.page(user, self.namespace, PAGE_SIZE, self.offset)
            if not page.items and self.offset:  # the last page has been emptied
                self.offset = max(0, (page.total - 1) // PAGE_SIZE * PAGE_SIZE)
                page = await memories.page(user, self.namespace, PAGE_SIZE, self.offset)
        self.rows, self.total, self.loaded = rows_of(page.items), page.total, True


class MemoryState(rx.State):
    """The dialog that changes a memory, and the question before memories are deleted."""

    edited: MemoryRow = MemoryRow()
    """Without an id while the dialog is closed."""
    doomed: MemoryRow = MemoryRow()
    all_doomed: bool = False
    problem: str = ""
    busy: bool = False

    @rx.event
    def arrive(self):
        """Begin with nothing open."""
        self.reset()

    @rx.event
    async def edit(self, memory_id: str):
        """Open the dialog."""
        self.edited, self.problem, self.busy = await self._row(memory_id), "", False

    @rx.event
    def close(self):
        """Change nothing."""
        self.edited = MemoryRow()

    @rx.event
    @refusals_told
    async def save(self, form: dict[str, Any]):
        """Keep the new words."""
        user = await signed_in(self)
        listed = await self.get_state(MemoriesState)
        self.busy, self.problem = True, ""
        yield
        try:
            await services().memories.edit(user, listed.namespace, self.edited.id, str(form.get("text", "")))
        except (Invalid, Unavailable) as error:
            self.problem = sentence(f"{error.detail}; {error.hint}" if error.hint else error.detail)
        else:
            self.edited = MemoryRow()
            await listed.show()
            yield toast("success", "Memory changed.")
        finally:
            self.busy = False

    @rx.event
    async def ask(self, memory_id: str):
        """Deleting cannot be undone, so it asks."""
        self.doomed, self.all_doomed = await self._row(memory_id), False

    @rx.event
    def ask_all(self):
        """Ask before the whole namespace is deleted."""
        self.doomed, self.all_doomed = MemoryRow(), True

    @rx.event
    def keep(self):
        """Delete nothing after all."""
        self.doomed, self.all_doomed = MemoryRow(), False

    @rx.event
    @refusals_told
    async def delete(self):
        """Delete what was asked about."""
        user = await signed_in(self)
        listed = await self.get_state(MemoriesState)
        whole, memory_id = self.all_doomed, self.doomed.id
        self.doomed, self.all_doomed = MemoryRow(), False
        if not (whole or memory_id):
            return None
        await services().memories.forget(user, listed.namespace, None if whole else memory_id)
        await listed.show()
        return toast("success", "Memories deleted." if whole else "Memory deleted.")

    async def _row(self, memory_id: str) -> MemoryRow:
        listed = await self.get_state(MemoriesState)
        return next((row for row in listed.rows if row.id == memory_id), MemoryRow())
