"""How an execution shall run beside its inputs: how far, within what budget, and what it need not do again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from awe_app.domain.ids import ExecutionId, NodeId, Path


@dataclass(frozen=True, slots=True)
class Budget:
    """What an execution may use, all its nodes together; None means as much as it takes."""

    seconds: float | None = None
    """Wall time since it first started, waiting included."""
    nodes: int | None = None
    """Node instances that run; skipped and reused ones do not count."""
    tokens: int | None = None
    usd: float | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, limit.name) is not None for limit in fields(self))

    def within(self, most: "Budget") -> "Budget":
        """This budget, and nowhere more than ``most``."""
        pairs = {f.name: (getattr(self, f.name), getattr(most, f.name)) for f in fields(self)}
        return Budget(**{name: min((v for v in pair if v is not None), default=None) for name, pair in pairs.items()})


@dataclass(frozen=True, slots=True)
class Known:
    """What a node gave before, or is said to give: it is not run."""

    outputs: Mapping[str, Any]
    """Port → value."""
    error: Mapping[str, str] | None = None
    """Why it had failed, when the execution went on all the same."""
    variables: Mapping[str, Any] | None = None
    """Variables it gave new values."""
    said: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
    """What it added to conversations, by thread."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What was asked of one execution."""

    until: NodeId | None = None
    """Run this node and what it needs, then end with its value."""
    budget: Budget = Budget()
    known: Mapping[NodeId, Known] = field(default_factory=dict)
    """Nodes of the workflow itself (not inside loops) that are not run, and what they give instead."""
    chat: str | None = None
    """The conversation with the workflow that the execution is a turn of."""

    def as_json(self) -> dict[str, Any] | None:
        """For the database; None when nothing was asked."""
        if not self.until and not self.budget and not self.known and not self.chat:
            return None
        known = {node_id: {f.name: getattr(k, f.name) for f in fields(k)} for node_id, k in self.known.items()}
        budget = {f.name: getattr(self.budget, f.name) for f in fields(self.budget)}
        options = {"until": self.until, "budget": budget, "known": known}
        return {**options, "chat": self.chat} if self.chat else options

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Self:
        """What ``as_json`` gave."""
        if data is None:
            return cls()
        known = {NodeId(node_id): Known(**values) for node_id, values in data["known"].items()}
        return cls(data["until"], Budget(**data["budget"]), known, data.get("chat"))


@dataclass(frozen=True, slots=True)
class Parent:
    """The node instance that started an execution, and waits for it."""

    execution_id: ExecutionId
    path: Path
