"""How the UI's functions name what they show."""

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

ShownT = TypeVar("ShownT")

if TYPE_CHECKING:
    Shown = Annotated[Any, ShownT]
else:

    class Shown:
        """``Shown[WorkflowCard]``: a Reflex var that holds a ``WorkflowCard`` in the browser.

        To a type checker it is ``Any``: a var answers to what it holds, which the checker cannot see.
        """

        def __class_getitem__(cls, _held: Any) -> Any:
            return Any


def in_browser(value: Any) -> Any:
    """A state's var as what it is in a page: a var, with a var's methods."""
    return value


def count(items: Shown[list[Any]]) -> Any:
    """How many items a list in the browser has, as a var."""
    return items.length()
