"""Users' named secrets: written, shown by their last four characters, never read back."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from awe_app.adapters.secret_store import SecretStore, StoredSecret
from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict, Invalid, Issue, NotFound
from awe_app.domain.secrets import NAME_PATTERN, is_host_rule

MAX_SECRETS = 100

Host = Annotated[str, StringConstraints(min_length=1, max_length=260, strip_whitespace=True, to_lower=True)]


class SecretChange(BaseModel):
    """The body of ``POST /api/settings/secrets``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(pattern=NAME_PATTERN)
    value: str | None = Field(None, min_length=1, max_length=8192)
    """Write-only. Absent or null keeps the stored one."""
    hosts: tuple[Host, ...] = Field(min_length=1, max_length=20)
    """The only hosts it is sent to."""

    @field_validator("value")
    @classmethod
    def _can_be_sent(cls, value: str | None) -> str | None:
        value = value.strip() if value is not None else None
        if value is not None and not re.fullmatch(r"[\x20-\x7e]+", value):
            raise ValueError("holds characters that no header can carry; copy it again")
        return value

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not is_host_rule(host):
                raise ValueError("must be hosts, such as api.github.com, *.example.com or localhost:8080")
        return tuple(dict.fromkeys(hosts))


class UserSecretsPage:
    """The use cases of the settings' secrets."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store

    async def list(self, user: User) -> list[dict[str, Any]]:
        """``{name, last4, hosts, created_at, updated_at}`` each, by name."""
        return [_shown(each) for each in await self._store.list(user.id)]

    async def save(self, user: User, raw: dict[str, Any]) -> dict[str, Any]:
        """Add a secret, or change the value or the hosts of one. A secret sent elsewhere has to be entered again.

        Raises:
            Invalid: ``INVALID_SETTINGS``.
            Conflict: ``TOO_MANY_SECRETS``.
        """
        change = _read(raw)
        stored = await self._store.get(user.id, change.name)
        if stored is None and await self._store.count(user.id) >= MAX_SECRETS:
            raise Conflict("TOO_MANY_SECRETS", f"you have {MAX_SECRETS} secrets", "delete one that is not needed")
        if change.value is not None:
            await self._store.put(user.id, change.name, change.value, change.hosts)
        elif stored is None:
            raise _invalid("value", "is needed for a new secret")
        elif set(change.hosts) != set(stored.hosts):
            raise _invalid("value", "has to be entered again when the hosts change")
        saved = await self._store.get(user.id, change.name)
        if saved is None:
            raise _not_found(change.name)
        return _shown(saved)

    async def delete(self, user: User, name: str) -> None:
        """Drop a secret. Raises NotFound ``SECRET_NOT_FOUND``."""
        if not await self._store.delete(user.id, name):
            raise _not_found(name)


def _shown(secret: StoredSecret) -> dict[str, Any]:
    return {
        "name": secret.name,
        "last4": secret.last4,
        "hosts": list(secret.hosts),
        "created_at": secret.created_at.isoformat(),
        "updated_at": secret.updated_at.isoformat(),
    }


def _read(raw: dict[str, Any]) -> SecretChange:
    try:
        return SecretChange.model_validate(raw)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise _invalid(field, problem["msg"].removeprefix("Value error, ")) from None


def _invalid(field: str, message: str) -> Invalid:
    issue = Issue("error", "INVALID_SETTING", f"{field or 'secret'}: {message}", field=field or None)
    return Invalid("INVALID_SETTINGS", issue.message, issues=(issue,))


def _not_found(name: str) -> NotFound:
    return NotFound("SECRET_NOT_FOUND", f"you have no secret '{name}'")
