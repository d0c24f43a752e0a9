"""Running a user's Python, as nodes and tools see it; ``adapters/sandbox.py`` does it in processes of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Engine = Literal["safe", "full"]


@dataclass(frozen=True, slots=True)
class Program:
    """Python to be run once."""

    code: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What it sees as names, where they can be names, and as the dict ``inputs``."""
    engine: Engine = "safe"
    """``safe``: an interpreter of a subset of Python that knows no files and no network; works everywhere.
    ``full``: CPython with its standard library in a locked process; needs a kernel that can lock it."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program gave."""

    value: Any
    """The value of the last expression, or else of ``result``; JSON."""
    printed: str = ""


class Sandbox(Protocol):
    """Runs code that is not trusted. Cancelling a run kills it at once."""

    async def run(self, program: Program) -> Ran:
        """Run the program from its beginning, knowing nothing of others.

        Raises:
            NodeFailed: ``CODE_SYNTAX``, ``CODE_ERROR`` (with the line), ``CODE_TIMEOUT``, ``CODE_MEMORY``,
                ``CODE_RESULT`` (no JSON, or too much), ``SANDBOX_UNAVAILABLE`` (this machine cannot lock ``full``).
        """
        ...

    async def check(self) -> None:
        """Run a small program with ``safe``. Raises NodeFailed when that does not work."""
        ...
