"""Python side of ``chat_parts.jsx``."""

from typing import Any

import reflex as rx

from awe_app.ui.browser_files import importable


class ChatPart(rx.NoSSRComponent):
    """Base of the components of this file."""

    library = importable(__name__, "chat_parts.jsx")

    @classmethod
    def create(cls, *children: Any, **props: Any) -> rx.Component:
        """The component; its file is linked here and not at import: a server with built pages needs none."""
        rx.asset("chat_parts.jsx", shared=True)
        return super().create(*children, **props)


class ChatBox(ChatPart):
    """A text box that grows; Enter sends the form around it, Shift+Enter begins a new line."""

    tag = "ChatBox"

    name: rx.Var[str]
    label: rx.Var[str]
    placeholder: rx.Var[str]
    draft: rx.Var[dict[str, Any]]
    """``{text, turn}``: what it holds when ``turn`` changes."""
    busy: rx.Var[bool]


class StayAtEnd(ChatPart):
    """Scrolls, and keeps its end in sight unless somebody has scrolled up."""

    tag = "StayAtEnd"

    turn: rx.Var[int]
    """A change of it goes to the end."""


chat_box = ChatBox.create
stay_at_end = StayAtEnd.create
