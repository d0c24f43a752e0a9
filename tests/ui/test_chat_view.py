"""What a chat shows: a turn that goes on, folded from messages, and turns that are over."""

from datetime import UTC, datetime, timedelta
from typing import Any

from awe_app.domain.chat import ChatTurn
from awe_app.domain.ids import ExecutionId
from awe_app.domain.messages import Message
from awe_app.ui.components.chat_view import ACTIVITIES, LiveTurn, turn_view
from tests.domain.test_transcript import answer, tool

AT = datetime(2026, 11, 22, tzinfo=UTC)


def live(*messages: tuple[Any, dict[str, Any]]) -> LiveTurn:
    turn = LiveTurn("e", "Hello", {"writer": "Writes"})
    for kind, data in messages:
        turn.apply(Message(kind, None if "delta" in data else 1, data))
    return turn


def node_state(status: str, path: str = "writer", **rest: Any) -> tuple[str, dict[str, Any]]:
    return "state", {"node_id": path, "status": status, **rest}


def delta(text: str, path: str = "writer") -> tuple[str, dict[str, Any]]:
    return node_state("running", path, delta=text)


def log(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "log", {"data": data, "message": ""}


def test_text_grows_and_that_of_the_node_that_wrote_last_is_shown():
    assert live(delta("Hel"), delta("lo")).view().text == "Hello"
    assert live(delta("a"), delta("b", "other"), delta("c")).view().text == "ac"
    assert live(delta("a"), node_state("running")).view().text == ""


def test_what_tools_do_is_told_line_by_line():
    steps = (answer(1, "", "a"), tool(1, "a", result=4), tool(1, "a", error="no"), {"kind": "other"})
    view = live(node_state("running"), *map(log, steps)).view()
    assert view.activities == (
        "Writes is at work",
        "Uses calculator",
        "calculator answered in 0.5 s",
        "calculator failed: no",
    )
    assert len(live(*(log(answer(1, "", "a")) for _ in range(40))).view().activities) == ACTIVITIES


def test_it_waits_while_somebody_is_asked():
    asked = node_state("waiting", reason="approval")
    assert live(asked).waits
    assert not live(asked, node_state("running")).waits
    assert not live(node_state("waiting", reason="delay")).waits
    over = live(asked, ("complete", {"status": "cancelled"}))
    assert (over.waits, over.ended) == (False, True)


def past(**rest: Any) -> ChatTurn:
    usage = {"prompt_tokens": 900, "completion_tokens": 100, "cost_usd": 0.0}
    turn = {"status": "completed", "result": "Hi", "error": None, "usage": usage, **rest}
    return ChatTurn(ExecutionId("e"), {"q": "Hello"}, created_at=AT, completed_at=AT + timedelta(seconds=2), **turn)


def test_a_turn_that_is_over_shows_its_answer_or_why_there_is_none():
    done = turn_view(past(), "q")
    assert (done.said, done.reply, done.problem, done.href) == ("Hello", "Hi", "", "/executions/e")
    assert done.facts.endswith("1,000 tokens")
    assert turn_view(past(result={"end": "One text"}), "q").reply == "One text"
    assert turn_view(past(result={"a": 1, "b": 2}), "q").reply == '{"a": 1, "b": 2}'
    failed = turn_view(past(status="failed", result=None, error={"detail": "the model stalled"}), "q")
    assert (failed.reply, failed.problem) == ("", "The model stalled")
    assert turn_view(past(status="cancelled", result=None), "q").problem == "Stopped."
