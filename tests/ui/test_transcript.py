"""What the page shows of agents: a line each, the answers of the opened one, and no more than a page can bear."""

from datetime import UTC, datetime

from awe_app.domain.transcript import TranscriptReader
from awe_app.ui.components.transcript_view import agents_of, money, told_of, turns_of
from tests.builders import graph, node, read
from tests.domain.test_transcript import TASK, answer, failed, step, tool

AT = datetime(2026, 11, 22, tzinfo=UTC)
WORKFLOW = read(graph("writer", node("writer", name="Writes")))


def transcript(*steps: dict, path: str = "writer"):
    return TranscriptReader().read([step(data, path) for data in steps]).transcripts[path]


def test_an_agent_is_a_line_with_what_it_did_and_cost():
    done = transcript(TASK, answer(1, "", "a", "b"), tool(1, "a", result=4), tool(1, "b", error="no"), answer(2, "4"))
    [row] = agents_of([done], WORKFLOW)
    assert (row.title, row.model, row.answers) == ("Writes", "local/small", "2 answers, 2 tool calls")
    assert (row.tokens, row.cost, row.seconds, row.problem) == ("20 → 10", "$0.50", "3.5 s", "")
    assert [(message.role, message.gist) for message in told_of(done)] == [("System", "Be brief."), ("User", "2 + 2?")]


def test_an_instance_in_a_loop_says_which_pass_and_a_failed_one_why():
    events = [step(answer(1, "x"), "each[3]/writer"), failed("each[3]/writer")]
    [row] = agents_of(list(TranscriptReader().read(events).transcripts.values()), WORKFLOW)
    assert (row.title, row.problem) == ("Writes · each[3]", "X: why")


def test_calls_show_what_came_of_them_or_that_nothing_has_yet():
    said = {"kind": "approval", "iteration": 1, "call_id": "c", "decision": "approved", "by": "ada", "comment": "fine"}
    came = [tool(1, "a", result=4), tool(1, "b", error="no"), said]
    [[turn], _hidden] = turns_of(transcript(answer(1, "", "a", "b", "c"), *came), 10)
    assert [call.state for call in turn.calls] == ["done", "failed", "open"]
    assert [(call.result, call.problem) for call in turn.calls[:2]] == [("4", ""), ("", "no")]
    assert (turn.calls[0].gist, turn.calls[2].decision) == ("2 + 2", "approved by ada: fine")


def test_json_is_told_from_text_and_odd_answers_are_marked():
    cut = {**answer(3, "So"), "finish_reason": "length", "reused": True}
    turns, _hidden = turns_of(transcript(answer(1, '{"a":1}'), answer(2, "{not json"), cut), 10)
    assert [(turn.is_json, turn.note) for turn in turns] == [
        (True, ""),
        (False, ""),
        (False, "reused answer · cut off"),
    ]


def test_of_a_long_transcript_the_last_answers_are_shown_and_long_values_are_cut():
    long = transcript(*(answer(number, "x") for number in range(1, 61)), tool(60, "a", result="y" * 50_000))
    turns, hidden = turns_of(long, 20)
    assert ([turns[0].number, turns[-1].number], hidden) == (["41", "60"], 40)
    assert len(turns[-1].calls[0].result) < 5_000


def test_money_is_readable():
    assert [money(usd) for usd in (0, 0.00001, 0.0042, 1.5)] == ["", "< $0.0001", "$0.0042", "$1.50"]
