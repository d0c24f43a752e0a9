"""Edits: what a gesture does, and that it can be taken back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awe_app.domain.edits import (
    AddNode,
    Configure,
    Connect,
    Delete,
    Disable,
    Edit,
    Move,
    Paste,
    Rename,
    SetField,
    SetWorkflow,
    Tidy,
    apply,
    inverse,
    read_edit,
)
from awe_app.domain.errors import Invalid
from awe_app.domain.history import LIMIT, History
from awe_app.domain.workflow import Edge, NodeSpec, Position, Workflow


def node(node_id: str, **fields: Any) -> NodeSpec:
    return NodeSpec.model_validate({"id": node_id, "type": "template", **fields})


def edge(edge_id: str, source: str, target: str) -> Edge:
    return Edge.model_validate({"id": edge_id, "source": source, "target": target})


CHAIN = Workflow(
    name="chain",
    variables={"tone": "plain"},
    nodes=(
        node("start", template_config={"template": "hi"}),
        node("each"),
        node("inside", parent_id="each", template_config={"template": "{{ nodes.start.output }}", "deep": [{"a": 1}]}),
        node("end", inputs=[{"name": "x", "value": "{{ nodes.each.output[0] }} of {{nodes.start.output}}"}]),
    ),
    edges=(edge("e1", "start", "each"), edge("e2", "each", "end")),
)
IDS = [n.id for n in CHAIN.nodes]
EDGE_IDS = [e.id for e in CHAIN.edges]

positions = st.builds(Position, x=st.floats(-1e6, 1e6), y=st.floats(-1e6, 1e6))
moves = st.dictionaries(st.sampled_from(IDS), positions, min_size=1)
settings = st.dictionaries(st.sampled_from(["template", "deep", "other"]), st.none() | st.integers() | st.text())
any_edit: st.SearchStrategy[Edit] = st.one_of(
    st.builds(Move, positions=moves),
    st.builds(Tidy, positions=moves),
    st.builds(lambda s, t: Connect(edge=edge("new", s, t)), st.sampled_from(IDS), st.sampled_from(IDS)),
    st.builds(lambda s: AddNode(node=node("new"), edges=(edge("e9", s, "new"),)), st.sampled_from(IDS)),
    st.builds(lambda n: Paste(nodes=tuple(node(f"copy_{i}") for i in range(n))), st.integers(0, 3)),
    st.builds(
        lambda n, e: Delete(nodes=tuple(n), edges=tuple(e)),
        st.sets(st.sampled_from(IDS)),
        st.sets(st.sampled_from(EDGE_IDS)),
    ),
    st.builds(
        lambda n, s, u: Configure(node=n, settings=s, unset=tuple(u)),
        st.sampled_from(IDS),
        settings,
        st.sets(st.sampled_from(["template", "gone"])),
    ),
    st.builds(lambda n, v: SetField(node=n, field="name", value=v), st.sampled_from(IDS), st.text(max_size=20)),
    st.builds(lambda n, v: SetField(node=n, field="disabled", value=v), st.sampled_from(IDS), st.booleans()),
    st.builds(lambda n, on: Disable(nodes=tuple(n), disabled=on), st.sets(st.sampled_from(IDS)), st.booleans()),
    st.builds(lambda n: Rename(node=n, to="fresh"), st.sampled_from(IDS)),
    st.just(SetWorkflow(name="other")),
    st.just(SetWorkflow(description=None, variables={})),
)


@given(any_edit)
def test_the_inverse_of_an_edit_restores_the_workflow_exactly(edit: Edit) -> None:
    assert apply(apply(CHAIN, edit), inverse(CHAIN, edit)) == CHAIN


@given(any_edit)
def test_the_inverse_of_the_inverse_does_the_edit_again(edit: Edit) -> None:
    after, back = apply(CHAIN, edit), inverse(CHAIN, edit)
    assert apply(CHAIN, inverse(after, back)) == after


@given(any_edit)
def test_an_edit_leaves_the_workflow_it_was_given_unchanged(edit: Edit) -> None:
    before = CHAIN.as_json()
    apply(CHAIN, edit)
    assert CHAIN.as_json() == before


@given(st.lists(any_edit, max_size=8))
def test_undoing_everything_leads_back_and_redoing_everything_leads_forth(edits: list[Edit]) -> None:
    workflow, history = CHAIN, History()
    for edit in edits:
        try:
            workflow, history = history.do(workflow, edit)
        except Invalid:
            continue
    last = workflow
    for _ in history.done:
        workflow, history = history.undo(workflow)
    assert workflow == CHAIN
    for _ in history.undone:
        workflow, history = history.redo(workflow)
    assert workflow == last


def test_deleting_a_container_takes_what_is_inside_and_the_wires_along() -> None:
    after = apply(CHAIN, Delete(nodes=("each",)))
    assert [n.id for n in after.nodes] == ["start", "end"]
    assert after.edges == ()


def test_renaming_a_node_changes_edges_parents_and_expressions() -> None:
    after = apply(CHAIN, Rename(node="each", to="all"))
    assert [(e.source, e.target) for e in after.edges] == [("start", "all"), ("all", "end")]
    assert after.nodes[2].parent_id == "all"
    assert after.nodes[3].inputs[0].value == "{{ nodes.all.output[0] }} of {{nodes.start.output}}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{{ nodes.a.output }}", "{{ nodes.b.output }}"),
        ('{{ nodes."a".output }}', '{{ nodes."b".output }}'),
        ("{{ loops.a.item }}", "{{ loops.b.item }}"),
        ("{{ join(',', [nodes.a.output, nodes . a.error]) }}", "{{ join(',', [nodes.b.output, nodes . b.error]) }}"),
        ("nodes.a.output", "nodes.a.output"),
        ("{{ nodes.ab.output }}", "{{ nodes.ab.output }}"),
        ("{{ x.nodes.a }}", "{{ x.nodes.a }}"),
        ("{{ 'nodes.a' }}", "{{ 'nodes.a' }}"),
        ('{{ `"nodes.a"` }}', '{{ `"nodes.a"` }}'),
        (r"\{{ nodes.a }}", r"\{{ nodes.a }}"),
        ("{{ '}}' }} {{ nodes.a }}", "{{ '}}' }} {{ nodes.b }}"),
    ],
)
def test_renaming_rewrites_mentions_in_expressions_and_nothing_else(before: str, after: str) -> None:
    workflow = Workflow(name="w", nodes=(node("a"), node("c", template_config={"template": [before]})))
    assert apply(workflow, Rename(node="a", to="b")).nodes[1].config == {"template": [after]}


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (Move(positions={"nowhere": Position()}), "UNKNOWN_NODE"),  # type: ignore[dict-item]
        (Configure(node="nowhere"), "UNKNOWN_NODE"),
        (Delete(nodes=("nowhere",)), "UNKNOWN_NODE"),
        (Delete(edges=("nowhere",)), "UNKNOWN_EDGE"),
        (AddNode(node=node("start")), "DUPLICATE_ID"),
        (Paste(nodes=(node("x"), node("x"))), "DUPLICATE_ID"),
        (Connect(edge=edge("e1", "start", "end")), "DUPLICATE_ID"),
        (Connect(edge=edge("e9", "start", "nowhere")), "UNKNOWN_NODE"),
        (Rename(node="start", to="end"), "DUPLICATE_ID"),
        (SetField(node="start", field="timeout_s", value=-1), "MALFORMED_EDIT"),
        (Paste(nodes=tuple(node(f"n{i}") for i in range(2_000))), "TOO_MANY"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(edit: Edit, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        apply(CHAIN, edit)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "raw",
    [
        None,
        {},
        {"op": "explode"},
        {"op": "move"},
        {"op": "move", "positions": {"a": {"x": float("nan"), "y": 0}}},
        {"op": "delete", "nodes": ["a"], "secret": 1},
        {"op": "set_workflow", "name": None},
        {"op": "set_field", "node": "a", "field": "id", "value": "b"},
        {"op": "add_node", "node": {"id": "Bad Id", "type": "template"}},
    ],
)
def test_what_is_no_edit_is_refused_without_repeating_it(raw: Any) -> None:
    with pytest.raises(Invalid) as refused:
        read_edit(raw)
    assert refused.value.code == "MALFORMED_EDIT"
    assert "Bad Id" not in refused.value.detail


def test_an_edit_from_the_browser_is_read() -> None:
    raw = {"op": "add_node", "node": {"id": "new", "type": "template", "template_config": {"template": "x"}}}
    assert read_edit(raw) == AddNode(node=node("new", template_config={"template": "x"}))


def test_typing_into_one_field_is_one_step() -> None:
    workflow, history = CHAIN, History()
    for text in ("h", "he", "hey"):
        workflow, history = history.do(workflow, Configure(node="start", settings={"template": text}), "focus-1")
    workflow, history = history.do(workflow, Configure(node="start", settings={"template": "other"}), "focus-2")
    assert len(history.done) == 2
    workflow, history = history.undo(workflow)
    assert workflow.nodes[0].config == {"template": "hey"}
    workflow, history = history.undo(workflow)
    assert workflow == CHAIN
    workflow, history = history.redo(workflow)
    assert workflow.nodes[0].config == {"template": "hey"}


def test_a_new_edit_forgets_what_was_undone() -> None:
    workflow, history = History().do(CHAIN, SetWorkflow(name="one"))
    workflow, history = history.undo(workflow)
    workflow, history = history.do(workflow, SetWorkflow(name="two"))
    assert history.undone == ()
    assert history.redo(workflow) == (workflow, history)


def test_at_least_two_hundred_steps_are_kept_and_not_without_end() -> None:
    workflow, history = CHAIN, History()
    for i in range(LIMIT + 10):
        workflow, history = history.do(workflow, SetWorkflow(name=f"name {i}"))
    assert LIMIT >= 200
    assert len(history.done) == LIMIT
