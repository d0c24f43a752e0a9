"""What goes between the canvas in the browser and the builder's state. ``store.js`` is the other end.

Down go levels (the newest value says everything) and, only when ``revision`` rises, the document. Up comes one
message for each finished gesture. While somebody drags, nothing goes over the wire.
"""

from typing import Any, NotRequired, TypedDict

from awe_app.nodes.form import Face


class Document(TypedDict):
    """The open workflow, sent when it is opened and after changes that the browser did not make itself."""

    session: str
    """New each time the workflow is opened; ``seq`` counts from 0 in it."""
    seq: int
    """The last message from the browser that is in this document."""
    version: int
    workflow_id: str
    workflow: dict[str, Any]
    faces: dict[str, Face]
    discard: bool
    """True when what the browser has not stored yet is to go; else it is sent again after a reconnection."""


class Saved(TypedDict):
    """How far the browser's messages are stored."""

    session: str
    seq: int
    version: int
    problem: str
    """Why the newest changes are not stored; empty when they are, or soon will be."""


class Gesture(TypedDict):
    """``on_edit``: an edit (``domain/edits.py``), or a ``command``."""

    session: NotRequired[str]
    """Of the document that the browser shows; what was meant for another is not done."""
    seq: NotRequired[int]
    edit: NotRequired[dict[str, Any]]
    gesture: NotRequired[str]
    """Edits of one gesture, such as typing into one field, are one step of undo."""
    command: NotRequired[str]
    """``undo``, ``redo``, or ``received`` (with ``revision``): the document has arrived and need not be kept."""
    revision: NotRequired[int]


EDITS_FROM_THE_BROWSER = (
    "move",
    "tidy",
    "connect",
    "add_node",
    "paste",
    "delete",
    "configure",
    "set_field",
    "disable",
    "rename",
    "set_workflow",
)
"""The ``op`` of every edit that ``store.js`` and its neighbours send."""

COMMANDS = ("undo", "redo", "received")
