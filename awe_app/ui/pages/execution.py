"""``/executions/<id>``: what one execution was given, did and gave; kept up to date until it has ended."""

from typing import Any

import reflex as rx

from awe_app.domain.errors import NotFound
from awe_app.domain.ids import ExecutionId, Path
from awe_app.services import services
from awe_app.ui import routes, theme
from awe_app.ui.components.browser_parts import pulse, time_ago
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.execution_parts import facts, log, node_table, outcome, panel, value_block
from awe_app.ui.components.execution_view import (
    Head,
    LogLine,
    NodeRow,
    Outcome,
    Question,
    head_of,
    log_of,
    nodes_of,
    outcome_of,
    questions_of,
)
from awe_app.ui.components.question_card import COMMENT, PATH, question_card
from awe_app.ui.components.status_badge import status_badge
from awe_app.ui.components.transcript import ANCHOR, transcript
from awe_app.ui.layout import page_body, shell
from awe_app.ui.pages.transcript_state import TranscriptState
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.shown import count
from awe_app.ui.toasts import toast

PULSE_MS = 1_000
_TO_AGENTS = f"setTimeout(() => document.getElementById({ANCHOR!r})?.scrollIntoView(), 150)"
"""A moment later, since the panel is drawn only after what the handler found has arrived."""


class ExecutionPageState(rx.State):
    """The execution that is shown."""

    head: Head = Head()
    outcome: Outcome = Outcome()
    questions: list[Question] = []
    nodes: list[NodeRow] = []
    log: list[LogLine] = []
    loaded: bool = False
    missing: bool = False
    _decision: str = "rejected"

    @rx.event
    def choose(self, decision: str):
        """A button of an approval was pressed; its form follows."""
        self._decision = "approved" if decision == "approved" else "rejected"

    @rx.event
    @refusals_told
    async def load(self):
        """Show the execution that the address names."""
        if self.head.id != self._asked_for:
            self.reset()
        await self._show()
        if routes.AGENT in self.router.url.query_parameters:
            return rx.run_script(_TO_AGENTS)
        return None

    @rx.event
    @refusals_told
    async def refresh(self):
        """Read it again; what did not change is not sent."""
        await self._show()

    @rx.event
    @refusals_told
    async def stop(self):
        """Stop the execution."""
        user = await signed_in(self)
        await services().executions.cancel(user, self._asked_for)
        await self._show()
        return toast("info", "Stopped.")

    @rx.event
    @refusals_told
    async def answer(self, submitted: dict[str, Any]):
        """Answer what the execution asks, by the button pressed last."""
        user = await signed_in(self)
        path, comment = Path(str(submitted.get(PATH, ""))), str(submitted.get(COMMENT, ""))
        asked = {field["name"] for question in self.questions if question.path == path for field in question.fields}
        values = {name: submitted[name] for name in asked if submitted.get(name) not in (None, "")}
        await services().executions.answer(user, self._asked_for, path, self._decision, comment, values)
        await self._show()
        return toast("success", f"{self._decision.capitalize()}.")

    @rx.event
    @refusals_told
    async def resume(self):
        """Go on where it failed or was stopped."""
        user = await signed_in(self)
        await services().executions.resume(user, self._asked_for)
        await self._show()
        return toast("info", "Goes on.")

    @rx.event
    @refusals_told
    async def run_again(self):
        """Run the workflow, as it is now, with the same inputs."""
        user = await signed_in(self)
        past = await services().executions.get(user, self._asked_for)
        if past.workflow_id is None:
            return toast("error", "The workflow has been deleted, so it cannot be run again.")
        started = await services().executions.start(user, past.workflow_id, dict(past.inputs))
        return rx.redirect(routes.execution(started.execution_id))

    @property
    def _asked_for(self) -> ExecutionId:
        return ExecutionId(self.router.url.path.rstrip("/").rpartition("/")[2])

    async def _show(self) -> None:
        user = await signed_in(self)
        try:
            state = await services().executions.look(user, self._asked_for)
            workflow = await services().executions.workflow_of(user, self._asked_for)
        except NotFound:
            self.missing = self.loaded = True
            return
        shown = {
            "head": head_of(state, workflow),
            "outcome": outcome_of(state, workflow),
            "questions": questions_of(state, workflow),
            "nodes": nodes_of(state, workflow),
            "log": log_of(state),
            "missing": False,
            "loaded": True,
        }
        for name, value in shown.items():
            if getattr(self, name) != value:
                setattr(self, name, value)
        seen = (state.seq, state.status)
        wanted = str(self.router.url.query_parameters.get(routes.AGENT, ""))
        transcripts = await self.get_state(TranscriptState)
        await transcripts.show(user, self._asked_for, workflow, wanted, seen)


def execution() -> rx.Component:
    """The page."""
    head = ExecutionPageState.head
    return shell(
        rx.cond(
            ExecutionPageState.missing,
            empty_state(
                "file-question",
                "There is no such execution",
                "It may be someone else's, or the address is mistyped.",
                rx.link(rx.button("To all executions"), href=routes.EXECUTIONS),
            ),
            rx.cond(
                ExecutionPageState.loaded,
                _content(),
                page_body(skeleton_blocks(4, "96px", columns="1")),
            ),
        ),
        pulse(interval_ms=rx.cond(head.ended, 0, PULSE_MS), on_pulse=ExecutionPageState.refresh),
        title=_title(),
        actions=rx.cond(ExecutionPageState.missing, rx.fragment(), rx.cond(head.status, _actions())),
        section="executions",
    )


def _title() -> rx.Component:
    return rx.flex(
        rx.link(
            "Executions", href=routes.EXECUTIONS, color=theme.TEXT_MUTED, size="3", display=["none", "none", "block"]
        ),
        rx.text("/", color=theme.TEXT_MUTED, aria_hidden="true", display=["none", "none", "block"]),
        rx.heading(
            rx.cond(ExecutionPageState.head.workflow, ExecutionPageState.head.workflow, "Execution"),
            as_="h1",
            size="4",
            weight="medium",
            class_name="cut",
        ),
        rx.cond(
            ExecutionPageState.head.status,
            status_badge(ExecutionPageState.head.status, flex_shrink="0", display=theme.DESKTOP),
        ),
        align="center",
        gap="10px",
        width="100%",
        min_width="0",
    )


def _actions() -> rx.Component:
    head = ExecutionPageState.head
    return rx.flex(
        rx.cond(
            head.workflow_href,
            rx.link(
                rx.button(
                    rx.icon("workflow", size=15),
                    rx.text("Open workflow", as_="span", display=["none", "none", "inline"]),
                    variant="soft",
                    color_scheme="gray",
                    aria_label="Open workflow",
                    tab_index=-1,
                ),
                href=head.workflow_href,
                aria_label="Open workflow",
            ),
        ),
        rx.cond(
            head.ended,
            rx.fragment(
                rx.cond(
                    head.workflow_href,
                    rx.button(
                        rx.icon("rotate-cw", size=15),
                        rx.text("Run again", as_="span", display=["none", "inline"]),
                        variant=rx.cond(head.status == "completed", "solid", "soft"),
                        aria_label="Run again",
                        on_click=ExecutionPageState.run_again,
                    ),
                ),
                rx.cond(
                    head.status != "completed",
                    rx.button(
                        rx.icon("step-forward", size=15),
                        "Resume",
                        title="Go on where it stopped; what has finished is not run again",
                        on_click=ExecutionPageState.resume,
                        data_testid="resume",
                    ),
                ),
            ),
            rx.button(
                rx.icon("square", size=13),
                "Stop",
                color_scheme="red",
                variant="soft",
                on_click=ExecutionPageState.stop,
                data_testid="stop",
            ),
        ),
        gap=theme.SPACE_S,
        flex_shrink="0",
    )


def _content() -> rx.Component:
    head = ExecutionPageState.head
    return page_body(
        rx.box(status_badge(head.status), display=theme.PHONE),
        facts(
            ("Started", time_ago(moment=head.started_at)),
            ("Took", head.duration),
            ("Tokens", head.tokens),
            ("Execution", rx.code(head.id, variant="ghost", color_scheme="gray", class_name="cut")),
        ),
        rx.foreach(
            ExecutionPageState.questions,
            lambda question: question_card(question, ExecutionPageState.choose, ExecutionPageState.answer),
        ),
        outcome(ExecutionPageState.outcome, head.status),
        panel("Inputs", rx.cond(head.inputs, value_block(head.inputs), _none("Nothing was given."))),
        transcript(),
        panel(
            "Steps",
            rx.cond(ExecutionPageState.nodes, node_table(ExecutionPageState.nodes), _none("No step has begun yet.")),
            padded=False,
        ),
        panel(
            rx.fragment("Log ", rx.text(count(ExecutionPageState.log), as_="span", color=theme.TEXT_MUTED)),
            rx.cond(ExecutionPageState.log, log(ExecutionPageState.log), _none("Nothing was written.")),
        ),
    )


def _none(text: str) -> rx.Component:
    return rx.text(text, size="2", color=theme.TEXT_MUTED, padding=theme.SPACE_S)
