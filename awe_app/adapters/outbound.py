"""Which addresses AWE may call for its users: public ones, and what the operator names in ``AWE_ALLOWED_HOSTS``.

The rule is applied twice: to every address a name stands for before the call (``check``), and to the address that is
really dialled (``guarded_socket``), so that a name which changes its meaning in between gains nothing.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from awe_app.domain.errors import NodeFailed

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_EMBEDDING = [ipaddress.ip_network(net) for net in ("64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")]
"""IPv6 ranges that hold an IPv4 address which a router may unpack."""
_SPECIAL = [ipaddress.ip_network(net) for net in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "5f00::/16")]
"""Not of the open internet either, which some Python 3.11 do not know yet."""
_LOOKUP_S = 5
_PORTS = """
    1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135
    137 138 139 143 161 179 389 427 445 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993
    995 1433 1521 1719 1720 1723 2049 3306 3389 3659 4045 4190 5060 5061 5432 5900 6000 6379 6566 6665 6666 6667 6668
    6669 6679 6697 9042 10080 11211 27017"""
_NOT_HTTP = frozenset(map(int, _PORTS.split()))
"""Ports of other protocols, which an HTTP request could be made to speak: the list browsers block, and databases."""


def public(address: str) -> bool:
    """True for an address of the open internet; IPv4 inside IPv6 is judged by the IPv4."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(ip.packed[-4:])
        elif any(ip in network for network in _EMBEDDING):
            return False
    if any(ip in network for network in _SPECIAL):
        return False
    inward = ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_unspecified
    return ip.is_global and not (inward or ip.is_multicast or ip.is_reserved)


class Outbound:
    """The rule, with the operator's exceptions (``host:port``)."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = {entry.strip().lower() for entry in allowed}
        self._granted: set[tuple[str, int]] = set()
        """Addresses that allowed names stood for when they were checked."""

    async def check(self, url: str) -> None:
        """Look the host up and judge every address it has.

        Raises:
            NodeFailed: ``ADDRESS_BLOCKED``; ``HOST_UNKNOWN`` (may be tried again) when the name is not known.
        """
        parts = urlsplit(url)
        try:
            host, port = (parts.hostname or "").rstrip("."), parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        except ValueError:
            host, port = "", None
        if not host or not port or parts.username is not None:
            raise _blocked(url, "it is not a plain http or https address")
        await self.look_up(host, port)

    async def look_up(self, host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
        """The addresses of a host, each with its family, if all of them may be called; raises as ``check`` does.

        One that is not public blocks the name, so that a name of two meanings gains nothing.
        """
        host = host.rstrip(".")
        try:
            async with asyncio.timeout(_LOOKUP_S):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError):
            hint = "check the spelling, and whether this machine is online"
            raise NodeFailed("HOST_UNKNOWN", f"the host {host!r} is not known", hint, retryable=True) from None
        addresses = list(dict.fromkeys((info[0], str(info[4][0])) for info in found))
        if self._names(host, port):
            self._granted |= {(address, port) for _family, address in addresses}
        elif port in _NOT_HTTP:
            raise _blocked(f"{host}:{port}", "that port is not one of HTTP")
        elif not all(public(address) for _family, address in addresses):
            raise _blocked(f"{host}:{port}", "it is not on the public internet")
        return addresses

    def permits(self, address: str, port: int) -> bool:
        """Whether this very address may be dialled."""
        if (address, port) in self._granted or self._names(address, port):
            return True
        return port not in _NOT_HTTP and public(address)

    def socket(self, address_info: tuple[Any, ...]) -> socket.socket:
        """A socket factory for aiohttp that follows this rule. Raises BlockedAddress."""
        return _socket(self, address_info)

    def _names(self, host: str, port: int) -> bool:
        host = host.lower().rstrip(".")
        return f"{host}:{port}" in self._allowed or f"[{host}]:{port}" in self._allowed

    @contextmanager
    def dialling(self) -> Generator[None]:
        """Inside, ``guarded_socket`` follows this rule; elsewhere it refuses everything."""
        token = _rule.set(self)
        try:
            yield
        finally:
            _rule.reset(token)


_rule: ContextVar[Outbound | None] = ContextVar("outbound", default=None)


class BlockedAddress(OSError):
    """The address about to be dialled is not permitted."""


def guarded_socket(address_info: tuple[Any, ...]) -> socket.socket:
    """A socket factory for libraries that cannot be handed a rule: it follows the one of ``dialling``.

    Raises:
        BlockedAddress: it is not permitted.
    """
    return _socket(_rule.get(), address_info)


def _socket(rule: Outbound | None, address_info: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _name, (address, port, *_rest) = address_info
    if rule is None or not rule.permits(address, port):
        raise BlockedAddress(f"{address}:{port} may not be called")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # answers may take minutes to begin
    return made


def blocked(where: str) -> NodeFailed:
    """What a user is told when ``where`` may not be called."""
    return _blocked(where, "it is not on the public internet")


def _blocked(where: str, why: str) -> NodeFailed:
    hint = "the operator of this server can allow it: AWE_ALLOWED_HOSTS=host:port"
    return NodeFailed("ADDRESS_BLOCKED", f"AWE does not call {where}: {why}", hint)
