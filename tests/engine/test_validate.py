"""Validation: every finding at once, beside its node, with the code that clients rely on."""

from typing import Any

import pytest

from awe_app.domain.errors import Invalid, Issue
from awe_app.engine.plan import prepare
from awe_app.engine.validate import read_workflow, validate
from awe_app.nodes.registry import discover
from tests.builders import graph, node, read


def issues_of(raw: dict[str, Any]) -> list[Issue]:
    workflow, issues = read_workflow(raw)
    return issues if workflow is None else validate(workflow, discover())


def codes(raw: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(issue.code, issue.node_id) for issue in issues_of(raw)]


def test_a_sound_workflow_has_no_issues() -> None:
    raw = graph(
        "start -> pick; pick:true -> yes -> end; pick:false -> no -> end",
        node("start", "input", {"fields": [{"name": "topic"}]}),
        node("pick", "condition", {"field": "{{ inputs.topic }}", "operator": "contains", "value": "AI"}),
        node("yes", config={"template": "{{ nodes.pick.output }}"}),
        node("end", "output", {"value": "{{ nodes.yes.output || nodes.no.output }}"}),
    )
    assert issues_of(raw) == []


@pytest.mark.parametrize(
    ("raw", "code", "node_id"),
    [
        ({**graph("a"), "extra": 1}, "UNKNOWN_KEY", None),
        (graph("", {**node("a"), "colour": "red"}), "UNKNOWN_KEY", "a"),
        (graph("", {**node("a"), "config": {}}), "INVALID_VALUE", "a"),
        (graph("", {**node("a"), "agent_config": {}}), "UNKNOWN_KEY", "a"),
        ({"nodes": []}, "MISSING_KEY", None),
        ({**graph("a"), "schema_version": 2}, "INVALID_VALUE", None),
        (graph("", node("A")), "INVALID_VALUE", "A"),
        (graph("", node("a", "teleport")), "UNKNOWN_TYPE", "a"),
        (graph("a -> ghost", node("a")) | {"nodes": [node("a")]}, "DANGLING_EDGE", "a"),
        ({**graph("a"), "nodes": [node("a"), node("a")]}, "DUPLICATE_ID", "a"),
        (graph("a -> b -> a"), "CYCLE", "a"),
        (graph("a -> a"), "CYCLE", "a"),
        (graph("", node("a", parent_id="b"), node("b")), "UNKNOWN_PARENT", "a"),
        (graph("", node("a", parent_id="nowhere")), "UNKNOWN_PARENT", "a"),
        (graph("", node("a", config={"template": "x", "temprature": 1})), "UNKNOWN_KEY", "a"),
    ],
)
def test_what_is_malformed_is_marked_so(raw: dict[str, Any], code: str, node_id: str | None) -> None:
    found = [issue for issue in issues_of(raw) if issue.malformed]
    assert (code, node_id) in [(issue.code, issue.node_id) for issue in found]


@pytest.mark.parametrize(
    ("raw", "code", "node_id"),
    [
        (graph("", node("a", config={})), "MISSING_SETTING", "a"),
        (graph("", node("a", "condition", {})), "INVALID_SETTING", "a"),
        (graph("", node("a", "note", {"color": "mauve"})), "INVALID_SETTING", "a"),
        (graph("", node("a", config={"template": "{{ oops"})), "EXPRESSION_SYNTAX", "a"),
        (graph("", node("a", config={"template": "{{ topic }}"})), "UNKNOWN_NAME", "a"),
        (graph("", node("a", config={"template": "{{ execution.name }}"})), "UNKNOWN_NAME", "a"),
        (graph("", node("a", config={"template": "{{ nodes.ghost.output }}"})), "UNKNOWN_NODE", "a"),
        (graph("a -> b", node("a", config={"template": "{{ nodes.b.output }}"})), "NOT_UPSTREAM", "a"),
        (graph("", node("a", config={"template": "{{ nodes.a.output }}"})), "NOT_UPSTREAM", "a"),
        (graph("", node("a", config={"template": "{{ item }}"})), "OUTSIDE_LOOP", "a"),
        (
            graph(
                "i -> a",
                node("i", "input", {"fields": [{"name": "x"}]}),
                node("a", config={"template": "{{ inputs.y }}"}),
            ),
            "UNKNOWN_INPUT",
            "a",
        ),
        (graph("", node("a", inputs=[{"name": "item", "value": 1}])), "RESERVED_NAME", "a"),
        (graph("c -> b", node("c", "condition", {"field": 1, "value": 1})), "UNKNOWN_PORT", "c"),
        (graph("a:error -> b"), "UNKNOWN_PORT", "a"),
        (graph("a -> i", node("i", "input", {})), "UNKNOWN_PORT", "i"),
        (graph("n -> a", node("n", "note", {})), "UNKNOWN_PORT", "n"),
    ],
)
def test_what_is_unfinished_is_an_error_but_may_be_stored(raw: dict[str, Any], code: str, node_id: str | None) -> None:
    issues = issues_of(raw)
    assert (code, node_id, "error") in [(issue.code, issue.node_id, issue.severity) for issue in issues]
    assert not any(issue.malformed for issue in issues)
    with pytest.raises(Invalid) as refused:
        prepare(read(raw), discover())
    assert refused.value.code == "INVALID_WORKFLOW"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (graph(""), "EMPTY_WORKFLOW"),
        (graph("", node("a", config={"template": "{{ variables.none }}"})), "UNKNOWN_VARIABLE"),
        (graph("a -> b; a -> b"), "DUPLICATE_EDGE"),
    ],
)
def test_what_is_only_odd_is_a_warning(raw: dict[str, Any], code: str) -> None:
    issues = issues_of(raw)
    assert [(issue.code, issue.severity) for issue in issues] == [(code, "warning")]


def test_an_expression_may_stand_for_a_setting_of_any_type() -> None:
    raw = graph("", node("a", "condition", {"field": 1, "operator": "{{ inputs.operator }}", "value": 1}))
    assert codes(raw) == []


def test_all_findings_come_at_once() -> None:
    raw = graph("", node("a", config={"template": "{{ x }} {{ y }}"}), node("b", config={}))
    assert sorted(codes(raw)) == [("MISSING_SETTING", "b"), ("UNKNOWN_NAME", "a"), ("UNKNOWN_NAME", "a")]


def test_own_inputs_are_bare_names() -> None:
    raw = graph(
        "", node("a", config={"template": "{{ topic }}"}, inputs=[{"name": "topic", "value": "{{ inputs.t }}"}])
    )
    assert codes(raw) == []


def test_the_error_port_exists_when_errors_branch() -> None:
    assert codes(graph("a:error -> b; a:out -> c", node("a", on_error="branch"))) == []


def test_a_message_says_which_and_how_to_mend_it() -> None:
    (issue,) = [
        i for i in issues_of(graph("a -> ghost", node("a")) | {"nodes": [node("a")]}) if i.code == "DANGLING_EDGE"
    ]
    assert issue.message == "edge 'e0' leads to 'ghost', which does not exist; remove it or add the node"


def test_a_note_may_show_what_an_expression_looks_like() -> None:
    raw = graph("a", node("remark", "note", {"text": "Use {{ nodes.unheard_of.output }} or {{ this }"}))
    assert [issue for issue in issues_of(raw) if issue.node_id == "remark"] == []
