"""The one client that calls other machines for workflows; see decision 0012.

The rule of ``outbound.py`` decides twice: when a name is looked up (once, and what it gave is what is dialled), and on
every address before a socket for it is made. Redirects come back here and begin anew.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from awe_app.adapters.outbound import BlockedAddress, Outbound, blocked
from awe_app.domain.errors import NodeFailed
from awe_app.domain.http import MAX_REDIRECTS, HttpAnswer, HttpRequest
from awe_app.domain.secrets import goes_to

if TYPE_CHECKING:
    import aiohttp

CONNECT_S = 10.0
_CONNECTIONS = 100
_CHUNK_BYTES = 64 * 1024
_OURS = frozenset(("host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"))
"""Headers that belong to the connection: setting them could make two requests of one, or name another host."""
_TRAVELS = frozenset(("accept", "accept-language", "content-type", "user-agent", "idempotency-key"))
"""Headers that follow a redirect to another origin; all others were meant for the first one."""


class HttpClient:
    """Implements ``OutboundHttp`` with aiohttp. Nothing exists before the first request; connections are reused."""

    def __init__(self, allowed_hosts: Iterable[str] = (), connections: int = _CONNECTIONS) -> None:
        self._outbound = Outbound(allowed_hosts)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """See ``OutboundHttp.send``."""
        import aiohttp

        _refuse_ours(request)
        with _in_our_words():
            try:
                async with asyncio.timeout(request.timeout_s), self._asked(request) as response:
                    return await _read(response, request.max_bytes)
            except aiohttp.ServerTimeoutError:
                raise
            except TimeoutError:
                detail = f"the server took longer than {request.timeout_s:g} s"
                raise NodeFailed("HTTP_TIMEOUT", detail, "raise timeout_s", retryable=True) from None

    @asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncGenerator["HttpStream"]:
        """Like ``send``, but the body is read as it comes: ``max_bytes`` and ``timeout_s`` are the caller's care.

        Leaving the context before the end hangs up. Raises as ``send`` does, for its own work only.
        """
        _refuse_ours(request)
        async with AsyncExitStack() as open_answer:
            with _in_our_words():
                response = await open_answer.enter_async_context(self._asked(request))
            yield HttpStream(response)

    async def stop(self) -> None:
        """Close what is open."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @asynccontextmanager
    async def _asked(self, request: HttpRequest) -> AsyncGenerator["aiohttp.ClientResponse"]:
        """The answer after all redirects, its body unread."""
        import aiohttp
        from yarl import URL

        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        method, body, headers = request.method, request.body, dict(request.headers)
        url = URL(request.url)
        self._check(url)
        for _hop in range(MAX_REDIRECTS + 1):
            async with self._open().request(
                method, url, headers=headers, data=body, allow_redirects=False, timeout=limits
            ) as response:
                target = response.headers.get("location") if response.status in (301, 302, 303, 307, 308) else None
                if target is None or not request.follow_redirects:
                    yield response
                    return
                status = response.status
            there = URL(urljoin(str(url), target))
            self._check(there)
            if request.only_hosts and not goes_to(str(there), request.only_hosts):
                raise NodeFailed("REDIRECT_REFUSED", f"{url.host} sends on to {there.host}, which is not allowed here")
            if url.scheme == "https" and there.scheme == "http":
                raise NodeFailed(
                    "REDIRECT_REFUSED", f"{url.host} sends on from https to http, where anybody may listen"
                )
            if there.origin() != url.origin():
                headers = {name: value for name, value in headers.items() if name.lower() in _TRAVELS}
            if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
                method, body = "GET", None
                headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
            url = there
        raise NodeFailed("TOO_MANY_REDIRECTS", f"{url.host} sent on more than {MAX_REDIRECTS} times")

    def _check(self, url: Any) -> None:
        """Raise for what is no plain http or https address. The url itself is not repeated: it may hold a secret."""
        if url.scheme not in ("http", "https") or not url.host:
            raise NodeFailed("INVALID_REQUEST", "url is no address of the form https://host/path")
        if url.user is not None or url.password is not None:
            raise NodeFailed("INVALID_REQUEST", "url holds a name or password", "use auth for them")
        if _is_address(url.host) and not self._outbound.permits(url.host, url.port):  # names: when they are looked up
            raise blocked(f"{url.host}:{url.port}")

    def _open(self) -> "aiohttp.ClientSession":
        """The session of the running loop, made when it is first asked for."""
        import aiohttp

        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop or self._session.closed:
            connector = aiohttp.TCPConnector(
                resolver=_resolver(self._outbound),
                use_dns_cache=False,
                socket_factory=self._outbound.socket,
                limit=self._connections,
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=True
            )
            self._loop = loop
        return self._session


class HttpStream:
    """An answer whose body is still coming."""

    def __init__(self, response: "aiohttp.ClientResponse") -> None:
        self._response = response
        self.status = response.status
        self.headers = _headers(response.headers)

    async def read(self) -> bytes:
        """What has come since, decompressed; waits for something, empty at the end. Raises as ``send`` does."""
        with _in_our_words():
            return await self._response.content.readany()


@contextmanager
def _in_our_words() -> Generator[None]:
    """Turn what aiohttp raises into NodeFailed."""
    import aiohttp

    try:
        yield
    except aiohttp.ServerTimeoutError:
        raise NodeFailed("HTTP_UNREACHABLE", f"no connection within {CONNECT_S:g} s", retryable=True) from None
    except aiohttp.ClientConnectorError as error:
        raise _unconnected(error) from None
    except aiohttp.InvalidURL:
        raise NodeFailed("INVALID_REQUEST", "url is no address of the form https://host/path") from None
    except (aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as error:
        detail = f"what the server sent is no whole HTTP answer ({type(error).__name__})"
        broken = isinstance(error, aiohttp.ClientPayloadError)
        raise NodeFailed("INVALID_RESPONSE", detail, retryable=broken) from None
    except (aiohttp.ClientError, OSError) as error:
        detail = f"the connection was lost ({type(error).__name__})"
        raise NodeFailed("HTTP_UNREACHABLE", detail, retryable=True) from None
    except ValueError:  # aiohttp's answer to line breaks in a header or method
        detail = "a header or the url holds a character that HTTP does not allow"
        raise NodeFailed("INVALID_REQUEST", detail) from None


def _refuse_ours(request: HttpRequest) -> None:
    if ours := sorted(_OURS.intersection(name.lower() for name in request.headers)):
        raise NodeFailed("INVALID_REQUEST", f"the header {ours[0]} is set by AWE itself", "remove it")


def _resolver(outbound: Outbound) -> Any:
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Resolver(AbstractResolver):
        """Looks names up by AWE's rule; what it gives is what is dialled."""

        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
            return [
                ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)
                for kind, address in await outbound.look_up(host, port)
            ]

        async def close(self) -> None:
            return

    return Resolver()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return True


def _unconnected(error: Any) -> NodeFailed:
    """Why no connection came about. aiohttp's own message is left out where it could repeat the url."""
    where = f"{error.host}:{error.port}"
    cause = error.os_error
    if isinstance(cause, BlockedAddress):
        return blocked(where)
    if isinstance(error, ssl.SSLError) or isinstance(cause, ssl.SSLError | ssl.CertificateError):
        reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "no TLS"
        return NodeFailed("HTTP_TLS", f"{where} has no certificate that can be trusted: {reason}")
    return NodeFailed("HTTP_UNREACHABLE", f"{where} does not answer ({type(cause).__name__})", retryable=True)


async def _read(response: "aiohttp.ClientResponse", max_bytes: int) -> HttpAnswer:
    if response.method != "HEAD" and (response.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):  # decompressed already: bombs stop here
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return HttpAnswer(response.status, _headers(response.headers), bytes(body), response.charset)


def _headers(raw: Mapping[str, str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw.items():
        name = name.lower()
        glue = "\n" if name == "set-cookie" else ", "
        headers[name] = f"{headers[name]}{glue}{value}" if name in headers else value
    return headers


def _too_large(max_bytes: int) -> NodeFailed:
    return NodeFailed("RESPONSE_TOO_LARGE", f"the answer is larger than {max_bytes / 1024 / 1024:g} MB")
