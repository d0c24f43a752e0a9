"""A conversation with a workflow. A tab is only a viewer: turns go on when it is closed, and are there again later."""

import asyncio
import contextlib
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import reflex as rx

from awe_app.domain.accounts import User
from awe_app.domain.chat import ChatHead, ChatTurn
from awe_app.domain.errors import Conflict, Invalid
from awe_app.domain.execution import FINAL_STATUSES
from awe_app.domain.ids import ExecutionId, Path, WorkflowId
from awe_app.domain.values import as_text
from awe_app.services import services
from awe_app.services.chats import ChatForm
from awe_app.ui import routes, tabs
from awe_app.ui.components.chat_view import LiveTurn, LiveView, TurnView, turn_view
from awe_app.ui.components.execution_view import Question, questions_of
from awe_app.ui.components.question_card import COMMENT, PATH
from awe_app.ui.pages.run_form_state import shown_field
from awe_app.ui.session import refusals_told, signed_in

MESSAGE = "awe.message"
"""Name of the message in the form, which no field of a workflow can have."""
TICK_S = 0.1
"""The browser is told at most this often; less often of a long text, which is sent whole each time."""
CHARS_A_SECOND = 30_000
PRESENCE_S = 5.0
"""How often a quiet turn's viewer asks whether its tab is still there."""
TURNS_SHOWN = 30


class ChatState(rx.State):
    """The conversation that is shown."""

    page: dict[str, str] = {}
    """``state`` (``talks``, ``mute`` or empty), ``name``, ``href``, ``label`` of the workflow and ``chat``, the id."""
    fields: list[dict[str, Any]] = []
    turns: list[TurnView] = []
    hidden: int = 0
    live: LiveView = LiveView()
    questions: list[Question] = []
    draft: dict[str, Any] = {"text": "", "turn": 0}
    chats: list[dict[str, str]] = []
    _decision: str = "rejected"
    _user: User | None = None
    _titles: dict[str, str] = {}
    _wanted: int = TURNS_SHOWN

    @rx.event
    @refusals_told
    async def open_chat(self):
        """``on_load``: show the latest conversation with the workflow, or the beginning of the first."""
        user = await signed_in(self)
        self.reset()
        try:
            form = await services().chats.form(user, self._workflow_id)
        except Invalid:
            workflow = await services().workflows.get(user, self._workflow_id)
            self.page = {"state": "mute", "name": workflow.workflow.name, "href": routes.workflow(self._workflow_id)}
            return None
        self._user = user
        self._titles = {node.id: node.title for node in form.workflow.nodes}
        self.fields = [shown_field(field, field.default) for field in form.others]
        heads = await services().chats.chats(user, self._workflow_id)
        self._list(heads, form)
        return await self._open(heads[0].id if heads else services().chats.new_chat(), form)

    @rx.event
    @refusals_told
    async def begin_anew(self):
        """A new conversation is wanted."""
        form = await services().chats.form(await signed_in(self), self._workflow_id)
        return await self._open(services().chats.new_chat(), form)

    @rx.event
    @refusals_told
    async def go_to(self, chat: str):
        """An earlier conversation was chosen."""
        user = await signed_in(self)
        return await self._open(chat, await services().chats.form(user, self._workflow_id))

    @rx.event
    @refusals_told
    async def show_earlier(self):
        """More turns of a long conversation are wanted."""
        self._wanted += 2 * TURNS_SHOWN
        user = await signed_in(self)
        await self._read(user, await services().chats.form(user, self._workflow_id))

    @rx.event
    @refusals_told
    async def say(self, submitted: dict[str, Any]):
        """The form was sent."""
        user = await signed_in(self)
        text = str(submitted.get(MESSAGE, "")).strip()
        if not text or self.live.execution_id:
            return None
        others: dict[str, Any] = {}
        for field in self.fields:
            value = submitted.get(field["name"])
            if field["type"] == "boolean":
                others[field["name"]] = value in (True, "on", "true")
            elif value not in (None, ""):
                others[field["name"]] = value
        chats = services().chats
        begun = await chats.say(user, self._workflow_id, self.page["chat"], text, others)
        self.draft = {"text": "", "turn": self.draft["turn"] + 1}
        return self._watch(user, begun.execution_id, text)

    @rx.event
    @refusals_told
    async def stop(self):
        """Stop was pressed."""
        user = await signed_in(self)
        with contextlib.suppress(Conflict):  # it ended by itself in this moment, which the follower shows
            await services().executions.cancel(user, ExecutionId(self.live.execution_id))

    @rx.event
    def choose(self, decision: str):
        """A button of an approval was pressed; its form follows."""
        self._decision = "approved" if decision == "approved" else "rejected"

    @rx.event
    @refusals_told
    async def answer(self, submitted: dict[str, Any]):
        """Answer what the turn asks, by the button pressed last."""
        user = await signed_in(self)
        path, comment = Path(str(submitted.get(PATH, ""))), str(submitted.get(COMMENT, ""))
        asked = {field["name"] for question in self.questions if question.path == path for field in question.fields}
        values = {name: submitted[name] for name in asked if submitted.get(name) not in (None, "")}
        execution_id = ExecutionId(self.live.execution_id)
        await services().executions.answer(user, execution_id, path, self._decision, comment, values)
        self.questions = [question for question in self.questions if question.path != path]

    @rx.event(background=True, supersedes=True)
    async def follow(self, execution_id: str):
        """Show what happens in the turn until it is over, another one is shown, or the tab is gone."""
        async with self:
            user, turn = self._user, LiveTurn(execution_id, self.live.said, self._titles)
        if user is None or not execution_id:
            return
        news = asyncio.Event()
        asked = False
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(_read(user, turn, news))
            while tabs.is_open(self.router.session.client_token) and not turn.ended:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), PRESENCE_S)
                news.clear()
                view = turn.view()
                questions = await _questions(user, turn) if turn.waits and not asked else None
                asked = turn.waits
                async with self:
                    self.live = view
                    if questions is not None or not asked:
                        self.questions = questions or []
                await asyncio.sleep(TICK_S + len(view.text) / CHARS_A_SECOND)
            reader.cancel()
        if turn.ended:
            form = await services().chats.form(user, self._workflow_id)
            turns = await services().chats.turns(user, self._workflow_id, self.page["chat"])
            heads = await services().chats.chats(user, self._workflow_id)
            async with self:
                if self.live.execution_id == execution_id:
                    self._show(turns, form)
                    self._list(heads, form)
                    self.live, self.questions = LiveView(), []

    @property
    def _workflow_id(self) -> WorkflowId:
        return WorkflowId(self.router.url.path.rstrip("/").removesuffix("/chat").rpartition("/")[2])

    async def _open(self, chat: str, form: ChatForm) -> Any:
        user = await signed_in(self)
        self._wanted = TURNS_SHOWN
        self.page = {
            "state": "talks",
            "name": form.workflow.name,
            "href": routes.workflow(self._workflow_id),
            "label": form.message.label or form.message.name,
            "chat": chat,
        }
        self.draft = {"text": "", "turn": self.draft["turn"] + 1}
        self.live, self.questions = LiveView(), []
        last = await self._read(user, form)
        if last is not None and last.status not in FINAL_STATUSES:
            return self._watch(user, last.execution_id, as_text(last.inputs.get(form.message.name)))
        return ChatState.follow("")

    async def _read(self, user: User, form: ChatForm) -> ChatTurn | None:
        """Show the turns that are over; gives the last turn."""
        turns = await services().chats.turns(user, self._workflow_id, self.page["chat"])
        self._show(turns, form)
        return turns[-1] if turns else None

    def _show(self, turns: Sequence[ChatTurn], form: ChatForm) -> None:
        over = [turn_view(turn, form.message.name) for turn in turns if turn.status in FINAL_STATUSES]
        self.turns, self.hidden = over[-self._wanted :], max(0, len(over) - self._wanted)

    def _watch(self, user: User, execution_id: ExecutionId, said: str) -> Any:
        self._user = user
        self.live = LiveTurn(execution_id, said, self._titles).view()
        return ChatState.follow(execution_id)

    def _list(self, heads: Sequence[ChatHead], form: ChatForm) -> None:
        self.chats = [_entry(head, form.message.name) for head in heads]


def _entry(head: ChatHead, message_field: str) -> dict[str, str]:
    text = " ".join(as_text(head.inputs.get(message_field)).split())
    return {"id": head.id, "title": text[:80] or "(nothing said)"}


async def _read(user: User, turn: LiveTurn, news: asyncio.Event) -> None:
    """Take in messages as they come."""
    async with aclosing(services().executions.follow(user, ExecutionId(turn.execution_id))) as messages:
        async for message in messages:
            turn.apply(message)
            news.set()


async def _questions(user: User, turn: LiveTurn) -> list[Question]:
    execution_id = ExecutionId(turn.execution_id)
    state = await services().executions.look(user, execution_id)
    return questions_of(state, await services().executions.workflow_of(user, execution_id))
