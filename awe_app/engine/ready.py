"""What is ready, while an execution is taken up again: first what the journal knows, in the journal's order.

So whatever was decided by who came first (a merge, a turn in a critical section) is decided the same way again.
"""

import heapq
from collections.abc import Iterable

from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode
from awe_app.engine.record import Record

_SETTLED, _BEGUN, _NEW = range(3)


class ReplayQueue:
    """Gives what settled or failed for good in that order, then those that had begun, then the others."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._heap: list[tuple[int, int, int, Level, PlannedNode]] = []
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    def replays(self) -> bool:
        """True while settled nodes stand in it."""
        return bool(self._heap) and self._heap[0][0] == _SETTLED

    def append(self, item: tuple[Level, PlannedNode]) -> None:
        """Line a node of a level up."""
        level, node = item
        known = self._record.of(level.path(node))
        if known is None:
            rank, place = _NEW, 0
        else:
            rank, place = (_SETTLED if known.settled or known.status == "failed" else _BEGUN), known.seq
        self._count += 1
        heapq.heappush(self._heap, (rank, place, self._count, level, node))

    def extend(self, items: Iterable[tuple[Level, PlannedNode]]) -> None:
        """Line several up."""
        for item in items:
            self.append(item)

    def popleft(self) -> tuple[Level, PlannedNode]:
        """The next one."""
        _rank, _place, _count, level, node = heapq.heappop(self._heap)
        return level, node
