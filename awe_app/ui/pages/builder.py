"""``/workflows/<id>``: the builder."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.canvas.canvas import builder_toolbar, node_inspector, node_palette, workflow_canvas
from awe_app.ui.components.console import console
from awe_app.ui.components.run_form import run_form
from awe_app.ui.layout import shell
from awe_app.ui.pages.builder_state import BuilderState
from awe_app.ui.pages.run_state import RunState

ON_LOAD: list[Any] = [BuilderState.open_workflow, RunState.find_last]
"""What the page does when it is opened, in this order."""


def builder() -> rx.Component:
    """The page: toolbar, palette, canvas, inspector, console; laid out by ``builder.css``."""
    return shell(
        rx.el.div(
            rx.el.div(builder_toolbar(), class_name="awe-bar-area"),
            node_palette(),
            rx.el.div(_canvas(), class_name="awe-canvas-area"),
            node_inspector(),
            rx.el.div(console(), class_name="awe-console-area"),
            class_name="awe-builder",
        ),
        run_form(),
        _conflict(),
        title="Workflow",
        section="workflows",
        header=False,
    )


def _canvas() -> rx.Component:
    return workflow_canvas(
        document=BuilderState.document,
        revision=BuilderState.revision,
        faces=BuilderState.faces,
        issues=BuilderState.issues,
        findings=BuilderState.findings,
        saved=BuilderState.saved,
        history=BuilderState.history,
        choices=BuilderState.choices,
        settled=RunState.settled,
        recent=RunState.recent,
        preview=RunState.preview,
        execution=RunState.execution,
        io=RunState.io,
        on_edit=BuilderState.edit,
        on_choose=BuilderState.choose,
        on_select=RunState.look_at,
        on_run=RunState.run,
        on_stop=RunState.stop,
    )


def _conflict() -> rx.Component:
    """Somebody else (or another tab) stored a newer version."""
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title("Somebody else changed this workflow", size="4"),
            rx.alert_dialog.description(
                "A newer version was stored while you worked on this one. Load it and lose your last changes, "
                "or keep yours and replace it.",
                size="2",
            ),
            rx.flex(
                rx.button(
                    "Load theirs",
                    variant="soft",
                    color_scheme="gray",
                    on_click=BuilderState.take_theirs,
                    data_testid="conflict-reload",
                ),
                rx.button("Keep mine", on_click=BuilderState.overwrite, data_testid="conflict-overwrite"),
                justify="end",
                gap=theme.SPACE_S,
                margin_top=theme.SPACE_M,
            ),
            max_width="440px",
        ),
        open=BuilderState.conflict,
    )
