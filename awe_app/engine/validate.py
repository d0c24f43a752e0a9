"""Validation: every finding at once, each beside its node and field; nothing is run.

Rules are functions in a tuple. A finding marked ``malformed`` is refused even in a draft; other errors are stored
with the workflow and only keep it from running.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic import ValidationError

from awe_app.domain.errors import Issue
from awe_app.domain.ids import NodeId
from awe_app.domain.node import Node
from awe_app.domain.workflow import Edge, NodeSpec, Workflow
from awe_app.engine.graph import WorkflowGraph
from awe_app.engine.references import check_expressions
from awe_app.engine.settings import check_settings

NodeTypes = Mapping[str, type[Node[Any]]]


def read_workflow(raw: Any) -> tuple[Workflow | None, list[Issue]]:
    """Read a workflow file's JSON: the workflow, or None and what is malformed."""
    if not isinstance(raw, Mapping):
        return None, [Issue("error", "NOT_A_WORKFLOW", "a workflow is a JSON object", malformed=True)]
    try:
        return Workflow.model_validate(raw), []
    except ValidationError as error:
        return None, [_shape_issue(raw, problem) for problem in error.errors(include_url=False, include_input=False)]


def _shape_issue(raw: Mapping[str, Any], problem: Any) -> Issue:
    place: tuple[str | int, ...] = problem["loc"]
    node_id = None
    if len(place) > 1 and place[0] == "nodes" and isinstance(place[1], int):
        found = raw["nodes"][place[1]]
        node_id = found.get("id") if isinstance(found, Mapping) and isinstance(found.get("id"), str) else None
    where = ".".join(str(part) for part in place) or "the workflow"
    codes = {"extra_forbidden": "UNKNOWN_KEY", "missing": "MISSING_KEY"}
    message = {
        "extra_forbidden": f"{where}: there is no such key; remove it or correct its name",
        "missing": f"{where} is missing",
    }.get(problem["type"], f"{where}: {problem['msg']}")
    code = codes.get(problem["type"], "INVALID_VALUE")
    return Issue("error", code, message, node_id, where, malformed=True)


def validate(workflow: Workflow, node_types: NodeTypes) -> list[Issue]:
    """All findings about a workflow; structure first, since the other rules need a sound one."""
    issues = [issue for rule in _STRUCTURE for issue in rule(workflow, node_types)]
    if any(issue.malformed for issue in issues):
        return issues
    return issues + [issue for rule in _MEANING for issue in rule(workflow, node_types)]


def _known_types(workflow: Workflow, node_types: NodeTypes) -> Iterator[Issue]:
    for node in workflow.nodes:
        if node.type not in node_types:
            known = ", ".join(sorted(node_types))
            message = f"there is no node type '{node.type}'; known are {known}"
            yield Issue("error", "UNKNOWN_TYPE", message, node.id, "type", malformed=True)


def _unique_ids(workflow: Workflow, _types: NodeTypes) -> Iterator[Issue]:
    for node_id in _repeated(node.id for node in workflow.nodes):
        message = f"two nodes are called '{node_id}'; give one another id"
        yield Issue("error", "DUPLICATE_ID", message, NodeId(node_id), "id", malformed=True)
    for edge_id in _repeated(edge.id for edge in workflow.edges):
        message = f"two edges are called '{edge_id}'; give one another id"
        yield Issue("error", "DUPLICATE_ID", message, malformed=True)


def _repeated(ids: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    again: dict[str, None] = {}
    for each in ids:
        if each in seen:
            again[each] = None
        seen.add(each)
    return list(again)


def _edges_lead_somewhere(workflow: Workflow, _types: NodeTypes) -> Iterator[Issue]:
    ids = {node.id for node in workflow.nodes}
    for edge in workflow.edges:
        for end, other in ((edge.source, edge.target), (edge.target, edge.source)):
            if end not in ids:
                message = f"edge '{edge.id}' leads to '{end}', which does not exist; remove it or add the node"
                yield Issue("error", "DANGLING_EDGE", message, other if other in ids else None, malformed=True)


def _parents_exist(workflow: Workflow, node_types: NodeTypes) -> Iterator[Issue]:
    by_id = {node.id: node for node in workflow.nodes}
    for node in workflow.nodes:
        if node.parent_id is None:
            continue
        parent = by_id.get(node.parent_id)
        if parent is None:
            message = f"its parent '{node.parent_id}' does not exist"
            yield Issue("error", "UNKNOWN_PARENT", message, node.id, "parent_id", malformed=True)
        elif not (parent.type in node_types and node_types[parent.type].contains):
            message = f"'{parent.id}' is no container: only a loop can hold other nodes"
            yield Issue("error", "UNKNOWN_PARENT", message, node.id, "parent_id", malformed=True)


def _no_cycles(workflow: Workflow, _types: NodeTypes) -> Iterator[Issue]:
    graph = WorkflowGraph(workflow)
    if cycle := graph.cycle():
        ring = " → ".join([*cycle, cycle[0]])
        message = f"{ring} is a cycle; repeat nodes with a loop node instead"
        yield Issue("error", "CYCLE", message, cycle[0], malformed=True)
    for node in workflow.nodes:
        containers = graph.containers(node.id)
        if containers and node.id in containers:
            message = f"'{node.id}' would contain itself"
            yield Issue("error", "CYCLE", message, node.id, "parent_id", malformed=True)


def _edges_fit_ports(workflow: Workflow, node_types: NodeTypes) -> Iterator[Issue]:
    by_id = {node.id: node for node in workflow.nodes}
    seen: set[tuple[Any, ...]] = set()
    for edge in workflow.edges:
        source, target = by_id[edge.source], by_id[edge.target]
        if source.parent_id != target.parent_id:
            message = f"edge '{edge.id}' crosses the border of a loop; join nodes inside to nodes inside"
            yield Issue("error", "CROSSES_LOOP", message, target.id)
        out = [port.name for port in node_types[source.type].ports_out(source.config)]
        if source.on_error == "branch":
            out.append("error")
        yield from _port_fits(edge, edge.source_handle, source, out, "output")
        ports_in = [port.name for port in node_types[target.type].inputs]
        yield from _port_fits(edge, edge.target_handle, target, ports_in, "input")
        key = (edge.source, edge.source_handle, edge.target, edge.target_handle)
        if key in seen:
            message = f"edge '{edge.id}' repeats another one"
            yield Issue("warning", "DUPLICATE_EDGE", message, target.id)
        seen.add(key)


def _port_fits(edge: Edge, handle: str | None, node: NodeSpec, ports: list[str], side: str) -> Iterator[Issue]:
    if not ports:
        message = f"edge '{edge.id}': '{node.id}' has no {side}, so nothing can be joined there"
        yield Issue("error", "UNKNOWN_PORT", message, node.id)
    elif handle is None:
        if len(ports) > 1:
            message = f"edge '{edge.id}' must say which {side} of '{node.id}' it uses: {', '.join(ports)}"
            yield Issue("error", "UNKNOWN_PORT", message, node.id)
    elif handle not in ports:
        message = f"edge '{edge.id}': '{node.id}' has no {side} '{handle}'; it has {', '.join(ports)}"
        yield Issue("error", "UNKNOWN_PORT", message, node.id)


def _something_to_run(workflow: Workflow, node_types: NodeTypes) -> Iterator[Issue]:
    if not any(node_types[node.type].runs for node in workflow.nodes):
        yield Issue("warning", "EMPTY_WORKFLOW", "there is nothing to run yet; add a node")


def _passes_together_set_nothing(workflow: Workflow, node_types: NodeTypes) -> Iterator[Issue]:
    graph = WorkflowGraph(workflow)
    together = {n.id for n in workflow.nodes if node_types[n.type].contains and n.config.get("concurrency", 1) != 1}
    for node in workflow.nodes:
        if node_types[node.type].sets_variables and (around := together.intersection(graph.containers(node.id))):
            message = f"passes of '{min(around)}' run together, so variables cannot be set inside; set concurrency to 1"
            yield Issue("error", "VARIABLE_RACE", message, node.id)


def _no_section_waits_for_itself(workflow: Workflow, _types: NodeTypes) -> Iterator[Issue]:
    """A node waits for its section while its containers hold theirs; in a ring all would wait for ever."""
    by_id = {node.id: node for node in workflow.nodes}
    graph = WorkflowGraph(workflow)
    held: dict[str, set[str]] = {}
    last: dict[str, NodeId] = {}
    for node in workflow.nodes:
        around = {by_id[container].exclusive for container in graph.containers(node.id)} - {None}
        if node.exclusive is not None and around:
            held.setdefault(node.exclusive, set()).update(name for name in around if name is not None)
            last[node.exclusive] = node.id
    try:
        TopologicalSorter(held).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1]
        message = f"sections {' → '.join(ring)} would wait for each other: a container holds one while its nodes wait"
        yield Issue("error", "SECTION_DEADLOCK", message, last.get(ring[0]), "exclusive")


def _retry_has_a_meaning(workflow: Workflow, node_types: NodeTypes) -> Iterator[Issue]:
    for node in workflow.nodes:
        if node.retry is not None and not node_types[node.type].effectful:
            message = f"'{node.type}' is not tried again: it would give the same"
            yield Issue("warning", "RETRY_IGNORED", message, node.id, "retry")


Rule = Callable[[Workflow, NodeTypes], Iterator[Issue]]
_STRUCTURE: tuple[Rule, ...] = (_known_types, _unique_ids, _edges_lead_somewhere, _parents_exist, _no_cycles)
_MEANING: tuple[Rule, ...] = (
    _something_to_run,
    _edges_fit_ports,
    check_settings,
    check_expressions,
    _passes_together_set_nothing,
    _no_section_waits_for_itself,
    _retry_has_a_meaning,
)
