"""Steps inside one run of a node: what has been paid for or done, kept so that no crash does it again."""

from collections.abc import Mapping
from typing import Any, Protocol

from awe_app.domain.events import Level


class Steps(Protocol):
    """The steps of one node instance. They outlive crashes and further tries of the node, until they are forgotten."""

    def known(self, key: str) -> Mapping[str, Any] | None:
        """What was recorded under that key; None when the step has not been taken yet."""
        ...

    async def record(self, key: str, message: str, data: Mapping[str, Any], level: Level = "info") -> None:
        """Keep what came of a step, as a line of the log too; returns once it is durable.

        ``data`` is JSON, shown to whoever may see the execution: no secret belongs in it.
        """
        ...

    def forget(self) -> None:
        """Drop all steps: the next try of the node begins anew."""
        ...


class VolatileSteps:
    """Steps that nobody stores, for nodes that run outside an execution."""

    def __init__(self) -> None:
        self._known: dict[str, Mapping[str, Any]] = {}

    def known(self, key: str) -> Mapping[str, Any] | None:
        """See ``Steps.known``."""
        return self._known.get(key)

    async def record(self, key: str, message: str, data: Mapping[str, Any], level: Level = "info") -> None:
        """See ``Steps.record``."""
        self._known[key] = data

    def forget(self) -> None:
        """See ``Steps.forget``."""
        self._known.clear()
