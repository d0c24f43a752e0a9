"""How the MCP library sends HTTP: by AWE's guarded client, and nothing else.

A failure becomes an answer of status 502 that names it: raised, it would end the whole session and with it the calls
that go on beside it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any

import httpx2

from awe_app.adapters.http import HttpClient, HttpStream
from awe_app.domain.errors import NodeFailed
from awe_app.domain.http import HttpRequest
from awe_app.domain.mcp import MAX_ANSWER_BYTES

NOTICE_S = 5.0
"""For messages that nobody waits for, and for saying goodbye: the library sends nothing else meanwhile."""
_SET_BY_CLIENT = frozenset(("host", "content-length", "transfer-encoding", "connection", "accept-encoding"))
_UNTRUE_NOW = frozenset(("content-encoding", "content-length", "transfer-encoding", "connection"))
"""Headers of an answer that no longer hold: the guarded client has unpacked the body."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of one session, and keeps what failed until somebody asks."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._failures: dict[int, NodeFailed] = {}
        self._cut: NodeFailed | None = None

    def client(self, headers: Mapping[str, str]) -> httpx2.AsyncClient:
        """What the library is given; ``headers`` go with every request."""
        return httpx2.AsyncClient(transport=self, headers=dict(headers), timeout=None, trust_env=False)

    def failure(self, data: Any) -> NodeFailed | None:
        """The failure behind the ``data`` of the library's error; without data, the last body that broke off."""
        if isinstance(data, dict) and "awe" in data:
            return self._failures.pop(data["awe"], None)
        cut, self._cut = self._cut, None
        return cut

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it. Redirects come back: the library follows those that stay with the server it was told of."""
        if request.method == "GET" and "last-event-id" not in request.headers:
            return httpx2.Response(405)  # a line for what the server says by itself: AWE asks when it wants to know
        body = await request.aread()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _SET_BY_CLIENT}
        asked = HttpRequest(request.method, str(request.url), headers, body or None, follow_redirects=False)
        async with AsyncExitStack() as open_answer:
            try:
                async with asyncio.timeout(None if _is_awaited(request.method, body) else NOTICE_S):
                    answer = await open_answer.enter_async_context(self._http.stream(asked))
            except TimeoutError:
                return self._failed(NodeFailed("HTTP_TIMEOUT", f"the server took longer than {NOTICE_S:g} s"))
            except NodeFailed as failure:
                return self._failed(failure)
            kept = [(name, value) for name, value in answer.headers.items() if name not in _UNTRUE_NOW]
            body_stream = _Body(answer, open_answer.pop_all(), self)
            return httpx2.Response(answer.status, headers=kept, stream=body_stream)

    def broke_off(self, failure: NodeFailed) -> None:
        """A body ended before its end."""
        self._cut = failure

    def _failed(self, failure: NodeFailed) -> httpx2.Response:
        token = id(failure)
        self._failures[token] = failure
        error = {"code": -32000, "message": failure.detail, "data": {"awe": token}}
        return httpx2.Response(502, json={"jsonrpc": "2.0", "id": None, "error": error})


class _Body(httpx2.AsyncByteStream):
    """The answer as it comes, up to ``MAX_ANSWER_BYTES``."""

    def __init__(self, answer: HttpStream, open_answer: AsyncExitStack, transport: GuardedTransport) -> None:
        self._answer = answer
        self._open_answer = open_answer
        self._transport = transport

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            while chunk := await self._answer.read():
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    limit = f"{MAX_ANSWER_BYTES / 1024 / 1024:g} MB"
                    raise NodeFailed("RESPONSE_TOO_LARGE", f"the answer is larger than {limit}")
                yield chunk
        except NodeFailed as failure:
            self._transport.broke_off(failure)
            raise httpx2.StreamError(failure.detail) from failure

    async def aclose(self) -> None:
        with suppress(NodeFailed):
            await self._open_answer.aclose()


def _is_awaited(method: str, body: bytes) -> bool:
    """Whether somebody waits for the answer: it is a question, and its own time limit counts."""
    return method == "POST" and {"id", "method"} <= json.loads(body).keys()
