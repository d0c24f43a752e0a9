"""Secrets by name: workflows hold the name, and the value is looked up at the moment of the call."""

import re
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from awe_app.domain.ids import UserId

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?")


class SecretRef(BaseModel):
    """A secret of the user who runs the workflow, as settings name it: ``{"secret": "github"}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: str = Field(title="Secret", description="Its name in your settings.", pattern=NAME_PATTERN)


class UserSecrets(Protocol):
    """Each user's secrets, and nobody else's."""

    async def reveal(self, user_id: UserId | None, name: str, url: str) -> str:
        """The secret, to be sent to that address now and kept nowhere.

        Raises:
            NodeFailed: ``SECRET_NOT_FOUND``, ``SECRET_NOT_FOR_HOST`` (it names other hosts), ``SECRET_UNREADABLE``.
        """
        ...


def is_host_rule(rule: str) -> bool:
    """True for ``api.example.com``, ``*.example.com`` and ``example.com:8443``."""
    return _HOST.fullmatch(rule) is not None


def goes_to(url: str, rules: Iterable[str]) -> bool:
    """True when one of the hosts is the address's.

    ``api.example.com`` is https on its usual port, ``*.example.com`` each name below it. Who names a port means just
    that one, and plain http too.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").lower().rstrip("."), parts.port
    except ValueError:
        return False
    if not host or parts.scheme.lower() not in ("http", "https") or parts.username is not None:
        return False
    port = port or (443 if parts.scheme.lower() == "https" else 80)
    usual = parts.scheme.lower() == "https" and port == 443
    for rule in rules:
        name, _colon, number = rule.rpartition(":") if re.search(r":\d+$", rule) else (rule, "", "")
        name = name.strip("[]")
        matches = host.endswith(name[1:]) if name.startswith("*.") else host == name
        if matches and (port == int(number) if number else usual):
            return True
    return False
