"""Random workflows: nodes in a line-up, each with edges from some that stand before it, loops with nodes inside."""

import random
from typing import Any

from tests.builders import node

PURE = ("template", "template", "condition", "merge")
"""Kinds that run in line."""
ALL = (*PURE, "merge", "effect", "effect", "effect", "effect", "delay", "approval", "loop")
"""Every kind: those that do something outside, fail, wait, and repeat."""


def random_workflow(chance: random.Random, size: int, kinds: tuple[str, ...] = PURE) -> dict[str, Any]:
    """A workflow file of exactly ``size`` nodes. The same chance gives the same file."""
    made = _Maker(chance, kinds)
    made.level(size, None, 0)
    return {"name": "Random", "nodes": made.nodes, "edges": made.edges}


class _Maker:
    def __init__(self, chance: random.Random, kinds: tuple[str, ...]) -> None:
        self.chance = chance
        self.kinds = kinds
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []

    def level(self, size: int, parent: str | None, depth: int) -> None:
        """Add ``size`` nodes, those inside loops included."""
        here: list[dict[str, Any]] = []
        left = size
        while left > 0:
            kind = self.chance.choice(self.kinds)
            if kind == "loop" and (left < 2 or depth == 2):
                kind = "template"
            name = f"n{len(self.nodes)}"
            spec = getattr(self, f"_{kind}")(name, depth)
            if parent is not None:
                spec["parent_id"] = parent
            self.nodes.append(spec)
            left -= 1
            if kind == "loop":
                inside = self.chance.randint(1, min(left, 6))
                self.level(inside, name, depth + 1)
                left -= inside
            for source in self.chance.sample(here, min(len(here), self.chance.choice([0, 1, 1, 2, 3]))):
                self._join(source, name)
            here.append(spec)

    def _join(self, source: dict[str, Any], target: str) -> None:
        ports: list[str | None] = {"condition": ["true", "false"], "approval": ["approved", "rejected"]}.get(
            source["type"], [None]
        )
        if source.get("on_error") == "branch":
            ports = [port or "out" for port in ports] + ["error"]
        port = self.chance.choice(ports)
        edge = {"id": f"e{len(self.edges)}", "source": source["id"], "target": target, "source_handle": port}
        self.edges.append(edge)

    def _around(self, often: float = 0.15) -> dict[str, Any]:
        """What may stand around a node: on_error, disabled."""
        around: dict[str, Any] = {"on_error": self.chance.choice(["fail", "continue", "branch", "branch"])}
        if around["on_error"] == "continue":
            around["default_output"] = "instead"
        if self.chance.random() < often:
            around["disabled"] = True
        return around

    def _template(self, name: str, _depth: int) -> dict[str, Any]:
        return node(name, config={"template": f"text of {name}"})

    def _condition(self, name: str, depth: int) -> dict[str, Any]:
        field = "{{ index }}" if depth and self.chance.random() < 0.5 else self.chance.randint(0, 1)
        return node(name, "condition", {"field": field, "value": 1})

    def _merge(self, name: str, _depth: int) -> dict[str, Any]:
        modes = ["all", "concat", "first"] if "effect" in self.kinds else ["all", "concat"]
        return node(name, "merge", {"mode": self.chance.choice(modes)})

    def _delay(self, name: str, _depth: int) -> dict[str, Any]:
        return node(name, "delay", {"seconds": self.chance.choice([0, 0.5, 5, 60])})

    def _effect(self, name: str, _depth: int) -> dict[str, Any]:
        config: dict[str, Any] = {"takes_s": self.chance.choice([0, 0, 0.01, 1.5, 1.5, 4])}
        rest = self._around(0.05)
        attempts = self.chance.choice([1, 1, 2, 3])
        if attempts > 1:
            rest["retry"] = {"max_attempts": attempts, "backoff_s": self.chance.choice([0, 1]), "backoff_factor": 2}
            config["fails_first"] = self.chance.randint(0, attempts - 1)
        if self.chance.random() < 0.2:
            config["breaks"] = self.chance.choice(["always", "odd"])
            if self.chance.random() < 0.3:
                config["hangs"] = True  # it breaks by never coming to an end
        if config.get("hangs") or self.chance.random() < 0.2:
            rest["timeout_s"] = 20
        return node(name, "effect", config, **rest)

    def _approval(self, name: str, _depth: int) -> dict[str, Any]:
        config: dict[str, Any] = {"message": name}
        if self.chance.random() < 0.4:
            config |= {"timeout_s": 1000, "on_timeout": self.chance.choice(["approve", "reject", "fail"])}
        return node(name, "approval", config, **self._around(0.05))

    def _loop(self, name: str, _depth: int) -> dict[str, Any]:
        mode = self.chance.choice(["for_each", "for_each", "for_each", "repeat", "while"])
        times = self.chance.choice([0, 1, 2, 3])
        config: dict[str, Any] = {"mode": mode, "on_item_error": self.chance.choice(["fail", "skip", "collect"])}
        match mode:
            case "for_each":
                config |= {"items": list(range(times)), "concurrency": self.chance.choice([1, 2, 10])}
            case "repeat":
                config["times"] = times
            case _:
                config["condition"] = f"{{{{ index < `{times}` }}}}"
        return node(name, "loop", config, **self._around(0.05))
