"""The parts of the page of one execution: facts, outcome, steps, log."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.execution_view import LogLine, NodeRow, Outcome
from awe_app.ui.components.status_badge import status_icon
from awe_app.ui.shown import Shown

LEVEL_COLORS = (("error", "var(--red-11)"), ("warning", "var(--amber-11)"), ("debug", "var(--gray-10)"))


def panel(title: Any, *children: rx.Component, padded: bool = True) -> rx.Component:
    """A titled box."""
    return rx.el.section(
        rx.heading(title, as_="h2", size="2", weight="medium", padding="12px 14px", border_bottom=theme.BORDER),
        rx.box(*children, padding="8px" if padded else "0"),
        border=theme.BORDER,
        border_radius=theme.RADIUS_LARGE,
        background=theme.PANEL,
        overflow="hidden",
        flex_shrink="0",
    )


def facts(*pairs: tuple[str, Any]) -> rx.Component:
    """A few names with values, side by side."""
    return rx.el.dl(
        *[
            rx.box(
                rx.el.dt(rx.text(name, as_="span", size="1", color=theme.TEXT_MUTED)),
                rx.el.dd(rx.text(value, as_="span", size="2"), margin="0", max_width="100%", overflow="hidden"),
                min_width="0",
            )
            for name, value in pairs
        ],
        display="flex",
        flex_wrap="wrap",
        column_gap="40px",
        row_gap="12px",
        margin="0",
        padding_x="2px",
    )


def value_block(text: Shown[str]) -> rx.Component:
    """Text or JSON in a box that scrolls, with a button that copies it."""
    return rx.box(
        rx.el.pre(
            text,
            margin="0",
            padding="10px 40px 10px 12px",
            font_family=theme.MONO,
            font_size="12.5px",
            line_height="1.6",
            white_space="pre-wrap",
            overflow_wrap="anywhere",
            max_height="360px",
            overflow="auto",
            background=theme.WELL,
            border_radius=theme.RADIUS,
            tab_index=0,
        ),
        rx.icon_button(
            rx.icon("copy", size=14),
            variant="ghost",
            color_scheme="gray",
            size="1",
            position="absolute",
            top="8px",
            right="10px",
            margin="0",
            aria_label="Copy",
            type="button",
            on_click=rx.set_clipboard(text),
        ),
        position="relative",
    )


def outcome(shown: Shown[Outcome], status: Shown[str]) -> Any:
    """The result, or what went wrong; nothing while it is running."""
    return rx.match(
        status,
        (
            "completed",
            panel(
                "Result",
                rx.cond(
                    shown.result,
                    value_block(shown.result),
                    rx.text("It gave nothing.", size="2", color=theme.TEXT_MUTED, padding=theme.SPACE_S),
                ),
            ),
        ),
        (
            "failed",
            rx.callout.root(
                rx.callout.icon(rx.icon("circle-x", size=18)),
                rx.callout.text(
                    rx.text(
                        rx.cond(shown.problem_node, shown.problem_node + " failed: ", ""),
                        shown.problem,
                        as_="span",
                        overflow_wrap="anywhere",
                    ),
                    " ",
                    rx.code(shown.problem_code, variant="ghost"),
                ),
                color_scheme="red",
                role="alert",
            ),
        ),
        (
            "cancelled",
            rx.callout("It was stopped before it ended.", icon="circle-slash", color_scheme="orange"),
        ),
        rx.fragment(),
    )


def node_table(rows: Shown[list[NodeRow]]) -> rx.Component:
    """One line for each step, with its share of the time; a line opens to what went in and came out."""
    return rx.box(rx.foreach(rows, _node), class_name="rows")


def log(lines: Shown[list[LogLine]]) -> rx.Component:
    """The log, one line each."""
    return rx.box(
        rx.foreach(lines, _line),
        role="log",
        max_height="360px",
        overflow="auto",
        font_family=theme.MONO,
        font_size="12px",
        line_height="1.7",
        padding="4px 6px",
        tab_index=0,
    )


def _node(row: Shown[NodeRow]) -> rx.Component:
    return rx.el.details(
        rx.el.summary(
            rx.box(
                status_icon(row.status, 16),
                color=f"var(--{theme.status_color(row.status)}-11)",
                title=row.status,
                display="flex",
            ),
            rx.flex(
                rx.text(row.title, size="2", weight="medium", class_name="cut", as_="span"),
                rx.text(row.type, size="1", color=theme.TEXT_MUTED, as_="span", display=["none", "none", "inline"]),
                align="baseline",
                gap="8px",
                min_width="0",
            ),
            rx.box(
                rx.box(
                    position="absolute",
                    left=row.left,
                    width=row.width,
                    height="6px",
                    border_radius="3px",
                    background=theme.solid(theme.status_color(row.status)),
                ),
                position="relative",
                height="6px",
                border_radius="3px",
                background="var(--gray-3)",
                display=["none", "none", "block"],
                aria_hidden="true",
            ),
            rx.text(row.tokens, size="1", color=theme.TEXT_MUTED, text_align="right", as_="span", class_name="figure"),
            rx.text(
                row.duration, size="1", color=theme.TEXT_MUTED, text_align="right", as_="span", class_name="figure"
            ),
            class_name="step",
        ),
        rx.flex(
            rx.cond(
                row.problem,
                rx.callout(row.problem, icon="circle-alert", color_scheme="red", size="1", overflow_wrap="anywhere"),
            ),
            _part("Input", row.input),
            _part("Output", row.output),
            rx.cond(
                ~row.problem & ~row.input & ~row.output, rx.text("Nothing to show.", size="2", color=theme.TEXT_MUTED)
            ),
            direction="column",
            gap="10px",
            padding="4px 14px 14px 42px",
        ),
        data_testid="execution-node",
        data_status=row.status,
        data_path=row.path,
    )


def _figure(text: Shown[str]) -> rx.Component:
    return rx.text(text, size="1", color=theme.TEXT_MUTED, text_align="right", as_="span", class_name="figure")


def _part(title: str, text: Shown[str]) -> rx.Component:
    return rx.cond(
        text,
        rx.box(rx.text(title, size="1", color=theme.TEXT_MUTED, margin_bottom="4px"), value_block(text), min_width="0"),
    )


def _line(line: Shown[LogLine]) -> rx.Component:
    return rx.flex(
        rx.text(line.time, as_="span", color=theme.TEXT_MUTED, flex_shrink="0", size="1"),
        rx.text(
            line.level,
            as_="span",
            width="60px",
            flex_shrink="0",
            size="1",
            color=rx.match(line.level, *LEVEL_COLORS, theme.TEXT_MUTED),
        ),
        rx.cond(line.node, rx.text(line.node, as_="span", color=theme.ACCENT_TEXT, flex_shrink="0", size="1")),
        rx.text(line.message, as_="span", overflow_wrap="anywhere", min_width="0", size="1"),
        gap="12px",
        font_family=theme.MONO,
        wrap=rx.breakpoints(initial="wrap", sm="nowrap"),
        row_gap="0",
    )
