"""The transcripts of an execution's agents: a line for each, and all of the one that is opened."""

from typing import Any

import reflex as rx

from awe_app.domain.accounts import User
from awe_app.domain.ids import ExecutionId
from awe_app.domain.workflow import Workflow
from awe_app.services import services
from awe_app.ui.components.transcript_view import AgentRow, ToldRow, TurnRow, agents_of, told_of, turns_of
from awe_app.ui.session import refusals_told, signed_in

AGENTS_SHOWN = 20
TURNS_SHOWN = 20


class TranscriptState(rx.State):
    """What is shown of agents; ``ExecutionPageState`` keeps it up to date."""

    agents: list[AgentRow] = []
    hidden_agents: int = 0
    opened: str = ""
    told: list[ToldRow] = []
    turns: list[TurnRow] = []
    hidden_turns: int = 0
    _execution_id: str = ""
    _wanted_agents: int = AGENTS_SHOWN
    _wanted_turns: int = TURNS_SHOWN
    _chosen: bool = False
    """Somebody has opened or closed an agent: nothing opens by itself any more."""
    _seen: Any = None

    @rx.event
    @refusals_told
    async def toggle(self, path: str):
        """An agent's line was pressed."""
        self.opened = "" if self.opened == path else path
        self._chosen, self._wanted_turns = True, TURNS_SHOWN
        await self._read_again()

    @rx.event
    @refusals_told
    async def show_earlier(self):
        """More of the opened agent's answers are wanted."""
        self._wanted_turns += 2 * TURNS_SHOWN
        await self._read_again()

    @rx.event
    @refusals_told
    async def show_more(self):
        """More agents are wanted."""
        self._wanted_agents = min(200, self._wanted_agents + 2 * AGENTS_SHOWN)
        await self._read_again()

    async def show(
        self, user: User, execution_id: ExecutionId, workflow: Workflow, wanted_node: str, seen: object
    ) -> None:
        """Show this execution's agents; reads only when ``seen``, what the page knows of it, has changed.

        ``wanted_node`` is a node to open at first.
        """
        if self._execution_id != execution_id:
            self.reset()
            self._execution_id = execution_id
        if self._seen == seen:
            return
        self._seen = seen
        page = await services().executions.transcripts(user, execution_id, "", self._wanted_agents, 0, previews=True)
        agents = agents_of(page.items, workflow)
        if not self._chosen and not self.opened and agents:
            wanted = [each.path for each in page.items if each.node_id == wanted_node]
            failed = [each.path for each in page.items if each.error is not None]
            alone = [agents[0].path] if len(agents) == 1 else []
            self.opened = next(iter((*wanted, *failed, *alone)), "")
        opened = next((each for each in page.items if each.path == self.opened), None)
        turns, hidden = turns_of(opened, self._wanted_turns) if opened is not None else ([], 0)
        shown = {
            "agents": agents,
            "hidden_agents": page.total - len(page.items),
            "told": told_of(opened) if opened is not None else [],
            "turns": turns,
            "hidden_turns": hidden,
        }
        for name, value in shown.items():
            if getattr(self, name) != value:
                setattr(self, name, value)

    async def _read_again(self) -> None:
        user, execution_id = await signed_in(self), ExecutionId(self._execution_id)
        workflow = await services().executions.workflow_of(user, execution_id)
        seen, self._seen = self._seen, None
        await self.show(user, execution_id, workflow, "", seen)
