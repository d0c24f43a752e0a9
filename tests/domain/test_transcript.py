"""Steps of agents in an execution's log, read as transcripts."""

from datetime import UTC, datetime
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.ids import NodeId, Path
from awe_app.domain.models import Usage
from awe_app.domain.previews import preview_of
from awe_app.domain.transcript import Told, Transcript, TranscriptReader

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "cost_usd": 0.25}
TASK = {
    "kind": "task",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}],
    "functions": [{"name": "calculator", "description": "", "parameters": {}}],
}


def step(data: dict[str, Any], path: str = "writer") -> ev.StepTaken:
    return ev.StepTaken(seq=1, at=AT, level="info", path=Path(path), message="", data=data, key=str(data))


def forgotten(path: str = "writer") -> ev.StepsForgotten:
    return ev.StepsForgotten(seq=1, at=AT, level="debug", path=Path(path), message="")


def failed(path: str = "writer") -> ev.NodeFailed:
    return ev.NodeFailed(
        seq=1, at=AT, path=Path(path), node_id=NodeId("writer"), input={}, code="X", detail="why", started_at=AT
    )


def answer(iteration: int, text: str, *calls: str, seconds: float = 1.5) -> dict[str, Any]:
    asked = [{"id": call, "name": "calculator", "arguments": '{"expression": "2 + 2"}'} for call in calls]
    reason = "tool_calls" if calls else "stop"
    return {
        "kind": "model",
        "iteration": iteration,
        "model": "local/small",
        "text": text,
        "tool_calls": asked,
        "finish_reason": reason,
        "usage": USAGE,
        "seconds": seconds,
        "reused": False,
    }


def tool(iteration: int, call_id: str, **came: Any) -> dict[str, Any]:
    arguments = {"expression": "2 + 2"}
    head = {"kind": "tool", "iteration": iteration, "call_id": call_id, "tool": "calculator", "arguments": arguments}
    return {**head, "seconds": 0.5, **came}


def read(*events: ev.Event) -> dict[Path, Transcript]:
    return TranscriptReader().read(events).transcripts


def test_answers_and_what_came_of_their_calls_are_turns_in_order():
    steps = [TASK, answer(1, "", "a", "b"), tool(1, "b", error="no"), tool(1, "a", result=4), answer(2, "Four.")]
    transcript = read(*map(step, steps))[Path("writer")]
    assert transcript.told == [Told("system", "Be brief."), Told("user", "2 + 2?")]
    assert transcript.functions == ["calculator"]
    assert [(turn.iteration, turn.text) for turn in transcript.turns] == [(1, ""), (2, "Four.")]
    first, second = transcript.turns[0].calls
    assert (first.call_id, first.result, first.error, first.arguments) == ("a", 4, None, {"expression": "2 + 2"})
    assert (second.call_id, second.result, second.error, second.done) == ("b", None, "no", True)
    assert transcript.usage == Usage(20, 10, 0.5)
    assert transcript.seconds == 1.5 + 0.5 + 1.5
    assert transcript.model == "local/small"


def test_a_call_without_an_outcome_is_not_done_and_what_a_person_said_stands_at_it():
    said = {
        "kind": "approval",
        "iteration": 1,
        "call_id": "a",
        "tool": "calculator",
        "decision": "rejected",
        "by": "ada",
    }
    transcript = read(step(TASK), step(answer(1, "", "a", "b")), step({**said, "comment": ""}))[Path("writer")]
    asked, other = transcript.turns[0].calls
    assert (asked.decision, asked.decided_by, asked.comment, asked.done) == ("rejected", "ada", None, False)
    assert asked.as_json()["approval"] == {"decision": "rejected", "by": "ada", "comment": None}
    assert (other.decision, other.as_json()["approval"]) == (None, None)


def test_calls_of_the_same_id_in_two_turns_are_two_calls():
    steps = [answer(1, "", "a"), tool(1, "a", result=1), answer(2, "", "a"), tool(2, "a", result=2)]
    turns = read(*map(step, steps))[Path("writer")].turns
    assert [turn.calls[0].result for turn in turns] == [1, 2]


def test_a_try_that_is_begun_anew_is_kept_and_still_paid_for():
    again = [step(TASK), step(answer(1, "bad")), forgotten(), step(TASK), step(answer(1, "good"))]
    transcript = read(*again)[Path("writer")]
    assert ([t.text for t in transcript.earlier], [t.text for t in transcript.turns]) == (["bad"], ["good"])
    assert transcript.usage == Usage(20, 10, 0.5)
    assert len(transcript.told) == 2


def test_what_a_tool_spends_itself_counts():
    steps = [answer(1, "", "a"), tool(1, "a", result="done", usage=USAGE)]
    assert read(*map(step, steps))[Path("writer")].usage == Usage(20, 10, 0.5)


def test_each_node_instance_has_its_own_transcript_and_its_own_failure():
    paths = ("each[0]/writer", "each[1]/writer")
    found = read(*(step(answer(1, path), path) for path in paths), failed(paths[1]), failed("other"))
    assert list(found) == list(paths)
    assert found[Path(paths[0])].error is None
    assert found[Path(paths[1])].error == {"code": "X", "detail": "why"}
    assert found[Path(paths[1])].node_id == "writer"


def test_steps_of_other_nodes_are_none_of_its_business():
    assert read(step({"kind": "page", "number": 3}), step({"rows": 3})) == {}


def test_previews_in_the_place_of_large_values_are_shown_in_words():
    text, messages = "x" * 9_000, [{"role": "user", "content": "y" * 9_000}]
    steps = [
        {**TASK, "messages": preview_of(messages, str(messages)), "functions": preview_of([], "[]")},
        {**answer(1, ""), "text": preview_of(text, text)},
    ]
    transcript = read(*map(step, steps))[Path("writer")]
    assert "9,000 bytes" in transcript.turns[0].text
    assert (len(transcript.told), transcript.functions) == (1, [])


def test_it_goes_out_as_json():
    steps = [TASK, answer(1, "", "a"), tool(1, "a", result=4)]
    shown = read(*map(step, steps))[Path("writer")].as_json()
    assert shown["turns"][0]["tool_calls"][0]["result"] == 4
    assert (shown["usage"], shown["seconds"], shown["began_at"]) == (USAGE, 2.0, "2026-11-22T12:00:00Z")
