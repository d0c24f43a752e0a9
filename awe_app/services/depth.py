"""How many executions may stand above one another."""

from awe_app.domain.errors import NodeFailed

MAX_DEPTH = 20
"""More is taken for a recursion without end."""


def check_depth(depth: int) -> None:
    """Let an execution with so many above it start.

    Raises:
        NodeFailed: ``TOO_DEEP``.
    """
    if depth > MAX_DEPTH:
        detail = f"{MAX_DEPTH} executions stand above this one; does the recursion have an end?"
        raise NodeFailed("TOO_DEEP", detail, "let a condition decide when to stop")
