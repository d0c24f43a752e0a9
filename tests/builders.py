"""Workflows and runs in one line, for tests."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId
from awe_app.domain.node import Node
from awe_app.domain.protocols import Capabilities
from awe_app.domain.workflow import Workflow
from awe_app.engine.deps import Deps
from awe_app.engine.execute import execute
from awe_app.engine.plan import prepare
from awe_app.engine.validate import read_workflow
from awe_app.nodes.registry import discover

NO_CAPABILITIES: Any = None
"""For workflows whose nodes need nothing from outside."""


def node(node_id: str, node_type: str = "template", config: Mapping[str, Any] | None = None, **rest: Any) -> dict:
    """A node of the workflow file; a template writes its own id unless ``config`` says otherwise."""
    if config is None and node_type == "template":
        config = {"template": node_id}
    return {"id": node_id, "type": node_type, f"{node_type}_config": config or {}, **rest}


def edges(drawing: str) -> list[dict]:
    """``"a -> b -> c; a:true -> d"`` as edges: arrows join, a colon names the port to leave by."""
    found: list[dict] = []
    for chain in re.split(r"[;\n]", drawing):
        ends = [end.strip() for end in chain.split("->") if end.strip()]
        for source, target in pairwise(ends):
            source_id, _colon, port = source.partition(":")
            target_id = target.partition(":")[0]
            found.append(
                {"id": f"e{len(found)}", "source": source_id, "target": target_id, "source_handle": port or None}
            )
    return found


def graph(drawing: str, *nodes: dict, **rest: Any) -> dict:
    """A workflow file; nodes that are only drawn become templates that write their own id."""
    given = {each["id"]: each for each in nodes}
    wires = edges(drawing)
    drawn = dict.fromkeys([end for edge in wires for end in (edge["source"], edge["target"])])
    lonely = [name.strip() for name in re.split(r"[;\n]", drawing) if "->" not in name and name.strip()]
    ids = [*given, *(name for name in (*drawn, *lonely) if name not in given)]
    return {"name": "Test", "nodes": [given.get(i) or node(i) for i in ids], "edges": wires, **rest}


def read(raw: Mapping[str, Any]) -> Workflow:
    """The workflow of a file that is well-formed."""
    workflow, issues = read_workflow(raw)
    assert workflow is not None, issues
    return workflow


async def run(
    raw: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    *,
    types: Mapping[str, type[Node[Any]]] | None = None,
    done: ExecutionState | None = None,
    capabilities: Capabilities = NO_CAPABILITIES,
    **deps: Any,
) -> tuple[ExecutionState, list[ev.Event]]:
    """Run a workflow in memory; gives how it ended and all stored events."""
    plan = prepare(read(raw), {**discover(), **(types or {})})
    state = ExecutionState(ExecutionId("test"))
    happened: list[ev.Event] = []
    async for event in execute(plan, inputs or {}, Deps(ExecutionId("test"), capabilities, **deps), done):
        if not isinstance(event, ev.TextStreamed):
            happened.append(event)
            state.apply(event)
    return state, happened
