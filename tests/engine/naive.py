"""A second engine, so simple that it is plainly right: one node after another, in an order that puts sources first.

It knows no events, no tasks, no resuming; the real engine must give the same outputs and skip the same nodes.
"""

from graphlib import TopologicalSorter
from typing import Any


def interpret(raw: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """What each node gave, and which were skipped; for the kinds ``random_graph`` makes."""
    nodes = {node["id"]: node for node in raw["nodes"]}
    sources: dict[str, list[dict[str, Any]]] = {node_id: [] for node_id in nodes}
    for edge in raw["edges"]:
        sources[edge["target"]].append(edge)
    outputs: dict[str, dict[str, Any]] = {}
    skipped: set[str] = set()
    for node_id in TopologicalSorter({n: [e["source"] for e in sources[n]] for n in nodes}).static_order():
        node = nodes[node_id]
        came = {
            edge["source"]: outputs[edge["source"]][edge["source_handle"] or "out"]
            for edge in sources[node_id]
            if (edge["source_handle"] or "out") in outputs.get(edge["source"], {})
        }
        if sources[node_id] and not came:
            skipped.add(node_id)
        elif node["type"] == "condition":
            config = node["condition_config"]
            outputs[node_id] = {"true" if config["field"] == config["value"] else "false": config["field"]}
        elif node["type"] == "merge":
            flat: list[Any] = []
            for value in came.values():
                flat += value if isinstance(value, list) else [value]
            outputs[node_id] = {"out": came if node["merge_config"]["mode"] == "all" else flat}
        else:
            outputs[node_id] = {"out": node["template_config"]["template"]}
    return {node_id: next(iter(ports.values())) for node_id, ports in outputs.items()}, skipped
