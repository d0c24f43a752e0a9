"""Chats: talk to a workflow. Each turn is an execution like any other; a conversation is an id they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from awe_app.adapters.chat_store import ChatStore
from awe_app.domain.accounts import User
from awe_app.domain.chat import ChatHead, ChatTurn, history_of
from awe_app.domain.errors import Invalid
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import WorkflowId, new_id
from awe_app.domain.sharing import Permission
from awe_app.domain.workflow import Workflow
from awe_app.nodes.input import InputField, declared_fields
from awe_app.services.executions import Executions
from awe_app.services.workflows import Workflows

HISTORY_TURNS = 50
"""Earlier turns that a workflow is given, the newest ones."""
HISTORY_NAMES = ("history", "messages")
TURNS_READ = 200
HEADS_READ = 30


@dataclass(frozen=True, slots=True)
class ChatForm:
    """How one talks to a workflow."""

    workflow: Workflow
    message: InputField
    """The field that takes what is said."""
    others: tuple[InputField, ...]
    """What else is asked for."""
    history: InputField | None
    """The field that takes the earlier turns, as ``[{role, content}]``."""


class Chats:
    """Use cases around conversations with workflows."""

    def __init__(self, workflows: Workflows, executions: Executions, store: ChatStore) -> None:
        self._workflows = workflows
        self._executions = executions
        self._store = store

    async def form(self, user: User, workflow_id: WorkflowId) -> ChatForm:
        """How the user talks to the workflow.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``.
            Forbidden: ``NOT_ALLOWED``, it may be seen but not run.
            Invalid: ``NO_MESSAGE_FIELD``: its input nodes ask for no text.
        """
        workflow = (await self._workflows.runnable(user.id, workflow_id)).workflow
        try:
            fields = declared_fields(workflow) or ()
        except ValidationError:
            fields = ()
        texts = [field for kind in ("long_text", "text") for field in fields if field.type == kind]
        if not texts:
            raise Invalid(
                "NO_MESSAGE_FIELD",
                f"'{workflow.name}' asks for no text that a message could be",
                "add a field of type text to its input node",
            )
        message = texts[0]
        named = (field for field in fields if field.name in HISTORY_NAMES and field.type in ("list", "json"))
        history = next(named, None)
        return ChatForm(workflow, message, tuple(f for f in fields if f not in (message, history)), history)

    async def chats(self, user: User, workflow_id: WorkflowId) -> Sequence[ChatHead]:
        """The user's conversations with the workflow, the latest first; none when they may not see it (any more)."""
        if await self._workflows.access.permission(user.id, workflow_id) is Permission.NONE:
            return []
        return await self._store.heads(user.id, workflow_id, HEADS_READ)

    async def turns(self, user: User, workflow_id: WorkflowId, chat: str) -> Sequence[ChatTurn]:
        """The turns of one of the user's conversations, the oldest first; of a long one the last ``TURNS_READ``.

        None when they may not see the workflow (any more).
        """
        if await self._workflows.access.permission(user.id, workflow_id) is Permission.NONE:
            return []
        return await self._store.turns(user.id, workflow_id, chat, TURNS_READ)

    async def say(
        self, user: User, workflow_id: WorkflowId, chat: str, message: str, others: Mapping[str, Any]
    ) -> ExecutionState:
        """Say something; the answer is the result of the execution that this starts.

        Args:
            user: who says it.
            workflow_id: to which workflow.
            chat: id of the conversation; a new one is begun by an id of ``new_chat``.
            message: what is said.
            others: values for the form's other fields.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``.
            Invalid: ``NO_MESSAGE_FIELD``, and what ``Executions.start`` raises.
        """
        form = await self.form(user, workflow_id)
        inputs = {**others, form.message.name: message}
        if form.history is not None:
            turns = await self._store.turns(user.id, workflow_id, chat, HISTORY_TURNS)
            inputs[form.history.name] = history_of(turns, form.message.name)
        return await self._executions.start(user, workflow_id, inputs, chat=chat)

    @staticmethod
    def new_chat() -> str:
        """An id for a new conversation."""
        return new_id()
