"""Critical sections: nodes of one execution that name the same section never run at the same time.

A node is in its section from its start until it is settled, waits and tries included; a loop with all its passes.
"""

from collections import deque

from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode

Place = tuple[Level, PlannedNode]


class Sections:
    """Who is in each section, and who stands in line, first come first served."""

    def __init__(self) -> None:
        self._inside: dict[str, Place] = {}
        self._lines: dict[str, deque[Place]] = {}

    def enter(self, name: str, place: Place) -> bool:
        """True when the node is in the section now; else it stands in line and is given by ``leave`` in its turn."""
        inside = self._inside.setdefault(name, place)
        if _same(inside, place):
            return True
        line = self._lines.setdefault(name, deque())
        if not any(_same(other, place) for other in line):
            line.append(place)
        return False

    def leave(self, name: str, place: Place) -> Place | None:
        """The node is through: who is next is in the section now. Harmless for a node that was not inside."""
        inside = self._inside.get(name)
        if inside is None or not _same(inside, place):
            return None
        del self._inside[name]
        line = self._lines.get(name)
        while line:
            level, node = line.popleft()
            if level.alive and not level.settled(node):
                self._inside[name] = (level, node)
                return level, node
        return None

    def within(self, level: Level) -> list[tuple[str, Place]]:
        """Those of a level, or of passes in it, that are inside."""
        return [(name, place) for name, place in self._inside.items() if place[0].within(level)]


def _same(one: Place, other: Place) -> bool:
    return one[0] is other[0] and one[1] is other[1]
