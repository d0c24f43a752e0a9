"""A call to the outside world, as nodes and tools see it; the guarded client in ``adapters/http.py`` makes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

MAX_BODY_BYTES = 10 * 1024 * 1024
"""What is read of an answer unless the caller allows less; counted after decompression."""
MAX_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Headers and body may hold secrets, so neither shows in ``repr``."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = 30.0
    """For everything together: connecting, redirects and reading the answer."""
    max_bytes: int = MAX_BODY_BYTES
    only_hosts: Sequence[str] = ()
    """Hosts, as ``domain.secrets.goes_to`` reads them, beyond which no redirect is followed; none: it goes anywhere."""
    follow_redirects: bool = True
    """False: a redirect is an answer like any other."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; repeated ones joined by a comma, ``set-cookie`` by line breaks."""
    body: bytes = field(repr=False)
    charset: str | None = None
    """What the answer says its text is written in."""


class OutboundHttp(Protocol):
    """The one door to other machines: public addresses only, and what the operator allows."""

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Make the request and follow redirects; any status is an answer, not an error.

        Raises:
            NodeFailed: ``INVALID_REQUEST``, ``ADDRESS_BLOCKED``, ``TOO_MANY_REDIRECTS``, ``RESPONSE_TOO_LARGE``,
                ``HTTP_TLS``, ``INVALID_RESPONSE``; retryable are ``HTTP_TIMEOUT``, ``HTTP_UNREACHABLE``,
                ``HOST_UNKNOWN``.
        """
        ...
