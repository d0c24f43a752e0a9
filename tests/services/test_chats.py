"""Conversations with workflows: turns are executions, and earlier turns come back."""

from typing import Any

import pytest

from awe_app.adapters.chat_store import ChatStore
from awe_app.domain.errors import Invalid, NotFound
from awe_app.domain.ids import WorkflowId
from awe_app.services.chats import Chats
from tests.builders import graph, node
from tests.services.conftest import House

FIELDS = [
    {"name": "tone", "type": "text"},
    {"name": "question", "type": "long_text", "required": True},
    {"name": "history", "type": "list"},
]
SAYS = "{{ length(inputs.history) }} before: {{ inputs.question }}{{ inputs.tone }}"


def talker(*fields: dict[str, Any], says: str = SAYS) -> dict[str, Any]:
    asked = node("start", "input", {"fields": list(fields or FIELDS)})
    return graph("start -> say -> end", asked, node("say", config={"template": says}), node("end", "output", {}))


@pytest.fixture
def chats(house: House) -> Chats:
    return Chats(house.workflows, house.executions, ChatStore(house.database))


async def talk(house: House, chats: Chats, workflow_id: WorkflowId, chat: str, text: str, **others: Any) -> Any:
    begun = await chats.say(house.user, workflow_id, chat, text, others)
    return (await house.executions.wait(house.user, begun.execution_id, 60)).result


async def test_a_workflow_is_given_what_was_said_before_in_the_same_conversation(house: House, chats: Chats) -> None:
    stored = await house.workflows.create(house.user, talker())
    one, other = chats.new_chat(), chats.new_chat()
    assert await talk(house, chats, stored.id, one, "Hello", tone="!") == "0 before: Hello!"
    assert await talk(house, chats, stored.id, one, "Again") == "2 before: Again"
    assert await talk(house, chats, stored.id, other, "Anew") == "0 before: Anew"
    first, second = await chats.turns(house.user, stored.id, one)
    assert (first.inputs["question"], first.status, first.result) == ("Hello", "completed", "0 before: Hello!")
    assert second.inputs["history"] == [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "0 before: Hello!"},
    ]
    heads = await chats.chats(house.user, stored.id)
    assert [(head.id, head.inputs["question"]) for head in heads] == [(other, "Anew"), (one, "Hello")]


async def test_turns_without_an_answer_are_kept_but_not_handed_on(house: House, chats: Chats) -> None:
    stored = await house.workflows.create(house.user, talker(says="{{ sum(inputs.question) }}"))
    chat = chats.new_chat()
    await talk(house, chats, stored.id, chat, "Hello")
    [turn] = await chats.turns(house.user, stored.id, chat)
    assert (turn.status, turn.error is not None) == ("failed", True)
    begun = await chats.say(house.user, stored.id, chat, "Again", {})
    assert (await house.executions.wait(house.user, begun.execution_id, 60)).inputs["history"] == []


async def test_the_message_is_the_first_long_text_else_the_first_text(house: House, chats: Chats) -> None:
    stored = await house.workflows.create(house.user, talker())
    form = await chats.form(house.user, stored.id)
    names = [field.name for field in form.others]
    assert (form.message.name, names, form.history and form.history.name) == ("question", ["tone"], "history")
    short = {"name": "topic", "type": "text"}
    plain = await house.workflows.create(house.user, talker({"name": "n", "type": "integer"}, short, says="x"))
    form = await chats.form(house.user, plain.id)
    assert (form.message.name, form.history) == ("topic", None)


async def test_a_workflow_that_asks_for_no_text_cannot_be_talked_to(house: House, chats: Chats) -> None:
    for raw in (talker({"name": "n", "type": "integer"}, says="x"), graph("a")):
        stored = await house.workflows.create(house.user, raw)
        with pytest.raises(Invalid, match="NO_MESSAGE_FIELD"):
            await chats.say(house.user, stored.id, chats.new_chat(), "Hello", {})


async def test_nobody_reads_the_conversations_of_others_or_talks_to_their_workflows(house: House, chats: Chats) -> None:
    stored = await house.workflows.create(house.user, talker())
    chat = chats.new_chat()
    await talk(house, chats, stored.id, chat, "Hello")
    await house.executions.start(house.user, stored.id, {"question": "By the way"})
    assert await chats.turns(house.other, stored.id, chat) == []
    assert await chats.chats(house.other, stored.id) == []
    assert len(await chats.turns(house.user, stored.id, chat)) == 1
    with pytest.raises(NotFound):
        await chats.say(house.other, stored.id, chat, "Hello", {})
