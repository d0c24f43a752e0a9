"""``/workflows/<id>/chat``: talk to a workflow."""

from typing import Any

import reflex as rx

from awe_app.ui import routes, theme
from awe_app.ui.components.chat_parts import chat_box, stay_at_end
from awe_app.ui.components.chat_view import TurnView
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.markdown import markdown
from awe_app.ui.components.question_card import question_card
from awe_app.ui.components.run_form import field_control
from awe_app.ui.layout import page_body, shell
from awe_app.ui.pages.chat_state import MESSAGE, ChatState
from awe_app.ui.shown import Shown, count, in_browser

_PAGE = rx.Var.create(ChatState.page).to(dict[str, str])
_DRAFT = rx.Var.create(ChatState.draft).to(dict[str, Any])
_LIVE = in_browser(ChatState.live)
_CHATS = rx.Var.create(ChatState.chats).to(list[dict[str, str]])


def chat() -> rx.Component:
    """The page."""
    return shell(
        rx.cond(
            _PAGE["state"] == "talks",
            rx.box(_conversation(), _composer(), class_name="chat"),
            rx.cond(
                _PAGE["state"] == "mute",
                _mute(),
                page_body(skeleton_blocks(3, "64px", columns="1"), width=theme.READING_WIDTH),
            ),
        ),
        title=_title(),
        actions=rx.cond(_PAGE["state"] == "talks", _actions(), rx.fragment()),
        section="workflows",
    )


def _title() -> rx.Component:
    href: Any = _PAGE["href"]
    return rx.flex(
        rx.link(
            "Workflows", href=routes.WORKFLOWS, color=theme.TEXT_MUTED, size="3", display=["none", "none", "block"]
        ),
        rx.text("/", color=theme.TEXT_MUTED, aria_hidden="true", display=["none", "none", "block"]),
        rx.heading(
            rx.cond(_PAGE["name"], rx.link(_PAGE["name"], href=href, color=theme.TEXT, underline="hover"), "Chat"),
            as_="h1",
            size="4",
            weight="medium",
            class_name="cut",
        ),
        align="center",
        gap="10px",
        width="100%",
        min_width="0",
    )


def _actions() -> rx.Component:
    return rx.flex(
        rx.cond(
            _CHATS.length() > 0,
            rx.dropdown_menu.root(
                rx.dropdown_menu.trigger(
                    rx.button(
                        rx.icon("history", size=15),
                        rx.text("Earlier", as_="span", display=["none", "inline"]),
                        variant="soft",
                        color_scheme="gray",
                        aria_label="Earlier conversations",
                        data_testid="chat-earlier",
                    )
                ),
                rx.dropdown_menu.content(
                    rx.foreach(_CHATS, _chat_entry), align="end", max_width="min(360px, 90vw)", max_height="60vh"
                ),
            ),
        ),
        rx.button(
            rx.icon("message-circle-plus", size=15),
            rx.text("New conversation", as_="span", display=["none", "inline"]),
            variant="soft",
            aria_label="New conversation",
            on_click=ChatState.begin_anew,
            data_testid="chat-new",
        ),
        gap=theme.SPACE_S,
        flex_shrink="0",
    )


def _chat_entry(entry: rx.vars.ObjectVar[dict[str, str]]) -> rx.Component:
    return rx.dropdown_menu.item(
        rx.text(entry["title"], as_="span", class_name="cut"),
        on_select=ChatState.go_to(entry["id"]),
        data_testid="chat-entry",
    )


def _mute() -> rx.Component:
    href: Any = _PAGE["href"]
    return empty_state(
        "message-circle-off",
        "This workflow cannot be talked to yet",
        "A chat puts what you say into a text field of the workflow's input node. Add an Input node with a field of "
        "type text.",
        rx.link(rx.button("Open the workflow", tab_index=-1), href=href),
    )


def _conversation() -> rx.Component:
    return stay_at_end(
        rx.cond(
            in_browser(ChatState.hidden) > 0,
            rx.button(
                f"Show earlier ({ChatState.hidden})",
                variant="soft",
                color_scheme="gray",
                size="1",
                align_self="center",
                on_click=ChatState.show_earlier,
            ),
        ),
        rx.cond(
            (count(ChatState.turns) == 0) & (_LIVE.execution_id == ""),
            empty_state("message-circle", "Talk to " + _PAGE["name"], "Each message runs the workflow once."),
        ),
        rx.box(
            rx.foreach(ChatState.turns, _turn),
            role="log",
            aria_live="polite",
            aria_label="Conversation",
            class_name="chat-turns",
            data_testid="chat-log",
        ),
        rx.cond(_LIVE.execution_id, _live()),
        turn=_DRAFT["turn"].to(int),
    )


def _turn(turn: Shown[TurnView]) -> rx.Component:
    return rx.box(
        _said(turn.said),
        rx.box(
            rx.cond(turn.reply, markdown(text=turn.reply)),
            rx.cond(
                turn.problem,
                rx.callout(turn.problem, icon="circle-alert", color_scheme="red", size="1", overflow_wrap="anywhere"),
            ),
            rx.cond(
                (turn.reply == "") & (turn.problem == ""), rx.text("It gave nothing.", size="2", color=theme.TEXT_MUTED)
            ),
            rx.flex(
                rx.text(turn.facts, size="1", color=theme.TEXT_MUTED, as_="span"),
                rx.link("What it did", href=turn.href, size="1", color_scheme="gray", underline="hover"),
                gap="10px",
                margin_top="6px",
            ),
            class_name="chat-reply",
            data_testid="chat-reply",
        ),
        class_name="chat-turn",
    )


def _said(text: Shown[str]) -> rx.Component:
    return rx.box(rx.el.span("You: ", class_name="unseen"), text, class_name="chat-said", data_testid="chat-said")


def _live() -> rx.Component:
    return rx.box(
        _said(_LIVE.said),
        rx.box(
            rx.box(
                rx.foreach(
                    in_browser(_LIVE.activities).to(list[str]),
                    lambda line: rx.text(line, size="1", color=theme.TEXT_MUTED, overflow_wrap="anywhere"),
                ),
                class_name="chat-activities",
                data_testid="chat-activities",
            ),
            rx.cond(_LIVE.text, markdown(text=_LIVE.text)),
            rx.foreach(
                ChatState.questions,
                lambda question: rx.box(
                    question_card(question, ChatState.choose, ChatState.answer), margin_top=theme.SPACE_S
                ),
            ),
            rx.flex(
                rx.icon("loader-circle", size=14, class_name="turning", aria_hidden="true"),
                rx.text(rx.cond(_LIVE.waits, "Waits for your answer", "Working…"), size="1", color=theme.TEXT_MUTED),
                rx.link("What it does", href=_LIVE.href, size="1", color_scheme="gray", underline="hover"),
                align="center",
                gap="8px",
                margin_top="6px",
                role="status",
            ),
            class_name="chat-reply",
            aria_busy="true",
        ),
        class_name="chat-turn",
        data_testid="chat-live",
    )


def _composer() -> rx.Component:
    going = _LIVE.execution_id != ""
    return rx.form(
        rx.cond(
            count(ChatState.fields) > 0,
            rx.el.details(
                rx.el.summary(
                    rx.icon("sliders-horizontal", size=14, aria_hidden="true"),
                    rx.text("More to set", size="1", as_="span"),
                    class_name="fold",
                ),
                rx.box(rx.foreach(ChatState.fields, field_control), class_name="chat-fields"),
                open=True,
            ),
        ),
        rx.flex(
            chat_box(
                name=MESSAGE,
                label=_PAGE["label"],
                placeholder="Write a message…",
                draft=_DRAFT,
                busy=going,
                data_testid="chat-message",
            ),
            rx.cond(
                going,
                rx.icon_button(
                    rx.icon("square", size=14),
                    type="button",
                    color_scheme="red",
                    variant="soft",
                    width="42px",
                    height="42px",
                    aria_label="Stop",
                    title="Stop",
                    on_click=ChatState.stop,
                    data_testid="chat-stop",
                ),
                rx.icon_button(
                    rx.icon("arrow-up", size=17),
                    type="submit",
                    width="42px",
                    height="42px",
                    aria_label="Send",
                    title="Send (Enter)",
                    data_testid="chat-send",
                ),
            ),
            align="end",
            gap=theme.SPACE_S,
        ),
        rx.text(
            "Enter sends, Shift+Enter begins a new line.",
            size="1",
            color=theme.TEXT_MUTED,
            display=["none", "none", "block"],
        ),
        on_submit=ChatState.say,
        reset_on_submit=False,
        class_name="chat-composer",
    )
