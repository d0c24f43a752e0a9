"""An approval, to be answered: what is asked, a form, a comment, and the two buttons."""

from typing import Any, Literal

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.browser_parts import time_ago
from awe_app.ui.components.execution_parts import value_block
from awe_app.ui.components.execution_view import Question
from awe_app.ui.components.run_form import field_control

PATH, COMMENT = "awe.path", "awe.comment"
"""Names in the form that no field of a workflow can have."""


def question_card(question: rx.vars.ObjectVar[Question], on_choose: Any, on_answer: Any) -> rx.Component:
    """The card. A press calls ``on_choose(decision)``, and then ``on_answer`` with the form.

    Two calls, because the browser's form data does not say which button was pressed; the path travels inside the
    form, because Reflex lifts a form's handler out of the loop over the questions.
    """
    return rx.card(
        rx.form(
            rx.flex(
                rx.flex(
                    rx.icon("user-check", size=18, color=theme.ACCENT_TEXT, flex_shrink="0"),
                    rx.heading(
                        question.title,
                        rx.cond(question.tool != "", " asks to use a tool", ""),
                        as_="h2",
                        size="3",
                        overflow_wrap="anywhere",
                    ),
                    rx.cond(
                        question.until != "",
                        rx.text("until ", time_ago(moment=question.until), size="1", color=theme.TEXT_MUTED),
                    ),
                    align="center",
                    wrap="wrap",
                    gap=theme.SPACE_S,
                ),
                rx.cond(question.tool != "", _tool_call(question)),
                rx.cond(question.message != "", rx.text(question.message, size="2", white_space="pre-wrap")),
                rx.foreach(question.fields, field_control),
                rx.el.input(type="hidden", name=PATH, default_value=question.path),
                rx.text_area(name=COMMENT, placeholder="Comment (optional)", aria_label="Comment", rows="2"),
                rx.flex(
                    _button("Approve", "approved", "check", "green", on_choose),
                    _button("Reject", "rejected", "x", "red", on_choose),
                    gap=theme.SPACE_S,
                ),
                direction="column",
                gap=theme.SPACE_M,
            ),
            on_submit=on_answer,
        ),
        role="region",
        aria_label=question.title,
        data_testid="approval",
    )


def _tool_call(question: rx.vars.ObjectVar[Question]) -> rx.Component:
    """Which tool, with what."""
    return rx.flex(
        rx.flex(
            rx.icon("wrench", size=14, aria_hidden="true"),
            rx.code(question.tool, variant="ghost", weight="bold", size="2", data_testid="approval-tool"),
            rx.text("would be called with", size="2", color=theme.TEXT_MUTED),
            align="center",
            wrap="wrap",
            gap="6px",
        ),
        rx.box(value_block(question.arguments), data_testid="approval-arguments", min_width="0"),
        direction="column",
        gap=theme.SPACE_S,
    )


def _button(label: str, decision: str, icon: str, color: Literal["green", "red"], on_choose: Any) -> rx.Component:
    return rx.button(
        rx.icon(icon, size=15),
        label,
        type="submit",
        on_click=on_choose(decision),
        color_scheme=color,
        variant="soft",
        data_testid=f"approval-{decision}",
    )
