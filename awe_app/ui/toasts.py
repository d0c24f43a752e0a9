"""Short messages in the corner of the page. Each carries ``data-testid="toast"``."""

from typing import Any, Literal

import reflex as rx
from reflex.vars import FunctionVar, ObjectVar
from reflex_components_sonner.toast import ToastProps, toast_ref

from awe_app.domain.errors import AweError, TooMany

Level = Literal["success", "info", "warning", "error"]


class MarkedToastProps(ToastProps):
    """Reflex's toast options and the one it does not pass on: the test id."""

    test_id: str = "toast"


def toast(level: Level, title: str, description: str = "", duration_ms: int = 5_000) -> Any:
    """An event that shows a message."""
    options = MarkedToastProps(  # pyright: ignore [reportCallIssue]
        component_name="rx.toast",  # pyright: ignore [reportCallIssue]
        description=description or None,
        duration=duration_ms,
    )
    show = ObjectVar.__getattr__(toast_ref.to(dict), level).to(FunctionVar)
    return rx.run_script(show.call(title, rx.Var.create(options)))


def toast_for(error: AweError) -> Any:
    """An event that tells people what went wrong and what to do next. The one place where the UI words an error."""
    hint = sentence(error.hint)
    if isinstance(error, TooMany):
        hint = hint or f"Try again in {error.retry_after_s} seconds."
    return toast("error", sentence(error.detail), hint, duration_ms=8_000)


def sentence(text: str) -> str:
    """The text with a capital letter first, as it stands alone."""
    text = text.strip()
    return text[:1].upper() + text[1:]
