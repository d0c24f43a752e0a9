"""The cards of the list of workflows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.domain.ids import iso
from awe_app.domain.stored import ExecutionSummary, StoredWorkflow
from awe_app.ui import routes, theme
from awe_app.ui.components.browser_parts import time_ago
from awe_app.ui.components.status_badge import status_dot
from awe_app.ui.components.thumbnail import thumbnail, thumbnail_svg
from awe_app.ui.shown import Shown

MAX_DOTS = 8


@dataclass(frozen=True)
class WorkflowCard:
    """What the card of one workflow shows."""

    id: str
    name: str
    description: str
    href: str
    nodes: str
    """``6 nodes``."""
    to_finish: str
    """``2 to finish``, or empty."""
    updated_at: str
    runs: list[str]
    """Statuses of the last executions, the latest last."""
    drawing: str
    """SVG; empty when the workflow has no nodes."""


def cards_of(workflows: Iterable[StoredWorkflow], latest: Iterable[ExecutionSummary]) -> list[WorkflowCard]:
    """The cards of some workflows. ``latest`` are the user's last executions, the newest first."""
    runs: dict[str, list[str]] = {}
    for execution in latest:
        if execution.workflow_id:
            statuses = runs.setdefault(execution.workflow_id, [])
            if len(statuses) < MAX_DOTS:
                statuses.insert(0, execution.status)
    return [_card_of(stored, runs.get(stored.id, [])) for stored in workflows]


def _card_of(stored: StoredWorkflow, runs: list[str]) -> WorkflowCard:
    workflow = stored.workflow
    count = sum(1 for node in workflow.nodes if node.type != "note")
    errors = sum(1 for issue in stored.issues if issue.severity == "error")
    return WorkflowCard(
        id=stored.id,
        name=workflow.name,
        description=(workflow.description or "")[:300],
        href=routes.workflow(stored.id),
        nodes="empty" if count == 0 else f"{count} node{'s' * (count != 1)}",
        to_finish=f"{errors} to finish" if errors and count else "",
        updated_at=iso(stored.updated_at) or "",
        runs=runs,
        drawing=thumbnail_svg(workflow),
    )


@dataclass(frozen=True)
class CardActions:
    """What a card's checkbox and menu do; each takes the workflow's id."""

    select: Callable[..., Any]
    share: Callable[..., Any]
    duplicate: Callable[..., Any]
    export: Callable[..., Any]
    delete: Callable[..., Any]


def workflow_card(card: Shown[WorkflowCard], selected: Shown[list[str]], actions: CardActions) -> rx.Component:
    """One card; a click anywhere but on its controls opens the workflow."""
    chosen = selected.contains(card.id)
    return rx.flex(
        rx.cond(card.drawing, thumbnail(card.drawing), _blank()),
        rx.flex(
            rx.flex(
                rx.link(
                    card.name,
                    href=card.href,
                    class_name="covers",
                    color=theme.TEXT,
                    _hover={"color": theme.TEXT},
                    weight="medium",
                    size="2",
                    underline="none",
                    flex="1",
                    min_width="0",
                    overflow="hidden",
                    text_overflow="ellipsis",
                    white_space="nowrap",
                    title=card.name,
                ),
                _menu(card, actions),
                align="center",
                gap=theme.SPACE_S,
            ),
            rx.text(
                card.description,
                size="1",
                color=theme.TEXT_MUTED,
                style={"display": "-webkit-box", "-webkit-line-clamp": "2", "-webkit-box-orient": "vertical"},
                overflow="hidden",
                line_height="17px",
                height="34px",
                overflow_wrap="anywhere",
            ),
            rx.flex(
                rx.text(time_ago(moment=card.updated_at), size="1", color=theme.TEXT_MUTED, white_space="nowrap"),
                rx.text("·", size="1", color=theme.TEXT_MUTED, aria_hidden="true"),
                rx.text(card.nodes, size="1", color=theme.TEXT_MUTED, white_space="nowrap"),
                rx.cond(card.to_finish, rx.badge(card.to_finish, color_scheme="amber", size="1")),
                rx.spacer(),
                rx.flex(
                    rx.foreach(card.runs, status_dot),
                    gap="3px",
                    align="center",
                    aria_label="Last executions",
                    role="group",
                ),
                align="center",
                gap="6px",
                min_height="20px",
            ),
            direction="column",
            gap="6px",
            padding="10px 12px 12px",
        ),
        rx.checkbox(
            checked=chosen,
            on_change=actions.select(card.id),
            aria_label="Select " + card.name,
            class_name="on-demand",
            data_chosen=chosen,
            position="absolute",
            top="10px",
            left="10px",
            z_index="1",
            size="2",
            background=theme.PANEL,
            border_radius="4px",
        ),
        direction="column",
        position="relative",
        border=rx.cond(chosen, theme.BORDER_SELECTED, theme.BORDER),
        border_radius=theme.RADIUS_LARGE,
        background=theme.PANEL,
        overflow="hidden",
        min_width="0",
        class_name="card",
        data_testid="workflow-row",
        data_workflow_id=card.id,
        role="listitem",
    )


def _blank() -> rx.Component:
    return rx.center(
        rx.icon("workflow", size=24, stroke_width=1.25, aria_hidden="true"),
        height="120px",
        color="var(--gray-8)",
        background=theme.SUNKEN,
        background_image="radial-gradient(var(--gray-5) 1px, transparent 1px)",
        background_size="14px 14px",
    )


def _menu(card: Shown[WorkflowCard], actions: CardActions) -> rx.Component:
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.icon_button(
                rx.icon("ellipsis", size=16),
                variant="ghost",
                color_scheme="gray",
                size="1",
                position="relative",
                z_index="1",
                margin="0",
                aria_label="More for " + card.name,
                data_testid="workflow-menu",
            )
        ),
        rx.dropdown_menu.content(
            _item("message-circle", "Chat", rx.redirect(card.href + "/chat"), "workflow-chat"),
            _item("user-plus", "Share…", actions.share(card.id), "workflow-share"),
            _item("copy", "Duplicate", actions.duplicate(card.id), "workflow-duplicate"),
            _item("download", "Export as JSON", actions.export(card.id), "workflow-export"),
            rx.dropdown_menu.separator(),
            _item("trash-2", "Delete…", actions.delete(card.id), "workflow-delete", color_scheme="red"),
            align="end",
        ),
    )


def _item(icon: str, text: str, event: Any, test_id: str, **props: Any) -> rx.Component:
    return rx.dropdown_menu.item(rx.icon(icon, size=14), text, on_select=event, data_testid=test_id, **props)
