"""Every page compiles, and no misspelt property of a component has silently become CSS."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import reflex as rx

from awe_app.ui.pages.chat import chat
from awe_app.ui.pages.collection import collection
from awe_app.ui.pages.execution import execution
from awe_app.ui.pages.executions import executions
from awe_app.ui.pages.knowledge import knowledge
from awe_app.ui.pages.login import login
from awe_app.ui.pages.memories import memories
from awe_app.ui.pages.not_found import not_found
from awe_app.ui.pages.register import register
from awe_app.ui.pages.settings import settings
from awe_app.ui.pages.templates import templates
from awe_app.ui.pages.workflows import workflows

PAGES: dict[str, Callable[[], rx.Component]] = {
    "workflows": workflows,
    "login": login,
    "register": register,
    "chat": chat,
    "executions": executions,
    "execution": execution,
    "templates": templates,
    "knowledge": knowledge,
    "collection": collection,
    "memories": memories,
    "not_found": not_found,
    "profile": lambda: settings("profile"),
    "appearance": lambda: settings("appearance"),
    "models": lambda: settings("models"),
    "secrets": lambda: settings("secrets"),
    "mcp": lambda: settings("mcp"),
}
NOT_CSS = {"align", "as", "direction", "justify", "layout", "size", "trim", "truncate", "variant", "weight", "wrap"}
"""Properties of Radix components; where they stand among styles, the component does not know them."""

every_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


def inside(component: Any) -> Iterator[Any]:
    """The component and everything in it, all branches included."""
    yield component
    parts = [*getattr(component, "children", ()), *(getattr(component, name, None) for name in ("comp1", "comp2"))]
    if isinstance(component, rx.components.core.match.Match):
        parts += [case[-1] for case in component.match_cases] + [component.default]
    if isinstance(component, rx.components.core.foreach.Foreach):
        parts.append(component._render().render_component())
    for part in parts:
        if part is not None:
            yield from inside(part)


@every_page
def test_no_property_has_become_css(page: Callable[[], rx.Component]) -> None:
    wrong = {
        f"{type(part).__name__}.{name}"
        for part in inside(page())
        for name in (getattr(part, "style", None) or {})
        if str(name) in NOT_CSS
    }
    assert wrong == set()


@every_page
def test_a_page_has_the_theme_switch_and_one_main_landmark(page: Callable[[], rx.Component]) -> None:
    parts = list(inside(page()))
    marks = [part.custom_attrs.get("data-testid") for part in parts if hasattr(part, "custom_attrs")]
    assert [mark for mark in marks if isinstance(mark, str)].count("theme-toggle") == 1
    assert sum(isinstance(part, rx.el.Main) for part in parts) == 1
