"""A run as the builder shows it."""

import json
from typing import Any

from awe_app.domain.messages import Message
from awe_app.ui.canvas.run_view import LIVE_LOG_LINES, LOG_LINES, PREVIEW_CHARS, VALUE_CHARS, RunView, node_of

AT = "2026-01-01T00:00:0{}Z"


def state(node_id: str, status: str, seq: int = 1, **data: Any) -> Message:
    return Message("state", seq, {"node_id": node_id, "status": status, **data})


def finished(node_id: str, output: Any = None, ports: tuple[str, ...] = ("out",), tokens: int = 0) -> Message:
    usage = {"prompt_tokens": tokens, "completion_tokens": 0, "cost_usd": 0.0} if tokens else None
    times = {"started_at": AT.format(0), "completed_at": AT.format(2)}
    return state(node_id, "completed", output=output, input={}, ports=list(ports), usage=usage, **times)


def shown(view: RunView) -> dict[str, Any]:
    said = view.changes()
    return {**said.get("settled", {}), **said.get("recent", {})}


def test_nodes_are_shown_with_time_and_tokens():
    view = RunView("x", {})
    view.apply(state("a", "running", input={}))
    view.apply(finished("b", tokens=7))
    assert shown(view) == {"a": ["running"], "b": ["completed", 2000, 7]}


def test_ports_are_told_where_they_do_not_go_without_saying():
    view = RunView("x", {})
    view.apply(finished("choice", ports=("true",)))
    view.apply(state("gone", "skipped", ports=[]))
    view.apply(state("handed_on", "skipped", ports=["out"]))
    view.apply(state("fell", "failed", error={"code": "E", "detail": "d"}, ports=[]))
    assert shown(view) == {
        "choice": ["completed", 2000, 0, ["true"]],
        "gone": ["skipped"],
        "handed_on": ["skipped", None, 0, ["out"]],
        "fell": ["failed", None, 0, []],
    }


def test_only_what_changed_is_told():
    view = RunView("x", {})
    view.changes()
    view.apply(state("a", "running", input={}))
    assert set(view.changes()) == {"recent"}
    assert view.changes() == {}


def test_a_thousand_nodes_cost_less_than_300_kb():
    view = RunView("x", {})
    sent = 0
    for i in range(1_000):
        view.apply(finished(f"node_{i}"))
        if i % 50 == 49:  # a run of two seconds, told ten times a second
            sent += len(json.dumps(view.changes()))
    view.apply(Message("complete", 1_001, {"status": "completed", "result": None, "error": None, "usage": None}))
    sent += len(json.dumps(view.changes()))
    assert sent < 300_000
    assert len(view._say_settled()) == 1_000


def test_text_is_shown_as_it_comes_and_only_its_end():
    view = RunView("x", {})
    for piece in ("Hello ", "world", "." * PREVIEW_CHARS, "end"):
        view.apply(Message("state", None, {"node_id": "each[3]/writer", "status": "running", "delta": piece}))
    preview = view.changes()["preview"]
    assert preview["writer"].endswith("...end")
    assert len(preview["writer"]) == PREVIEW_CHARS


def test_the_log_keeps_its_last_lines_and_calls_nodes_by_name():
    view = RunView("x", {"a": "Writer"})
    for i in range(LOG_LINES + 5):
        data = {"timestamp": AT.format(0), "level": "info", "node_id": "a", "message": f"line {i}"}
        view.apply(Message("log", i + 1, data))
    assert len(view.changes()["log"]) == LIVE_LOG_LINES
    view.apply(Message("complete", 900, {"status": "completed", "result": None, "error": None, "usage": None}))
    log = view.changes()["log"]
    assert len(log) == LOG_LINES
    assert log[-1] == {"time": "0.00 s", "node": "Writer", "level": "info", "text": f"line {LOG_LINES + 4}"}


def test_a_failure_is_told_with_its_node():
    view = RunView("x", {})
    error = {"code": "E", "detail": "it broke", "node_id": "each[1]/a"}
    view.apply(Message("complete", 1, {"status": "failed", "result": None, "error": error, "usage": None}))
    said = view.changes()
    assert view.ended
    assert said["execution"] == {"id": "x", "status": "failed", "tokens": 0, "failed_at": "a"}
    assert said["outcome"] == {"status": "failed", "text": "", "code": "E", "detail": "it broke"}


def test_a_result_that_is_no_text_is_shown_as_json():
    view = RunView("x", {})
    view.apply(Message("complete", 1, {"status": "completed", "result": {"ä": 1}, "error": None, "usage": None}))
    assert view.changes()["outcome"]["text"] == '{\n  "ä": 1\n}'


def test_what_goes_in_and_out_is_told_for_the_node_that_is_looked_at():
    view = RunView("x", {}, looked_at="a")
    view.apply(finished("a", output="x" * (VALUE_CHARS + 1)))
    view.apply(finished("b", output="other"))
    io = view.changes()["io"]
    assert io["node_id"] == "a"
    assert len(io["output"]) == VALUE_CHARS + 2
    view.look_at("b")
    assert view.changes()["io"] == {"node_id": "b", "input": {}, "output": "other", "error": None}


def test_a_nodes_id_is_the_end_of_its_path():
    assert node_of("outer[0]/inner[2]/writer") == "writer"
    assert node_of("writer") == "writer"
