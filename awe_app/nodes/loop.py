"""Repeat the nodes inside."""

from collections.abc import Mapping
from typing import Any

from awe_app.domain.loops import LoopConfig
from awe_app.domain.node import Node


class Loop(Node[LoopConfig]):
    """Run the nodes inside once for each item, for each arrival, a number of times, or while something is true.

    Gives the list of what the passes gave, in item order. The engine does the repeating (``engine/loops.py``).
    """

    type, title, icon, category = "loop", "Loop", "repeat", "Logic"
    contains = True
    per_pass = frozenset({"condition", "enough"})

    @classmethod
    def takes_each_arrival(cls, config: Mapping[str, Any]) -> bool:
        return config.get("mode") == "arrivals"

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        match config.get("mode", "for_each"):
            case "repeat":
                return f"{config.get('times', 1)} times"
            case "while":
                return f"while {config.get('condition') or '…'}"
            case "arrivals":
                return "each value that comes in"
            case _:
                return f"for each of {config.get('items') or '…'}"
