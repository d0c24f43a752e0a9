"""What the page of workflows holds and does."""

import json

import reflex as rx

from awe_app.domain.errors import Invalid
from awe_app.domain.ids import WorkflowId
from awe_app.domain.pages import PageQuery
from awe_app.domain.stored import SERVER_KEYS
from awe_app.services import services
from awe_app.ui import routes
from awe_app.ui.components.workflow_list import WorkflowCard, cards_of
from awe_app.ui.pages.templates import TemplateGalleryState
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import toast

PAGE_SIZE = 24
LATEST_EXECUTIONS = 200
"""The strips of dots are drawn from this many of the user's last executions."""
MAX_IMPORT_BYTES = 5_000_000
COPY_SUFFIX = " (copy)"
MAX_NAME_LENGTH = 200


class WorkflowListState(rx.State):
    """The page of workflows that is shown, and which of them are chosen."""

    cards: list[WorkflowCard] = []
    total: int = 0
    query: str = ""
    sort: str = "-updated_at"
    offset: int = 0
    loaded: bool = False
    selected: list[str] = []
    to_delete: list[str] = []
    """Ids the dialog asks about; empty while it is closed."""

    @rx.event
    @refusals_told
    async def load(self):
        """Show the list from its beginning."""
        await signed_in(self)
        self.query, self.offset, self.selected, self.to_delete = "", 0, [], []
        await self._show()
        if self.total == 0:
            return TemplateGalleryState.load
        return None

    @rx.event
    @refusals_told
    async def search(self, text: str):
        """Show the workflows whose name or description holds the text."""
        await signed_in(self)
        self.query, self.offset = text, 0
        await self._show()

    @rx.event
    @refusals_told
    async def sort_by(self, sort: str):
        """Show the list in another order."""
        await signed_in(self)
        self.sort, self.offset = sort, 0
        await self._show()

    @rx.event
    @refusals_told
    async def turn_page(self, step: int):
        """Show the next (1) or the previous (-1) page."""
        await signed_in(self)
        self.offset = max(0, self.offset + step * PAGE_SIZE)
        await self._show()

    @rx.event
    @refusals_told
    async def create(self):
        """Make an empty workflow and open it."""
        user = await signed_in(self)
        stored = await services().workflows.create(user, {"schema_version": 1, "name": "Untitled workflow"})
        return rx.redirect(routes.workflow(stored.id))

    @rx.event
    @refusals_told
    async def import_file(self, files: list[rx.UploadFile]):
        """Make a workflow of each JSON file; one alone is opened."""
        user = await signed_in(self)
        made = []
        for file in files:
            raw = workflow_in_file(file.name or "the file", await file.read(MAX_IMPORT_BYTES + 1))
            made.append(await services().workflows.create(user, raw))
        if len(made) == 1:
            return rx.redirect(routes.workflow(made[0].id))
        await self._show()
        return toast("success", f"{len(made)} workflows imported.")

    @rx.event
    @refusals_told
    async def duplicate(self, workflow_id: str):
        """Make a copy beside the original."""
        user = await signed_in(self)
        raw = (await services().workflows.get(user, WorkflowId(workflow_id))).workflow.as_json()
        raw["name"] = raw["name"][: MAX_NAME_LENGTH - len(COPY_SUFFIX)] + COPY_SUFFIX
        await services().workflows.create(user, raw)
        self.offset = 0
        await self._show()
        return toast("success", "Duplicated.")

    @rx.event
    @refusals_told
    async def export(self, workflow_id: str):
        """Save the workflow file."""
        user = await signed_in(self)
        workflow = (await services().workflows.get(user, WorkflowId(workflow_id))).workflow
        name = "".join(c if c.isalnum() else "-" for c in workflow.name).strip("-")[:60] or "workflow"
        return rx.download(data=json.dumps(workflow.as_json(), indent=2, ensure_ascii=False), filename=f"{name}.json")

    @rx.event
    def select(self, workflow_id: str, chosen: bool):
        """Choose a workflow for the bulk actions, or no longer."""
        others = [i for i in self.selected if i != workflow_id]
        self.selected = [*others, workflow_id] if chosen else others

    @rx.event
    def select_all(self):
        """Choose all that are shown."""
        self.selected = [card.id for card in self.cards]

    @rx.event
    def select_none(self):
        """Choose nothing."""
        self.selected = []

    @rx.event
    def ask_to_delete(self, workflow_id: str):
        """Ask before deleting one."""
        self.to_delete = [workflow_id]

    @rx.event
    def ask_to_delete_selected(self):
        """Ask before deleting the chosen ones."""
        self.to_delete = list(self.selected)

    @rx.event
    def keep_all(self):
        """Close the question and delete nothing."""
        self.to_delete = []

    @rx.event
    @refusals_told
    async def delete(self):
        """Delete what the dialog asked about."""
        user = await signed_in(self)
        ids, self.to_delete = [WorkflowId(i) for i in self.to_delete], []
        if not ids:
            return None
        deleted, _ = await services().workflows.bulk_delete(user, ids)
        self.selected = [i for i in self.selected if i not in ids]
        await self._show()
        return [
            toast("success", "1 workflow deleted." if len(deleted) == 1 else f"{len(deleted)} workflows deleted."),
            *([TemplateGalleryState.load] if self.total == 0 else []),
        ]

    async def _show(self) -> None:
        user = await signed_in(self)
        query = PageQuery(PAGE_SIZE, self.offset, self.query, self.sort)
        page = await services().workflows.list(user, query)
        if not page.items and self.offset:  # the last page has been emptied
            self.offset = max(0, (page.total - 1) // PAGE_SIZE * PAGE_SIZE)
            page = await services().workflows.list(user, PageQuery(PAGE_SIZE, self.offset, self.query, self.sort))
        latest = await services().executions.list(user, PageQuery(LATEST_EXECUTIONS)) if page.items else None
        self.cards = cards_of(page.items, latest.items if latest else ())
        self.total, self.loaded = page.total, True


def workflow_in_file(name: str, content: bytes) -> dict:
    """The workflow that an uploaded file holds, without what only the server writes.

    Raises:
        Invalid: ``NOT_A_WORKFLOW_FILE``.
    """
    if len(content) > MAX_IMPORT_BYTES:
        raise Invalid("NOT_A_WORKFLOW_FILE", f"{name} is larger than 5 MB.", "Split the workflow up.")
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Invalid("NOT_A_WORKFLOW_FILE", f"{name} is no JSON.", "Choose a file that AWE exported.") from error
    if not isinstance(raw, dict) or "nodes" not in raw:
        raise Invalid(
            "NOT_A_WORKFLOW_FILE", f"{name} holds no workflow.", "It needs an object with 'name' and 'nodes'."
        )
    return {key: value for key, value in raw.items() if key not in SERVER_KEYS}
