"""How the UI's functions name what they show."""

from typing import Annotated, Any, TypeVar

ShownT = TypeVar("ShownT")

Shown = Annotated[Any, ShownT]
"""``Shown[WorkflowCard]``: a Reflex var that holds a ``WorkflowCard`` in the browser.

To a type checker it is ``Any``: vars answer to the attributes and methods of what they hold, which it cannot see.
"""
