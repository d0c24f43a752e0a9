"""The small model that ``test_people.py`` holds the services against: gates, and executions as people know them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import ExecutionId, Path
from awe_app.domain.messages import Message
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.options import Budget
from tests.builders import graph, node
from tests.services.conftest import Gate

GATES = ("g1", "g2", "side")
ASK = Path("ask")
ASKED = graph(
    "a -> g1 -> ask; ask:approved -> g2; ask:rejected -> no; a -> side",
    *(node(gate, "gate") for gate in GATES),
    node("ask", "approval", {}),
)
TOO_LITTLE, ENOUGH = Budget(nodes=2), Budget(nodes=100)
"""A node, another one beside it, and the third is one too many."""


@dataclass
class Gates:
    """What lies outside the process: whether a gate lets pass, once for each life of its execution."""

    lives: Counter[ExecutionId] = field(default_factory=Counter)
    verdicts: dict[tuple[ExecutionId, str, int], bool] = field(default_factory=dict)
    begun: Counter[tuple[ExecutionId, str, int]] = field(default_factory=Counter)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def node_type(self) -> type[Node[Any]]:
        """The gate that looks here."""

        class WatchedGate(Gate):
            Config = NodeConfig

            async def run(_self, ctx: NodeContext[Any]) -> Outputs:
                self.begun[ctx.execution_id, ctx.path, ctx.attempt] += 1
                key = (ctx.execution_id, ctx.path, self.lives[ctx.execution_id])
                async with self.changed:
                    await self.changed.wait_for(lambda: key in self.verdicts)
                if not self.verdicts[key]:
                    raise NodeFailed("GATE", "the gate fell")
                return {"out": ctx.path}

        return WatchedGate

    async def decide(self, execution_id: ExecutionId, gate: str, passes: bool) -> None:
        """The first word counts."""
        async with self.changed:
            self.verdicts.setdefault((execution_id, gate, self.lives[execution_id]), passes)
            self.changed.notify_all()


@dataclass
class Asked:
    """One execution as people know it, and what they have seen of it."""

    key: str | None
    budget: Budget
    known: dict[str, Any]
    """What pins and overrides say, by node."""
    decision: str | None = None
    cancelled: bool = False
    """In this life."""
    journal: list[ev.Event] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)
    viewer: asyncio.Task[None] | None = None

    def settled_before(self) -> set[str]:
        """Nodes that had finished before this life began."""
        events = self.journal
        begins = max((at for at, event in enumerate(events) if _by_a_person(event)), default=0)
        return {event.path for event in events[:begins] if isinstance(event, ev.NodeFinished | ev.NodeSkipped)}

    def outcome(self, verdicts: Callable[[str], bool]) -> tuple[str, Any]:
        """The status and the result that must come of it once every gate has decided and the question is answered."""
        if self.cancelled:
            return "cancelled", None
        passed = {*self.settled_before(), *self.known}
        reached = ["g1", "side"] + (["g2"] if self.decision == "approved" else [])
        if self.budget == TOO_LITTLE or not all(gate in passed or verdicts(gate) for gate in reached):
            return "failed", None
        end = {"g2": self.known.get("g2", "g2")} if self.decision == "approved" else {"no": "no"}
        return "completed", end | {"side": self.known.get("side", "side")}


def _by_a_person(event: ev.Event) -> bool:
    return isinstance(event, ev.ExecutionResumed) and event.reason == "resumed"


def check(events: list[ev.Event]) -> None:
    """Numbers without gaps, one end in each life, nothing finished twice."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    ended = False
    for event in events:
        assert ended == _by_a_person(event), f"{event} after the end, or resumed before it"
        ended = isinstance(event, ev.FINAL)
    finished = Counter(event.path for event in events if isinstance(event, ev.NodeFinished | ev.NodeSkipped))
    assert set(finished.values()) <= {1}
