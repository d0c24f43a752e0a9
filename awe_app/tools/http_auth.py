"""Proving who is calling: secrets by name, looked up when the call is made."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from awe_app.domain.ids import UserId
from awe_app.domain.protocols import Capabilities
from awe_app.domain.secrets import SecretRef

_NEEDED = {"basic": ("username",), "bearer": ("token",), "header": ("name", "value"), "query": ("name", "value")}
_SECRET = ("password", "token", "value")

Kind = Literal["none", "basic", "bearer", "header", "query"]


def _shown_for(*kinds: Kind) -> JsonDict:
    return {"show_when": {"type": list(kinds)}}


def _secret_for(*kinds: Kind) -> JsonDict:
    return {"widget": "secret", "placeholder": "Choose a secret…", **_shown_for(*kinds)}


class Auth(BaseModel):
    """How to prove who is calling. A secret stands there by its name, ``{"secret": "github"}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Kind = Field("none", title="Kind")
    username: str = Field("", title="User name", json_schema_extra=_shown_for("basic"))
    password: str | SecretRef = Field("", title="Password", repr=False, json_schema_extra=_secret_for("basic"))
    token: str | SecretRef = Field("", title="Token", repr=False, json_schema_extra=_secret_for("bearer"))
    name: str = Field(
        "",
        title="Name",
        description="Of the header or query parameter.",
        json_schema_extra=_shown_for("header", "query"),
    )
    value: str | SecretRef = Field("", title="Value", repr=False, json_schema_extra=_secret_for("header", "query"))

    @model_validator(mode="after")
    def _is_complete(self) -> "Auth":
        for name in _NEEDED.get(self.type, ()):
            if not getattr(self, name):
                raise ValueError(f"{self.type} needs {name}")
        return self

    def literals(self) -> Iterator[str]:
        """Which secrets stand in the settings themselves."""
        for name in _SECRET:
            value = getattr(self, name)
            if isinstance(value, str) and value and "{{" not in value:
                yield name


class SecretAuth(Auth):
    """The same where only names of secrets may stand."""

    @model_validator(mode="after")
    def _by_name(self) -> "SecretAuth":
        for name in self.literals():
            raise ValueError(f'{name} must name a secret of your settings, such as {{"secret": "github"}}')
        return self


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is added to one request, and which texts in it nobody may see."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: dict[str, str] = field(default_factory=dict, repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


async def credentials(auth: Auth | None, url: str, user_id: UserId | None, capabilities: Capabilities) -> Credentials:
    """What this sign-in adds to a request for that address. Raises as ``UserSecrets.reveal``."""
    if auth is None or auth.type == "none":
        return Credentials()
    hidden: list[str] = []

    async def plain(value: str | SecretRef) -> str:
        if isinstance(value, SecretRef):
            value = await capabilities.secrets.reveal(user_id, value.secret, url)
            hidden.append(value)
        return value

    match auth.type:
        case "basic":
            password = await plain(auth.password)
            pair = base64.b64encode(f"{auth.username}:{password}".encode()).decode()
            hidden += [pair] if hidden else []
            return Credentials({"Authorization": f"Basic {pair}"}, hidden=tuple(hidden))
        case "bearer":
            return Credentials({"Authorization": f"Bearer {await plain(auth.token)}"}, hidden=tuple(hidden))
        case "header":
            return Credentials({auth.name: await plain(auth.value)}, hidden=tuple(hidden))
        case "query":
            return Credentials(query={auth.name: await plain(auth.value)}, hidden=tuple(hidden))
