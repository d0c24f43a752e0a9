"""The open workflow on the side of the server: edits in, document, faces and issues out, everything stored."""

from typing import Any, cast

import reflex as rx

from awe_app.domain.errors import AweError, Conflict, Invalid, Issue, NotFound, Unauthorized
from awe_app.domain.history import History
from awe_app.domain.ids import WorkflowId
from awe_app.domain.sharing import Permission
from awe_app.nodes.registry import discover
from awe_app.services import services
from awe_app.ui import routes
from awe_app.ui.canvas.choices import choices
from awe_app.ui.canvas.desk import Desk
from awe_app.ui.canvas.envelopes import Document, Gesture
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import toast, toast_for

COPY_IT = "Nothing you change here is kept. Work on a copy: Workflows, Shared with me, Duplicate."


class BuilderState(rx.State):
    """The workflow that is open in this tab. The work itself is in ``Desk``; this shows it."""

    document: dict[str, Any] = {}
    """A ``Document``; empty again once the browser has it."""
    revision: int = 0
    faces: dict[str, Any] = {}
    """Faces that changed since the document."""
    issues: dict[str, str] = {}
    saved: dict[str, Any] = {}
    history: dict[str, int] = {"undo": 0, "redo": 0}
    findings: dict[str, dict[str, str]] = {}
    """The issues once more: node, setting, what is wrong with it."""
    choices: dict[str, Any] = {}
    """``Choices`` of the user."""
    conflict: bool = False
    """Somebody else stored a newer version: reload or overwrite?"""
    _desk: Desk | None = None
    _only_looks: bool = False
    """The workflow is somebody else's, and may not be changed."""
    _discard: bool = False

    @rx.event
    @refusals_told
    async def open_workflow(self):
        """``on_load``: show the workflow that the address names."""
        user = await signed_in(self)
        workflow_id = WorkflowId(self.router.url.path.rstrip("/").rpartition("/")[2])
        try:
            stored = await services().workflows.get(user, workflow_id)
        except NotFound as error:
            return [rx.redirect(routes.WORKFLOWS), toast_for(error)]
        discard, self._discard, self.conflict = self._discard, False, False
        self._desk = Desk(stored, discover(), self._history_of(stored.workflow))
        self._tell(stored.issues)
        self.choices = dict(await choices(user))
        self._show(self._desk, discard)
        permission = await services().sharing.permission(user, workflow_id)
        self._only_looks = permission < Permission.EDIT
        return _told(permission) if self._only_looks else None

    @rx.event
    @refusals_told
    async def choose(self):
        """A picker opens: what it offers may have changed in another tab, or on another page."""
        now = dict(await choices(await signed_in(self)))
        if now != self.choices:
            self.choices = now

    @rx.event
    @refusals_told
    async def edit(self, message: dict[str, Any]):
        """One finished gesture in the browser."""
        desk, said = self._desk, cast(Gesture, message)
        if desk is None:
            return BuilderState.open_workflow
        if said.get("command") == "received":
            if said.get("revision") == self.revision:
                self.document = {}
            return None
        if self._only_looks:  # the browser forgets what it has done, and is told why
            self._discard = True
            return BuilderState.open_workflow
        try:
            afresh = desk.receive(said)
        except Invalid as error:
            self._show(desk)
            return [toast_for(error), BuilderState.save]
        if afresh:
            self._show(desk)
        elif changed := desk.new_faces(said):
            self.faces = {**self.faces, **changed}
        self._tell_history(desk)
        return BuilderState.save

    @rx.event
    @refusals_told
    async def save(self):
        """Store what is not stored yet. One save takes along everything that was done meanwhile."""
        if not self.conflict:
            return await self.store(self._desk.version if self._desk else None)
        return None

    @rx.event
    @refusals_told
    async def overwrite(self):
        """Answer to a conflict: what is here wins."""
        self.conflict = False
        return await self.store(None)

    @rx.event
    async def take_theirs(self):
        """Answer to a conflict: what is stored wins, what is here goes."""
        self._discard = True
        return BuilderState.open_workflow

    async def store(self, expected_version: int | None) -> Any:
        """Store the document; gives an event that tells people when it could not be done."""
        desk = self._desk
        if desk is None or not desk.unsaved:
            return None
        seq = desk.seq
        try:
            user = await signed_in(self)
            stored = await services().workflows.save(user, desk.workflow_id, desk.workflow, expected_version)
        except Unauthorized:
            raise
        except AweError as error:
            known, desk.problem = desk.problem, error.detail
            self.saved = dict(desk.saved())
            if isinstance(error, Conflict):
                self.conflict = True
                return None
            return toast_for(error) if known != desk.problem else None
        desk.stored(stored, seq)
        self.saved = dict(desk.saved())
        self._tell(stored.issues)
        return None

    def tell_issues(self, issues: tuple[Issue, ...]) -> Any:
        """Show what keeps the workflow from running, on the nodes and in words."""
        self._tell(issues)
        first = issues[0].message if issues else ""
        more = f" And {len(issues) - 1} more." if len(issues) > 1 else ""
        return toast("error", "The workflow is not finished.", f"{first}.{more}")

    @property
    def desk(self) -> Desk | None:
        """The work in this tab, for the run's state."""
        return self._desk

    def _show(self, desk: Desk, discard: bool = False) -> None:
        document: Document = desk.document(discard)
        self.document, self.faces = dict(document), {}
        self.revision += 1
        self.saved = dict(desk.saved())
        self._tell_history(desk)

    def _tell(self, issues: tuple[Issue, ...]) -> None:
        self.issues, self.findings = by_node(issues), by_setting(issues)

    def _tell_history(self, desk: Desk) -> None:
        self.history = {"undo": len(desk.history.done), "redo": len(desk.history.undone)}

    def _history_of(self, workflow: Any) -> History | None:
        """What can be undone goes on after a reload, when nothing else changed the workflow meanwhile."""
        before = self._desk
        return before.history if before is not None and before.workflow == workflow else None


def _told(permission: Permission) -> Any:
    can = "look at it and run it" if permission is Permission.RUN else "look at it"
    return toast("info", f"Shared with you: you may {can}.", COPY_IT, duration_ms=8_000)


def by_node(issues: tuple[Issue, ...] | list[Issue]) -> dict[str, str]:
    """One text for each node that has issues, errors first; those of the workflow itself stand under ``""``."""
    found: dict[str, list[str]] = {}
    for issue in sorted(issues, key=lambda issue: issue.severity != "error"):
        found.setdefault(issue.node_id or "", []).append(issue.message)
    return {node_id: "; ".join(messages[:3]) for node_id, messages in found.items()}


def by_setting(issues: tuple[Issue, ...] | list[Issue]) -> dict[str, dict[str, str]]:
    """The first issue of each setting, by node and by the setting's dotted place in it."""
    found: dict[str, dict[str, str]] = {}
    for issue in sorted(issues, key=lambda issue: issue.severity != "error"):
        if issue.node_id and issue.field:
            found.setdefault(issue.node_id, {}).setdefault(issue.field, issue.message)
    return found
