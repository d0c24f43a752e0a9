"""A remark on the canvas."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from awe_app.domain.node import Node, NodeConfig


class NoteConfig(NodeConfig):
    text: str = Field("", title="Text", description="Markdown.", json_schema_extra={"widget": "textarea"})
    color: Literal["yellow", "blue", "green", "pink", "gray"] = Field("yellow", title="Colour")


class Note(Node[NoteConfig]):
    """A remark for those who read the workflow; it is not run."""

    type, title, icon, category = "note", "Note", "sticky-note", "Notes"
    inputs, outputs = (), ()
    runs = False

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return str(config.get("text") or "").split("\n")[0]
