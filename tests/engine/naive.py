"""A second engine, so simple that it is plainly right: one node after another, in an order that puts sources first.

It knows no events, no tasks, no time, no resuming; the real engine must give the same outputs and skip the same nodes.
It understands what ``random_workflows.py`` makes. Where the order of things decides, it says ``ANY``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any
from unittest.mock import ANY
from zlib import crc32

Raw = dict[str, Any]
NO_OTHERS: Mapping[str, Raw] = {}


def odd(path: str) -> bool:
    """A property that about half of all paths have, the same in every process."""
    return crc32(path.encode()) & 1 == 1


def breaks(spec: Raw, path: str) -> bool:
    """Whether every try of this ``effect`` node fails, or takes too long."""
    how = spec["effect_config"].get("breaks", "never")
    return how == "always" or (how == "odd" and odd(path))


def decision(spec: Raw, path: str) -> str:
    """How this approval is answered: ``approved``, ``rejected``, or ``nobody`` does."""
    if spec["approval_config"].get("timeout_s") and crc32(path.encode()) % 3 == 0:
        return "nobody"
    return "approved" if odd(path) else "rejected"


@dataclass
class Expected:
    """What must come of a workflow."""

    outputs: dict[str, Any] = field(default_factory=dict)
    """By path, of the nodes that give something, whatever their status."""
    failed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    fatal: dict[str, str] = field(default_factory=dict)
    """Paths whose failure ends the workflow, with the level each stands in; what else ran by then is open."""
    open: list[str] = field(default_factory=list)
    """What begins so stands in a pass that failed: how far its nodes came is open."""
    result: Any = None

    def certain(self, path: str) -> bool:
        """Whether the node's fate follows from the workflow alone."""
        return not any(path.startswith(prefix) for prefix in self.open)


def interpret(raw: Raw, others: Mapping[str, Raw] = NO_OTHERS) -> Expected:
    """What must come of the workflow; ``others`` are those, by id, that it may run."""
    expected = Expected()
    interpreter = _Interpreter(raw, expected, others)
    expected.result = interpreter.level(None, "", {})
    return expected


class _PassFailed(Exception):
    """A node in a pass fails for good."""


@dataclass
class _Interpreter:
    raw: Raw
    expected: Expected
    others: Mapping[str, Raw]

    def level(self, parent: str | None, prefix: str, loop: dict[str, Any]) -> Any:
        """Run the nodes of the workflow itself, or of one pass; gives what the leaves gave, by id."""
        nodes = {n["id"]: n for n in self.raw["nodes"] if n.get("parent_id") == parent}
        sources: dict[str, list[Raw]] = {node_id: [] for node_id in nodes}
        for edge in self.raw["edges"]:
            if edge["target"] in nodes:
                sources[edge["target"]].append(edge)
        gave: dict[str, dict[str, Any]] = {}
        failed = False
        for node_id in TopologicalSorter({n: [e["source"] for e in sources[n]] for n in nodes}).static_order():
            came = {
                edge["source"]: gave[edge["source"]][edge["source_handle"] or "out"]
                for edge in sources[node_id]
                if (edge["source_handle"] or "out") in gave.get(edge["source"], {})
            }
            if sources[node_id] and not came:
                self.expected.skipped.add(prefix + node_id)
                continue
            try:
                gave[node_id] = self.node(nodes[node_id], prefix + node_id, came, loop)
            except _PassFailed:
                self.expected.fatal[prefix + node_id] = prefix
                failed = True
            if node_id in gave:
                first = next(iter(gave[node_id].values()), None)
                if gave[node_id]:
                    self.expected.outputs[prefix + node_id] = first
        if failed and parent is not None:
            raise _PassFailed
        leaves = [n for n in nodes if not any(e["source"] == n for e in self.raw["edges"])]
        values = {leaf: next(iter(gave[leaf].values()), None) for leaf in leaves if gave.get(leaf)}
        if parent is None:
            return values
        return values.get(leaves[0]) if len(leaves) == 1 else (values or None)

    def node(self, spec: Raw, path: str, came: dict[str, Any], loop: dict[str, Any]) -> dict[str, Any]:
        """What one node gives, by port. Raises _PassFailed when it fails for good."""
        first = next(iter(came.values()), None)
        if spec.get("disabled"):
            self.expected.skipped.add(path)
            return {} if spec["type"] in ("condition", "approval") else {"out": first}
        match spec["type"]:
            case "condition":
                config = spec["condition_config"]
                value = loop["index"] if config["field"] == "{{ index }}" else config["field"]
                return {"true" if value == config["value"] else "false": value}
            case "merge":
                return {"out": _merged(spec["merge_config"]["mode"], came)}
            case "template":
                return {"out": spec["template_config"]["template"]}
            case "delay":
                return {"out": first}
            case "effect":
                return self._failing(spec, path) if breaks(spec, path) else {"out": path}
            case "approval":
                return self._approval(spec, path)
            case "loop":
                return self._loop(spec, path)
            case "subworkflow":
                inner = interpret(self.others[spec["subworkflow_config"]["workflow_id"]], self.others)
                return self._failing(spec, path) if inner.fatal else {"out": inner.result}
        raise AssertionError(spec["type"])

    def _failing(self, spec: Raw, path: str) -> dict[str, Any]:
        self.expected.failed.add(path)
        match spec.get("on_error", "fail"):
            case "continue":
                first_port = "approved" if spec["type"] == "approval" else "out"
                return {first_port: spec.get("default_output")}
            case "branch":
                return {"error": ANY}
        raise _PassFailed

    def _approval(self, spec: Raw, path: str) -> dict[str, Any]:
        how = decision(spec, path)
        if how == "nobody":
            on_timeout = spec["approval_config"]["on_timeout"]
            if on_timeout == "fail":
                return self._failing(spec, path)
            how = {"approve": "approved", "reject": "rejected"}[on_timeout]
        return {how: {"decision": how, "by": ANY, "comment": ANY, "form": {}}}

    def _loop(self, spec: Raw, path: str) -> dict[str, Any]:
        config = spec["loop_config"]
        match config.get("mode", "for_each"):
            case "for_each":
                items = config["items"]
            case "repeat":
                items = [None] * config["times"]
            case _:
                items = [None] * int(config["condition"].split("`")[1])
        results: list[Any] = []
        fatal = dict(self.expected.fatal)
        for index, _item in enumerate(items):
            prefix = f"{path}[{index}]/"
            try:
                results.append(self.level(spec["id"], prefix, {"index": index}))
            except _PassFailed:
                self.expected.fatal = dict(fatal)  # the loop decides what comes of it
                self.expected.open.append(prefix)
                if config.get("on_item_error", "fail") == "fail":
                    self.expected.open.append(f"{path}[")
                    return self._failing(spec, path)
                if config["on_item_error"] == "collect":
                    results.append({"error": ANY})
        return {"out": results}


def _merged(mode: str, came: dict[str, Any]) -> Any:
    if mode == "all":
        return came
    if mode == "first":
        return next(iter(came.values())) if len(came) == 1 else ANY
    if any(value is ANY for value in came.values()):
        return ANY
    return [item for value in came.values() for item in (value if isinstance(value, list) else [value])]
