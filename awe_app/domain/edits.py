"""One gesture on the canvas as a value: ``apply(workflow, edit)`` does it, ``inverse(workflow, edit)`` takes it back.

The browser sends one edit for each finished gesture; the same values make undo and redo (``domain/history.py``).
Edits know shapes only: what an edit leaves behind may still be unfinished, which ``engine/validate.py`` says.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from awe_app.domain.changes import (
    deleted,
    difference,
    doomed,
    found_node,
    inserted,
    malformed,
    renamed,
    replaced,
    restored,
    with_nodes,
)
from awe_app.domain.ids import NodeId
from awe_app.domain.workflow import NODE_ID_PATTERN, Edge, NodeSpec, Position, Strict, Workflow


class Move(Strict):
    """Nodes were dragged."""

    op: Literal["move"] = "move"
    positions: Mapping[NodeId, Position]


class Tidy(Strict):
    """The layout put many nodes in new places."""

    op: Literal["tidy"] = "tidy"
    positions: Mapping[NodeId, Position]


class Connect(Strict):
    """A wire was drawn."""

    op: Literal["connect"] = "connect"
    edge: Edge


class AddNode(Strict):
    """A node was put on the canvas, with the wires that join it."""

    op: Literal["add_node"] = "add_node"
    node: NodeSpec
    edges: tuple[Edge, ...] = ()


class Paste(Strict):
    """Copies of nodes and the wires between them were put in; their ids are new already."""

    op: Literal["paste"] = "paste"
    nodes: tuple[NodeSpec, ...]
    edges: tuple[Edge, ...] = ()


class Delete(Strict):
    """Nodes (with what they contain and their wires) and edges were taken away."""

    op: Literal["delete"] = "delete"
    nodes: tuple[NodeId, ...] = ()
    edges: tuple[str, ...] = ()


class Configure(Strict):
    """Settings of one node were changed: ``settings`` are set, ``unset`` go back to their defaults."""

    op: Literal["configure"] = "configure"
    node: NodeId
    settings: Mapping[str, Any] = Field(default_factory=dict)
    unset: tuple[str, ...] = ()


NodeField = Literal["name", "inputs", "retry", "timeout_s", "on_error", "default_output", "disabled", "parent_id"]


class SetField(Strict):
    """What every node has, whatever its type, was changed."""

    op: Literal["set_field"] = "set_field"
    node: NodeId
    field: NodeField
    value: Any = None


class Disable(Strict):
    """Nodes were switched off or on."""

    op: Literal["disable"] = "disable"
    nodes: tuple[NodeId, ...]
    disabled: bool = True


class Rename(Strict):
    """A node got a new id; wires and expressions that name it follow."""

    op: Literal["rename"] = "rename"
    node: NodeId
    to: NodeId = Field(pattern=NODE_ID_PATTERN)


class SetWorkflow(Strict):
    """Name, description or variables were changed; what is not given stays."""

    op: Literal["set_workflow"] = "set_workflow"
    name: str | None = Field(None, min_length=1, max_length=200)
    description: str | None = Field(None, max_length=10_000)
    variables: Mapping[str, Any] | None = None

    @model_validator(mode="after")
    def _given_values(self) -> "SetWorkflow":
        for name in ("name", "variables"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} may not be null")
        return self


class Restore(Strict):
    """Nodes and edges come back to the places they had; the inverse of ``Delete``."""

    op: Literal["restore"] = "restore"
    nodes: tuple[tuple[int, NodeSpec], ...] = ()
    edges: tuple[tuple[int, Edge], ...] = ()


class Replace(Strict):
    """Nodes and edges become what is given here, by the id they have now; the inverse of what changes many."""

    op: Literal["replace"] = "replace"
    nodes: Mapping[NodeId, NodeSpec] = Field(default_factory=dict)
    edges: Mapping[str, Edge] = Field(default_factory=dict)


Edit = Annotated[
    Move
    | Tidy
    | Connect
    | AddNode
    | Paste
    | Delete
    | Configure
    | SetField
    | Disable
    | Rename
    | SetWorkflow
    | Restore
    | Replace,
    Field(discriminator="op"),
]
_ADAPTER: TypeAdapter[Edit] = TypeAdapter(Edit)


def read_edit(raw: Any) -> Edit:
    """The edit that the browser sent.

    Raises:
        Invalid: ``MALFORMED_EDIT``; nothing of what was sent is repeated.
    """
    try:
        return _ADAPTER.validate_python(raw)
    except ValidationError as error:
        raise malformed(error) from None


def apply(workflow: Workflow, edit: Edit) -> Workflow:
    """The workflow after the edit.

    Raises:
        Invalid: ``UNKNOWN_NODE``, ``UNKNOWN_EDGE``, ``DUPLICATE_ID``, ``TOO_MANY`` or ``MALFORMED_EDIT``.
    """
    match edit:
        case Move() | Tidy():
            return with_nodes(workflow, {i: {"position": p} for i, p in edit.positions.items()})
        case Connect():
            return inserted(workflow, (), (edit.edge,))
        case AddNode():
            return inserted(workflow, (edit.node,), edit.edges)
        case Paste():
            return inserted(workflow, edit.nodes, edit.edges)
        case Delete():
            return deleted(workflow, edit.nodes, edit.edges)
        case Configure():
            kept = {k: v for k, v in found_node(workflow, edit.node).config.items() if k not in edit.unset}
            return with_nodes(workflow, {edit.node: {"config": {**kept, **edit.settings}}})
        case SetField():
            return with_nodes(workflow, {edit.node: {edit.field: edit.value}})
        case Disable():
            return with_nodes(workflow, {i: {"disabled": edit.disabled} for i in edit.nodes})
        case Rename():
            return renamed(workflow, edit.node, edit.to)
        case SetWorkflow():
            return workflow.model_copy(update={k: getattr(edit, k) for k in edit.model_fields_set - {"op"}})
        case Restore():
            return restored(workflow, edit.nodes, edit.edges)
        case Replace():
            return replaced(workflow, edit.nodes, edit.edges)


def inverse(workflow: Workflow, edit: Edit) -> Edit:
    """The edit that brings ``apply(workflow, edit)`` back to ``workflow``.

    Raises:
        Invalid: as ``apply`` does.
    """
    match edit:
        case Move() | Tidy():
            return type(edit)(positions={i: found_node(workflow, i).position for i in edit.positions})
        case Connect():
            return Delete(edges=(edit.edge.id,))
        case AddNode():
            return Delete(nodes=(edit.node.id,), edges=tuple(edge.id for edge in edit.edges))
        case Paste():
            return Delete(nodes=tuple(node.id for node in edit.nodes), edges=tuple(edge.id for edge in edit.edges))
        case Restore():
            return Delete(nodes=tuple(n.id for _, n in edit.nodes), edges=tuple(edge.id for _, edge in edit.edges))
        case Delete():
            nodes, edges = doomed(workflow, edit.nodes, edit.edges)
            return Restore(
                nodes=tuple((i, node) for i, node in enumerate(workflow.nodes) if node.id in nodes),
                edges=tuple((i, edge) for i, edge in enumerate(workflow.edges) if edge.id in edges),
            )
        case Configure():
            before, touched = found_node(workflow, edit.node).config, {*edit.settings, *edit.unset}
            return Configure(
                node=edit.node,
                settings={k: before[k] for k in touched if k in before},
                unset=tuple(k for k in touched if k not in before),
            )
        case SetField():
            return SetField(
                node=edit.node, field=edit.field, value=getattr(found_node(workflow, edit.node), edit.field)
            )
        case Disable():
            return Replace(nodes={i: found_node(workflow, i) for i in edit.nodes})
        case SetWorkflow():
            before = {name: getattr(workflow, name) for name in edit.model_fields_set - {"op"}}
            return SetWorkflow.model_validate(before)
        case Rename() | Replace():
            nodes, edges = difference(apply(workflow, edit), workflow)
            return Replace(nodes=nodes, edges=edges)
