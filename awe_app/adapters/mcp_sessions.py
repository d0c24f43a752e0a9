"""Sessions with MCP servers, by the official library; see decision 0025.

A session is opened when it is first needed, used by everybody who means the same server with the same headers, and
closed after a minute without use. The library wants a session entered and left by one task, so each has a task of its
own, which this file owns; ``stop`` ends them all.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from awe_app.adapters.http import HttpClient
from awe_app.adapters.mcp_reading import read_answer, read_function
from awe_app.domain.errors import NodeFailed
from awe_app.domain.mcp import MAX_ANSWER_BYTES, MAX_FUNCTIONS, McpAnswer, McpFunction, McpServer

if TYPE_CHECKING:
    from mcp.client.session import ClientSession

    from awe_app.adapters.mcp_transport import GuardedTransport

logger = logging.getLogger(__name__)

CONNECT_S = 20.0
IDLE_S = 60.0
MAX_SESSIONS = 200
"""Of one process."""
LISTING_S = 60.0
"""How long what a server said it offers is believed."""
_CLOSE_S = 5.0
_PAGES = 20
_CLOSED = -32000
"""The library's code for a connection that ended, and for a failure that the transport has named."""
STDIO = "stdio:"


class McpSessions:
    """All open sessions of this process."""

    def __init__(self, http: HttpClient, programs: Mapping[str, Sequence[str]] | None = None) -> None:
        """``programs`` are what the operator allows to be started: name → command and its arguments."""
        self._http = http
        self._programs = dict(programs or {})
        self._open: dict[Any, _Session] = {}
        self._all: set[_Session] = set()

    @property
    def programs(self) -> list[str]:
        """The names that ``stdio:`` urls may have."""
        return sorted(self._programs)

    async def functions(self, server: McpServer, timeout_s: float = CONNECT_S) -> Sequence[McpFunction]:
        """What the server offers now. Raises NodeFailed as ``McpServers.call`` does."""
        return await self._with_session(server, timeout_s, True, _Session.listing)

    async def call(
        self, server: McpServer, function: McpFunction, arguments: Mapping[str, Any], timeout_s: float
    ) -> McpAnswer:
        """Call the function if the server still describes it as it stands here.

        A session that the server has forgotten is opened anew; a call that may have arrived is made again only when
        the server says that it reads alone.

        Raises:
            NodeFailed: ``MCP_TOOL_CHANGED``, ``MCP_TOOL_GONE``, ``MCP_TIMEOUT``, ``MCP_ERROR``, or the client's.
        """

        async def call(session: "_Session") -> McpAnswer:
            await session.check(function)
            return await session.call(function.name, arguments)

        return await self._with_session(server, timeout_s, function.read_only, call)

    async def stop(self) -> None:
        """Close every session; what does not close in time is cut off."""
        sessions, self._open = list(self._all), {}
        for session in sessions:
            session.close()
        tasks = [session.task for session in sessions]
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=_CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _with_session(self, server: McpServer, timeout_s: float, repeatable: bool, work: Any) -> Any:
        try:
            async with asyncio.timeout(timeout_s):
                for last in (False, True):
                    session, fresh = self._session(server)
                    session.enter()
                    try:
                        return await work(session)
                    except _SessionEnded as ended:
                        self._drop(session)
                        if last or fresh or not (repeatable or ended.unheard):
                            raise ended.failure from None
                    except (TimeoutError, asyncio.CancelledError):
                        self._drop(session)  # it may hang: whoever comes next gets a new one
                        raise
                    finally:
                        session.leave()
                raise AssertionError("the second try returns or raises")
        except TimeoutError:
            detail = f"the MCP server '{server.id}' took longer than {timeout_s:g} s"
            raise NodeFailed("MCP_TIMEOUT", detail, retryable=True) from None

    def _session(self, server: McpServer) -> "tuple[_Session, bool]":
        key = (server.owner, server.url, tuple(sorted(server.headers.items())))
        session = self._open.get(key)
        if session is not None and not session.task.done() and not session.closing.is_set():
            return session, False
        command = self._command(server)
        if len(self._all) >= MAX_SESSIONS:
            detail = f"{MAX_SESSIONS} MCP servers are in use already; each is let go a minute after its last call"
            raise NodeFailed("MCP_ERROR", detail, retryable=True)
        session = _Session(server, self._http, command)
        self._open[key] = session
        self._all.add(session)

        def gone(_task: asyncio.Task[None]) -> None:
            self._all.discard(session)
            if self._open.get(key) is session:
                del self._open[key]

        session.task.add_done_callback(gone)
        return session, True

    def _drop(self, session: "_Session") -> None:
        """Let nobody else have it; it closes when its last user is done."""
        for key in [key for key, each in self._open.items() if each is session]:
            del self._open[key]
        session.retire()

    def _command(self, server: McpServer) -> Sequence[str] | None:
        if not server.url.startswith(STDIO):
            return None
        command = self._programs.get(server.url.removeprefix(STDIO))
        if command is None:
            known = ", ".join(self.programs) or "none"
            detail = f"this server starts no program called '{server.url.removeprefix(STDIO)}'; it knows {known}"
            raise NodeFailed("MCP_ERROR", detail, "its operator names them in AWE_MCP_STDIO")
        return command


class _SessionEnded(Exception):
    """The connection is gone. ``unheard``: the server has not acted on what was asked."""

    def __init__(self, failure: NodeFailed, unheard: bool) -> None:
        super().__init__(failure.detail)
        self.failure = failure
        self.unheard = unheard


class _Session:
    """One session and the task that holds it open."""

    def __init__(self, server: McpServer, http: HttpClient, command: Sequence[str] | None) -> None:
        self._server = server
        self._http = http
        self._command = command
        self._transport: GuardedTransport | None = None
        self._ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self._functions: dict[str, McpFunction] = {}
        self._listed_at = float("-inf")
        self._listing = asyncio.Lock()
        self._retired = False
        self.closing = asyncio.Event()
        self._uses = 0
        self._used_at = time.monotonic()
        self.task = asyncio.create_task(self._live(), name=f"mcp {server.id}")

    def close(self) -> None:
        """Say goodbye, whoever uses it; what is not connected yet never will be."""
        self.closing.set()
        if not self._ready.done():
            self.task.cancel()

    def retire(self) -> None:
        """Close as soon as nobody uses it."""
        self._retired = True

    def enter(self) -> None:
        """Somebody uses it now."""
        self._uses += 1

    def leave(self) -> None:
        """Somebody is done with it."""
        self._uses -= 1
        self._used_at = time.monotonic()
        if self._retired and not self._uses:
            self.close()

    async def listing(self) -> Sequence[McpFunction]:
        """What the server offers, asked now."""
        from mcp_types import ListToolsRequest, ListToolsResult, PaginatedRequestParams

        found: list[McpFunction] = []
        cursor: str | None = None
        for _page in range(_PAGES):
            params = PaginatedRequestParams(cursor=cursor) if cursor else None
            page = await self._ask(ListToolsRequest(params=params), ListToolsResult)
            for tool in page.tools[: MAX_FUNCTIONS - len(found)]:
                found.append(await asyncio.to_thread(read_function, tool.model_dump(by_alias=True, mode="json")))
            cursor = page.next_cursor
            if not cursor or len(found) >= MAX_FUNCTIONS:
                break
        self._functions = {}
        for function in found:
            self._functions.setdefault(function.name, function)
        self._listed_at = time.monotonic()
        return list(self._functions.values())

    async def check(self, function: McpFunction) -> None:
        """Raise unless the server describes the function as it stands here."""
        async with self._listing:
            if time.monotonic() - self._listed_at > LISTING_S:
                await self.listing()
        now = self._functions.get(function.name)
        if now is None:
            raise NodeFailed("MCP_TOOL_GONE", f"'{self._server.id}' no longer offers '{function.name}'")
        if now.fingerprint != function.fingerprint:
            detail = f"'{self._server.id}' describes '{function.name}' in another way than when it was chosen"
            raise NodeFailed("MCP_TOOL_CHANGED", detail, "look at it in the settings under MCP, and choose it again")

    async def call(self, name: str, arguments: Mapping[str, Any]) -> McpAnswer:
        """Call a function. The result is not held against the server's own schema: its patterns could run for ever."""
        from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult

        params = CallToolRequestParams(name=name, arguments=dict(arguments))
        return read_answer(await self._ask(CallToolRequest(params=params), CallToolResult))

    async def _ask(self, request: Any, result_type: Any) -> Any:
        from mcp.shared.exceptions import MCPError
        from pydantic import ValidationError

        session = await asyncio.shield(self._ready)
        try:
            return await session.send_request(request, result_type)
        except MCPError as error:
            raise await self._explained(error) from None
        except ValidationError:
            raise NodeFailed("MCP_ERROR", f"'{self._server.id}' answered with something that is no MCP") from None

    async def _explained(self, error: Any) -> Exception:
        """What became of a request: the server's refusal, or the end of the session."""
        failure = self._transport.failure(error.data) if self._transport is not None else None
        if failure is not None:
            unheard = failure.code in ("ADDRESS_BLOCKED", "HOST_UNKNOWN")
            return failure if failure.code == "RESPONSE_TOO_LARGE" else _SessionEnded(failure, unheard)
        said = _cut(error.message)
        if error.message == "Session terminated":
            detail = f"'{self._server.id}' has ended the session"
            return _SessionEnded(NodeFailed("MCP_ERROR", detail, retryable=True), unheard=True)
        ended = self.task.done() or error.code == _CLOSED
        failed = NodeFailed("MCP_ERROR", f"'{self._server.id}' refuses: {said}", retryable=ended)
        return _SessionEnded(failed, unheard=False) if ended else failed

    async def _live(self) -> None:
        try:
            await asyncio.to_thread(import_module, "mcp.client.client")  # a second of work when it is the first
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(CONNECT_S):
                    session = await stack.enter_async_context(self._opened())
                self._ready.set_result(session)
                await self._until_idle()
        except Exception as error:
            failure = self._first_failure(error)
            if self._ready.done():
                logger.info("the session with the MCP server %s ended: %s", self._server.id, failure.detail)
            else:
                self._ready.set_exception(_SessionEnded(failure, unheard=True))
                self._ready.exception()  # whoever waits is told; nobody need wait
        finally:
            if not self._ready.done():
                gone = NodeFailed("MCP_ERROR", f"'{self._server.id}' was not reached before AWE stopped")
                self._ready.set_exception(_SessionEnded(gone, unheard=True))
                self._ready.exception()

    async def _until_idle(self) -> None:
        while not self.closing.is_set():
            try:
                async with asyncio.timeout(IDLE_S):
                    await self.closing.wait()
            except TimeoutError:
                if not self._uses and time.monotonic() - self._used_at >= IDLE_S:
                    return

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator["ClientSession"]:
        from mcp.client.client import Client
        from mcp_types import Implementation

        about = Implementation(name="AWE", version="1")
        if self._command is not None:
            from mcp.client.stdio import StdioServerParameters

            program = StdioServerParameters(command=self._command[0], args=list(self._command[1:]))
            async with Client(program, client_info=about, cache=None) as client:
                yield client.session
            return
        from mcp.client.streamable_http import streamable_http_client

        from awe_app.adapters.mcp_transport import GuardedTransport

        self._transport = GuardedTransport(self._http)
        async with self._transport.client(self._server.headers) as http:
            line = streamable_http_client(self._server.url, http_client=http, max_sse_event_size=MAX_ANSWER_BYTES)
            async with Client(line, client_info=about, cache=None) as client:
                yield client.session

    def _first_failure(self, error: BaseException) -> NodeFailed:
        """The reason inside what the library raises."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, NodeFailed):
            return error
        name = self._server.id
        if isinstance(error, TimeoutError):
            return NodeFailed("MCP_TIMEOUT", f"'{name}' did not answer within {CONNECT_S:g} s", retryable=True)
        named = self._transport.failure(getattr(error, "data", None)) if self._transport is not None else None
        if named is not None:
            return named
        if isinstance(error, OSError) and self._command is not None:
            return NodeFailed("MCP_ERROR", f"the program of '{name}' does not start ({type(error).__name__})")
        said = f": {_cut(str(error))}" if type(error).__name__ == "MCPError" else f" ({type(error).__name__})"
        return NodeFailed("MCP_ERROR", f"'{name}' does not answer as an MCP server does{said}")


def _cut(text: str) -> str:
    """A server's own words, of a length that can be shown."""
    text = " ".join(text.split())
    return text if len(text) <= 300 else f"{text[:299]}…"
