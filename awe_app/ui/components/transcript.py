"""The agents of an execution: a line for each; the opened one shows what it was told, said and did."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.execution_parts import panel, value_block
from awe_app.ui.components.markdown import markdown
from awe_app.ui.components.transcript_view import AgentRow, CallRow, ToldRow, TurnRow
from awe_app.ui.pages.transcript_state import TranscriptState
from awe_app.ui.shown import Shown, in_browser

ANCHOR = "agents"
"""Id of the panel in the page."""


def transcript() -> rx.Component:
    """The panel; nothing where no agent has begun."""
    state = TranscriptState
    return rx.cond(
        state.agents,
        rx.box(
            panel(
                "Agents",
                rx.box(rx.foreach(state.agents, _agent), class_name="rows"),
                rx.cond(
                    in_browser(state.hidden_agents) > 0,
                    rx.box(_more("Show more agents", state.show_more), padding="8px 14px", border_top=theme.BORDER),
                ),
                padded=False,
            ),
            id=ANCHOR,
            data_testid="transcript",
            scroll_margin_top="12px",
            flex_shrink="0",
        ),
    )


def _agent(row: Shown[AgentRow]) -> rx.Component:
    opened = TranscriptState.opened == row.path
    return rx.box(
        rx.el.button(
            rx.icon("chevron-right", size=15, class_name="opener", aria_hidden="true"),
            rx.flex(
                rx.text(row.title, size="2", weight="medium", as_="span", class_name="cut"),
                rx.text(
                    row.model,
                    size="1",
                    color=theme.TEXT_MUTED,
                    as_="span",
                    class_name="cut",
                    display=["none", "none", "block"],
                ),
                align="baseline",
                gap="8px",
                min_width="0",
                flex="1",
                overflow="hidden",
            ),
            rx.cond(row.problem, rx.badge("failed", color_scheme="red", size="1", flex_shrink="0")),
            _figure(row.answers, ["none", "none", "inline"]),
            _figure(row.tokens, ["none", "inline"], title="Tokens read and written"),
            _figure(row.cost),
            _figure(row.seconds),
            type="button",
            class_name="agent-line",
            on_click=TranscriptState.toggle(row.path),
            aria_expanded=opened,
            data_testid="transcript-agent",
            data_path=row.path,
        ),
        rx.cond(opened, _conversation(row)),
    )


def _conversation(row: Shown[AgentRow]) -> rx.Component:
    state = TranscriptState
    return rx.flex(
        rx.cond(
            row.problem,
            rx.callout(row.problem, icon="circle-alert", color_scheme="red", size="1", overflow_wrap="anywhere"),
        ),
        rx.foreach(state.told, _told),
        rx.cond(
            in_browser(state.hidden_turns) > 0,
            _more(f"Show earlier answers ({state.hidden_turns})", state.show_earlier),
        ),
        rx.foreach(state.turns, _turn),
        direction="column",
        gap="10px",
        class_name="conversation",
    )


def _told(row: Shown[ToldRow]) -> rx.Component:
    return rx.el.details(
        rx.el.summary(
            rx.icon("message-square", size=14, color=theme.TEXT_MUTED, aria_hidden="true", flex_shrink="0"),
            rx.text(row.role, size="1", weight="medium", as_="span", flex_shrink="0"),
            rx.text(row.gist, size="1", color=theme.TEXT_MUTED, as_="span", class_name="cut"),
            class_name="fold",
        ),
        rx.box(value_block(row.text), padding_top="6px"),
        class_name="folded",
    )


def _turn(row: Shown[TurnRow]) -> rx.Component:
    return rx.el.article(
        rx.flex(
            rx.icon("bot", size=15, color=theme.ACCENT_TEXT, aria_hidden="true", flex_shrink="0"),
            rx.text("Answer ", row.number, size="1", weight="medium", as_="span", white_space="nowrap"),
            rx.text(
                row.model,
                size="1",
                color=theme.TEXT_MUTED,
                as_="span",
                class_name="cut",
                display=["none", "none", "block"],
            ),
            rx.cond(row.note, rx.badge(row.note, color_scheme="amber", size="1")),
            rx.spacer(),
            _figure(row.tokens, title="Tokens read and written"),
            _figure(row.cost),
            _figure(row.seconds),
            align="center",
            gap="8px",
            min_width="0",
        ),
        rx.cond(row.text, rx.cond(row.is_json, value_block(row.text), rx.box(markdown(text=row.text), min_width="0"))),
        rx.foreach(in_browser(row.calls).to(list[CallRow]), _call),
        class_name="turn",
        data_testid="transcript-turn",
    )


def _call(row: Shown[CallRow]) -> rx.Component:
    return rx.el.details(
        rx.el.summary(
            rx.match(
                row.state,
                ("failed", rx.icon("circle-x", size=14, color=theme.DANGER_TEXT, flex_shrink="0")),
                ("open", rx.icon("circle-dashed", size=14, color=theme.TEXT_MUTED, flex_shrink="0")),
                rx.icon("wrench", size=14, color=theme.TEXT_MUTED, flex_shrink="0"),
            ),
            rx.code(row.tool, variant="ghost", size="1", weight="bold", flex_shrink="0"),
            rx.text(row.gist, size="1", color=theme.TEXT_MUTED, as_="span", class_name="cut"),
            rx.spacer(),
            rx.cond(row.state == "failed", rx.badge("failed", color_scheme="red", size="1", flex_shrink="0")),
            rx.cond(row.state == "open", rx.badge("not done", color_scheme="gray", size="1", flex_shrink="0")),
            _figure(row.seconds),
            class_name="fold",
        ),
        rx.flex(
            rx.cond(row.decision, rx.text("A person: ", row.decision, size="1", color=theme.TEXT_MUTED)),
            _part("Arguments", row.arguments),
            _part("Result", row.result),
            rx.cond(
                row.problem,
                rx.callout(row.problem, icon="circle-alert", color_scheme="red", size="1", overflow_wrap="anywhere"),
            ),
            direction="column",
            gap="8px",
            padding_top="6px",
        ),
        class_name="folded",
        data_testid="transcript-call",
        data_state=row.state,
    )


def _part(title: str, text: Shown[str]) -> rx.Component:
    return rx.cond(
        text,
        rx.box(rx.text(title, size="1", color=theme.TEXT_MUTED, margin_bottom="4px"), value_block(text), min_width="0"),
    )


def _figure(text: Shown[str], display: Any = "inline", title: str = "") -> rx.Component:
    return rx.text(
        text,
        size="1",
        color=theme.TEXT_MUTED,
        as_="span",
        class_name="figure",
        flex_shrink="0",
        display=display,
        title=title,
    )


def _more(label: Any, event: Any) -> rx.Component:
    return rx.button(
        label, variant="soft", color_scheme="gray", size="1", on_click=event, data_testid="transcript-more"
    )
