"""What each request does, as far as API keys are concerned."""

import re

from starlette.requests import HTTPConnection

from awe_app.domain.accounts import Scope

_RUNS = re.compile(r"/workflows/[^/]+/execute|/executions/.+|/mcp")
_READS = re.compile(r"/workflows/validate|/knowledge/collections/[^/]+/search")
"""Asked by POST, but nothing changes."""
_PEOPLE_ONLY = re.compile(r"/auth/(?!me$).*|/settings/(api-keys|llm|secrets|mcp)(/.*)?")
"""Whoever finds a key must not be able to make another one, or reach other secrets by it."""


def scope_of(connection: HTTPConnection) -> Scope | None:
    """The scope a key needs for this request; None when no key may send it."""
    path = re.sub(r"^/api(/v1)?", "", connection.scope["path"])
    method = connection.scope.get("method", "GET")  # a WebSocket has none: it looks on
    if _PEOPLE_ONLY.fullmatch(path) and not (method == "GET" and path == "/settings/llm"):
        return None
    if method in ("GET", "HEAD") or _READS.fullmatch(path):
        return "read"
    return "run" if _RUNS.fullmatch(path) else "edit"
