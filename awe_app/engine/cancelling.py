"""Calling nodes off while the execution goes on: what runs is stopped, and nothing waits for it any more."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from awe_app.domain import events as ev
from awe_app.domain.node import Control
from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode

if TYPE_CHECKING:
    from awe_app.engine.run import Run


class NodeControl(Control):
    """What one node may do to the run around it."""

    __slots__ = ("_level", "_node", "_run")

    def __init__(self, run: "Run", level: Level, node: PlannedNode) -> None:
        self._run = run
        self._level = level
        self._node = node

    def withdraw_branches(self) -> None:
        withdraw(self._run, self._level, branches_of(self._level, self._node))

    def send(self, event: str, data: Any) -> None:
        self._run.inbox.receive(event, data, self._level.path(self._node))


def branches_of(level: Level, node: PlannedNode) -> list[PlannedNode]:
    """The nodes of the level from which every way leads to ``node``, in the level's order."""
    nodes = level.plan.nodes
    found: set[int] = set()
    open_ends = [edge.source for edge in node.incoming]
    while open_ends:
        index = open_ends.pop()
        if index not in found:
            found.add(index)
            open_ends.extend(edge.source for edge in nodes[index].incoming)
    inside = found | {node.index}
    leaving = [i for i in found if any(edge.target not in inside for edge in nodes[i].outgoing)]
    while leaving:
        index = leaving.pop()
        if index in found:
            found.remove(index)
            leaving.extend(edge.source for edge in nodes[index].incoming)
    return [nodes[index] for index in sorted(found)]


def withdraw(run: "Run", level: Level, nodes: Iterable[PlannedNode]) -> None:
    """Call off those that are not settled. Each is recorded as cancelled for good, and its edges are skipped."""
    called_off = [node for node in nodes if not level.settled(node) and not run.outcomes.has_reported(level, node)]
    for node in called_off:
        run.record.emit(ev.NodeCancelled, path=level.path(node), node_id=node.spec.id, withdrawn=True)
        run.stop_instance(level, node)
        level.remember(node, None)
    for node in called_off:
        run.settle(level, node, None)
