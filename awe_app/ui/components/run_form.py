"""The dialog that asks for a run's inputs, one control for each field of the input node."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.pages.run_form_state import RunFormState
from awe_app.ui.pages.run_state import RunState

Field = rx.vars.ObjectVar[dict[str, Any]]
"""One entry of ``RunFormState.fields``."""


def run_form() -> rx.Component:
    """The dialog; it opens by ``RunFormState.shown``."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Run this workflow", size="4", margin_bottom=theme.SPACE_M),
            rx.form(
                rx.flex(
                    rx.foreach(RunFormState.fields, field_control),
                    rx.cond(
                        RunFormState.problem != "",
                        rx.callout(
                            RunFormState.problem, icon="triangle-alert", color_scheme="red", size="1", role="alert"
                        ),
                    ),
                    rx.flex(
                        rx.dialog.close(rx.button("Cancel", type="button", variant="soft", color_scheme="gray")),
                        rx.button("Run", type="submit", data_testid="run-submit"),
                        justify="end",
                        gap=theme.SPACE_S,
                        margin_top=theme.SPACE_S,
                    ),
                    direction="column",
                    gap=theme.SPACE_M,
                ),
                on_submit=RunState.submit,
            ),
            max_width="480px",
            aria_describedby="",
        ),
        open=RunFormState.shown,
        on_open_change=RunFormState.close,
    )


def field_control(field: Field) -> rx.Component:
    """The labelled control for one field that a person fills in."""
    return rx.el.div(
        rx.cond(
            field["type"] == "boolean",
            _switch(field),
            rx.fragment(
                rx.el.label(
                    field["label"].to(str),
                    rx.cond(field["required"].to(bool), rx.el.span(" *", color=theme.DANGER_TEXT)),
                    html_for=_id(field),
                    font_size="13px",
                    font_weight="500",
                    display="block",
                    margin_bottom="5px",
                ),
                rx.match(
                    field["type"],
                    ("long_text", _area(field, "4")),
                    ("list", _area(field, "3", "One item a line")),
                    ("json", _area(field, "4", '{"key": "value"}')),
                    ("select", _select(field)),
                    ("number", _text(field, "decimal")),
                    ("integer", _text(field, "numeric")),
                    _text(field, "text"),
                ),
            ),
        ),
        rx.cond(
            field["description"].to(str) != "",
            rx.text(field["description"].to(str), size="1", color=theme.TEXT_MUTED, margin_top="4px"),
        ),
    )


def _id(field: Field) -> Any:
    return f"awe-{field['testid'].to(str)}"


def _common(field: Field) -> dict[str, Any]:
    return {
        "id": _id(field),
        "name": field["name"].to(str),
        "default_value": field["value"].to(str),
        "required": field["required"].to(bool),
        "data_testid": field["testid"].to(str),
    }


def _text(field: Field, mode: Any) -> rx.Component:
    return rx.input(**_common(field), input_mode=mode, width="100%", auto_complete="off")


def _area(field: Field, rows: str, placeholder: str = "") -> rx.Component:
    return rx.text_area(**_common(field), rows=rows, placeholder=placeholder, width="100%", resize="vertical")


def _select(field: Field) -> rx.Component:
    """The browser's own list, which needs no script and works with every assistive tool."""
    return rx.el.select(
        rx.el.option("Choose…", value=""),
        rx.foreach(field["options"].to(list[str]), lambda option: rx.el.option(option, value=option)),
        **_common(field),
        width="100%",
        height="32px",
        padding="0 8px",
        border=theme.BORDER_STRONG,
        border_radius=theme.RADIUS,
        background=theme.PANEL,
        color=theme.TEXT,
    )


def _switch(field: Field) -> rx.Component:
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            id=_id(field),
            name=field["name"].to(str),
            default_checked=field["checked"].to(bool),
            data_testid=field["testid"].to(str),
        ),
        rx.el.span(field["label"].to(str), margin_left="8px", font_size="13px", font_weight="500"),
    )
