"""Are the names that expressions use known, and known in time?"""

from collections.abc import Iterator, Mapping
from typing import Any

from awe_app.domain.errors import Issue
from awe_app.domain.ids import NodeId
from awe_app.domain.node import Node
from awe_app.domain.workflow import RESERVED_NAMES, NodeSpec, Workflow
from awe_app.engine.expressions import ExpressionSyntaxError, Reference, compile_value
from awe_app.engine.graph import WorkflowGraph

NodeTypes = Mapping[str, type[Node[Any]]]


def check_expressions(workflow: Workflow, node_types: NodeTypes) -> Iterator[Issue]:
    """Syntax errors, unknown names and nodes, undeclared inputs, ``item`` outside a loop, nodes not upstream."""
    checker = _Checker(workflow, node_types)
    for node in workflow.nodes:
        if not node_types[node.type].runs:
            continue  # nothing is resolved there: a note may show what an expression looks like
        own = frozenset(mapping.name for mapping in node.inputs)
        for mapping in node.inputs:
            if mapping.name in RESERVED_NAMES:
                message = f"an input may not be called '{mapping.name}': expressions use that name already"
                yield Issue("error", "RESERVED_NAME", message, node.id, "inputs")
            yield from checker.check(node, f"inputs.{mapping.name}", mapping.value, frozenset())
        per_pass = node_types[node.type].per_pass
        for name, raw in node.config.items():
            here = own | {"item", "index", "loops"} if name in per_pass else own
            yield from checker.check(node, f"{node.config_key}.{name}", raw, here)


class _Checker:
    def __init__(self, workflow: Workflow, node_types: NodeTypes) -> None:
        self.graph = WorkflowGraph(workflow)
        self.ids = {node.id for node in workflow.nodes}
        self.variables = set(workflow.variables)
        declared = [node_types[node.type].declared_inputs(node.config) for node in workflow.nodes]
        self.inputs: set[str] | None = None
        if any(names is not None for names in declared):
            self.inputs = {name for names in declared if names is not None for name in names}

    def check(self, node: NodeSpec, field: str, raw: Any, own: frozenset[str]) -> Iterator[Issue]:
        try:
            references = compile_value(raw).references
        except ExpressionSyntaxError as error:
            yield Issue("error", "EXPRESSION_SYNTAX", str(error), node.id, field)
            return
        for reference in sorted(references, key=lambda r: (r.root, r.key or "")):
            if issue := self._known(node, field, reference, own):
                yield issue

    def _known(self, node: NodeSpec, field: str, reference: Reference, own: frozenset[str]) -> Issue | None:
        root, key = reference.root, reference.key
        if root in own:
            return None
        match root:
            case "nodes":
                return self._known_node(node, field, key)
            case "inputs":
                if key is not None and self.inputs is not None and key not in self.inputs:
                    message = f"no input node declares '{key}'; add it there or correct the name"
                    return Issue("error", "UNKNOWN_INPUT", message, node.id, field)
            case "variables":
                if key is not None and key not in self.variables:
                    message = f"the workflow has no variable '{key}'; it will be empty"
                    return Issue("warning", "UNKNOWN_VARIABLE", message, node.id, field)
            case "execution":
                if key not in (None, "id"):
                    return Issue("error", "UNKNOWN_NAME", f"'execution' has no '{key}', only 'id'", node.id, field)
            case "item" | "index" | "loops":
                if not self.graph.containers(node.id):
                    return Issue("error", "OUTSIDE_LOOP", f"'{root}' exists only inside a loop", node.id, field)
            case _:
                names = ", ".join(sorted(own | {"inputs", "variables", "nodes"}))
                message = f"there is no '{root}' here; known are {names}"
                return Issue("error", "UNKNOWN_NAME", message, node.id, field)
        return None

    def _known_node(self, node: NodeSpec, field: str, key: str | None) -> Issue | None:
        if key is None:
            return None
        if key not in self.ids:
            return Issue("error", "UNKNOWN_NODE", f"there is no node '{key}'", node.id, field)
        if not self.graph.is_upstream(NodeId(key), node.id):
            message = f"'{key}' does not come before '{node.id}'; connect it, directly or through others"
            return Issue("error", "NOT_UPSTREAM", message, node.id, field)
        return None
