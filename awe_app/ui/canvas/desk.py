"""One tab's work on one workflow: the document, what can be undone, and how much of it is stored.

Plain Python without Reflex; ``BuilderState`` keeps one and shows what it says.
"""

from typing import Any
from uuid import uuid4

from awe_app.domain.edits import read_edit
from awe_app.domain.errors import Invalid
from awe_app.domain.history import History
from awe_app.domain.ids import WorkflowId
from awe_app.domain.stored import StoredWorkflow
from awe_app.domain.workflow import NodeSpec, Workflow
from awe_app.nodes.form import Face, face
from awe_app.nodes.registry import NodeTypes
from awe_app.ui.canvas.envelopes import Document, Gesture, Saved


class Desk:
    """An open workflow. ``seq`` counts the browser's messages; ``stored_seq`` is the last that is stored."""

    def __init__(self, stored: StoredWorkflow, node_types: NodeTypes, history: History | None = None) -> None:
        self.workflow_id: WorkflowId = stored.id
        self.workflow: Workflow = stored.workflow
        self.version = stored.version
        self.session = uuid4().hex
        self.seq = self.stored_seq = 0
        self.history = history or History()
        self.problem = ""
        self._types = node_types
        self._faces: dict[str, Face] = {}

    @property
    def unsaved(self) -> bool:
        """Whether something was done that is not stored yet."""
        return self.seq != self.stored_seq

    def receive(self, message: Gesture) -> bool:
        """Do what the browser says; true when the browser has to be given the document afresh.

        Raises:
            Invalid: the edit is malformed or does not fit; the workflow is as it was, and the message counts as read.
        """
        seq = message.get("seq")
        if message.get("session") != self.session or not isinstance(seq, int) or seq <= self.seq:
            return False  # meant for another document, or done before
        self.seq = seq
        match message.get("command"):
            case "undo":
                self.workflow, self.history = self.history.undo(self.workflow)
                return True
            case "redo":
                self.workflow, self.history = self.history.redo(self.workflow)
                return True
            case None:
                edit = read_edit(message.get("edit"))
                gesture = str(message.get("gesture") or "")[:200]
                self.workflow, self.history = self.history.do(self.workflow, edit, gesture)
                return edit.op == "rename"
            case _:
                raise Invalid("UNKNOWN_COMMAND", "the builder does not know this command; reload the page")

    def stored(self, stored: StoredWorkflow, seq: int) -> None:
        """Note that everything up to ``seq`` is stored as this version."""
        self.version, self.stored_seq, self.problem = stored.version, seq, ""

    def document(self, discard: bool = False) -> Document:
        """All of it, for the browser, which forgets its own unstored work on ``discard``."""
        self._faces = {node.id: self._face(node) for node in self.workflow.nodes}
        return Document(
            session=self.session,
            seq=self.seq,
            version=self.version,
            workflow_id=self.workflow_id,
            workflow=self.workflow.as_json(),
            faces=self._faces,
            discard=discard,
        )

    def new_faces(self, message: Gesture) -> dict[str, Face]:
        """Faces that the message changed, since the last document or the last call."""
        changed: dict[str, Face] = {}
        for node in self._touched(message):
            now = self._face(node)
            if now != self._faces.get(node.id):
                changed[node.id] = self._faces[node.id] = now
        return changed

    def saved(self) -> Saved:
        """How much is stored, for the browser."""
        return Saved(session=self.session, seq=self.stored_seq, version=self.version, problem=self.problem)

    def _touched(self, message: Gesture) -> list[NodeSpec]:
        raw: dict[str, Any] = message.get("edit") or {}
        match raw.get("op"):
            case "configure" | "set_field":
                ids = {raw.get("node")}
            case "add_node":
                ids = {raw["node"].get("id")}
            case "paste":
                ids = {node.get("id") for node in raw["nodes"]}
            case _:
                return []
        return [node for node in self.workflow.nodes if node.id in ids]

    def _face(self, node: NodeSpec) -> Face:
        node_type = self._types.get(node.type)
        return face(node_type, node.config) if node_type else {"summary": ""}
