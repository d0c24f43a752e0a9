"""Which hosts a tool may call, as its settings say."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from awe_app.domain.errors import NodeFailed
from awe_app.domain.secrets import goes_to, is_host_rule


def _rules(hosts: tuple[str, ...]) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in hosts)
    for host in hosts:
        if not is_host_rule(host):
            raise ValueError("must be hosts, such as api.github.com, *.example.com or localhost:8080")
    return hosts


Hosts = Annotated[
    tuple[str, ...],
    AfterValidator(_rules),
    Field(
        title="Allowed hosts",
        description="The only hosts it may call, such as api.github.com or *.example.com; with some, an agent that has "
        "read strangers' text and private data need not ask a person first. Empty: every public address.",
        max_length=50,
    ),
]


def is_allowed(url: Any, hosts: Sequence[str]) -> bool:
    """True when there are hosts and the address is at one of them."""
    return isinstance(url, str) and goes_to(url, hosts)


def check_host(url: str, hosts: Sequence[str]) -> None:
    """Raise NodeFailed ``HOST_NOT_ALLOWED`` for an address elsewhere, where there are hosts."""
    if hosts and not is_allowed(url, hosts):
        try:
            host = urlsplit(url).hostname
        except ValueError:
            host = None
        raise NodeFailed(
            "HOST_NOT_ALLOWED", f"{host or 'this address'} is not allowed here; {', '.join(hosts)} may be called"
        )
