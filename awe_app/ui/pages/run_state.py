"""The run that the builder shows: started, followed and stopped. A tab is only a viewer; it never owns a run."""

import asyncio
import contextlib
from contextlib import aclosing
from typing import Any

import reflex as rx

from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict, Invalid
from awe_app.domain.ids import ExecutionId, WorkflowId
from awe_app.domain.pages import PageQuery
from awe_app.nodes.agent import Agent
from awe_app.services import services
from awe_app.ui import tabs
from awe_app.ui.canvas.desk import Desk
from awe_app.ui.canvas.run_view import RunView, io_of
from awe_app.ui.pages.builder_state import BuilderState
from awe_app.ui.pages.run_form_state import RunFormState
from awe_app.ui.session import refusals_told, signed_in

TICK_S = 0.1
"""The browser is told at most this often."""
PRESENCE_S = 5.0
"""How often a quiet run's viewer asks whether its tab is still there."""


class RunState(rx.State):
    """Levels of the run that is shown; ``RunView`` makes them."""

    execution: dict[str, Any] = {}
    settled: dict[str, Any] = {}
    recent: dict[str, Any] = {}
    preview: dict[str, str] = {}
    io: dict[str, Any] = {}
    log: list[dict[str, str]] = []
    outcome: dict[str, Any] = {}
    with_agents: bool = False
    """Whether the workflow has agents, whose transcripts can be read."""
    _looked_at: str = ""
    _user: User | None = None
    _titles: dict[str, str] = {}

    @rx.event
    @refusals_told
    async def find_last(self):
        """``on_load``: show the workflow's last run again, whether it goes on or has ended."""
        user = await signed_in(self)
        workflow_id = WorkflowId(self.router.url.path.rstrip("/").rpartition("/")[2])
        page = await services().executions.list(user, PageQuery(limit=1), workflow_id=workflow_id)
        if not page.items:
            self._clear()
            return RunState.follow("")
        return await self._watch(user, page.items[0].execution_id)

    @rx.event
    @refusals_told
    async def run(self):
        """Run was pressed: store, then ask for inputs where the workflow declares any."""
        builder = await self.get_state(BuilderState)
        refused = await builder.store(builder.desk.version if builder.desk else None)
        desk = builder.desk
        if refused is not None or desk is None or desk.unsaved:
            return refused
        form = await self.get_state(RunFormState)
        if form.ask(desk.workflow_id, desk.workflow):
            return None
        return await self._start(desk, {})

    @rx.event
    @refusals_told
    async def submit(self, given: dict[str, Any]):
        """The run form was filled in."""
        builder, form = await self.get_state(BuilderState), await self.get_state(RunFormState)
        if builder.desk is None:
            return None
        inputs = form.read(given)
        try:
            return await self._start(builder.desk, inputs)
        except Invalid as error:
            if error.code == "INVALID_WORKFLOW":
                raise
            form.problem = error.detail
            return None

    @rx.event
    @refusals_told
    async def stop(self):
        """Stop was pressed."""
        user = await signed_in(self)
        if execution_id := self.execution.get("id"):
            try:
                await services().executions.cancel(user, ExecutionId(execution_id))
            except Conflict:
                return  # it ended by itself in this moment, which the follower shows
        return

    @rx.event
    @refusals_told
    async def look_at(self, node_id: str):
        """A node was chosen: show what went in and came out."""
        self._looked_at = node_id
        self.io = io_of(node_id)
        execution_id = self.execution.get("id")
        if not node_id or not execution_id:
            return
        state = await services().executions.look(await signed_in(self), ExecutionId(execution_id))
        found = [node for node in state.node_states.values() if node.node_id == node_id]
        if found:
            self.io = io_of(node_id, found[-1].input, found[-1].output, found[-1].error)

    @rx.event(background=True, supersedes=True)
    async def follow(self, execution_id: str):
        """Show what happens in the execution until it has ended, another one is shown, or the tab is gone."""
        async with self:
            user, view = self._user, RunView(execution_id, self._titles, self._looked_at)
        if user is None or not execution_id:
            return
        news = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(_read(user, ExecutionId(execution_id), view, news))
            while tabs.is_open(self.router.session.client_token):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), PRESENCE_S)
                news.clear()
                async with self:
                    self._take(view)
                if view.ended:
                    break
                await asyncio.sleep(TICK_S)
            reader.cancel()

    async def _start(self, desk: Desk, inputs: dict[str, Any]) -> Any:
        user = await signed_in(self)
        try:
            state = await services().executions.start(user, desk.workflow_id, inputs)
        except Invalid as error:
            if error.code != "INVALID_WORKFLOW":
                raise
            (await self.get_state(RunFormState)).shown = False
            return (await self.get_state(BuilderState)).tell_issues(error.issues)
        (await self.get_state(RunFormState)).shown = False
        return await self._watch(user, state.execution_id)

    async def _watch(self, user: User, execution_id: ExecutionId) -> Any:
        builder = await self.get_state(BuilderState)
        self._clear()
        self._user = user
        self._titles = {n.id: n.title for n in builder.desk.workflow.nodes} if builder.desk else {}
        self.with_agents = bool(builder.desk) and any(n.type == Agent.type for n in builder.desk.workflow.nodes)
        self.execution = {"id": execution_id, "status": "pending"}
        return RunState.follow(execution_id)

    def _clear(self) -> None:
        self.execution, self.settled, self.recent, self.preview = {}, {}, {}, {}
        self.io, self.log, self.outcome = io_of(self._looked_at), [], {}

    def _take(self, view: RunView) -> None:
        """Put what changed in the view into the state vars of the same names."""
        if self._looked_at != view.looked_at:
            view.look_at(self._looked_at)
        for name, value in view.changes().items():
            setattr(self, name, value)


async def _read(user: User, execution_id: ExecutionId, view: RunView, news: asyncio.Event) -> None:
    """Take in messages as they come."""
    async with aclosing(services().executions.follow(user, execution_id)) as messages:
        async for message in messages:
            view.apply(message)
            news.set()
