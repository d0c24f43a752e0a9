"""Call a web address."""

import base64
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from awe_app.domain.errors import NodeFailed
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.tools.http_exchange import Exchange

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
_TRY_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Statuses by which a server says that it may work later."""


class Auth(BaseModel):
    """How to prove who is calling."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["none", "basic", "bearer", "header", "query"] = Field("none", title="Kind")
    username: str = Field("", title="User name")
    password: str = Field("", title="Password", repr=False)
    token: str = Field("", title="Token", repr=False)
    name: str = Field("", title="Name", description="Of the header or query parameter.")
    value: str = Field("", title="Value", repr=False)

    @model_validator(mode="after")
    def _is_complete(self) -> "Auth":
        needed = {"basic": ("username",), "bearer": ("token",), "header": ("name", "value"), "query": ("name", "value")}
        for name in needed.get(self.type, ()):
            if not getattr(self, name):
                raise ValueError(f"{self.type} needs {name}")
        return self

    def headers(self) -> dict[str, str]:
        """What it adds to the headers."""
        match self.type:
            case "basic":
                pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
                return {"Authorization": f"Basic {pair}"}
            case "bearer":
                return {"Authorization": f"Bearer {self.token}"}
            case "header":
                return {self.name: self.value}
            case _:
                return {}

    def query(self) -> dict[str, str]:
        """What it adds to the query."""
        return {self.name: self.value} if self.type == "query" else {}


class HttpRequestConfig(NodeConfig):
    method: Method = Field("GET", title="Method", json_schema_extra={"initial": "GET"})
    url: str = Field(
        title="URL",
        description="Public addresses, and what the operator allows.",
        max_length=8192,
        json_schema_extra={"placeholder": "https://api.example.com/items/{{ inputs.id }}"},
    )
    query: dict[str, Any] = Field(
        {},
        title="Query",
        description="Parameters added to the URL; a list repeats one.",
        json_schema_extra={"widget": "key_values"},
    )
    headers: dict[str, Any] = Field(
        {},
        title="Headers",
        json_schema_extra={"widget": "key_values"},
    )
    body: Any = Field(
        None,
        title="Body",
        description="Objects and lists are sent as JSON (as a form if the header Content-Type says so), text as it is.",
        json_schema_extra={"widget": "json", "placeholder": '{"name": "{{ inputs.name }}"}'},
    )
    auth: Auth | None = Field(
        None,
        title="Sign-in",
        description="Kinds: basic (username, password), bearer (token), header or query (name, value).",
        json_schema_extra={"widget": "json", "placeholder": '{"type": "bearer", "token": "{{ inputs.token }}"}'},
    )
    timeout_s: float = Field(
        30,
        gt=0,
        le=3600,
        title="Seconds to wait",
        description="For everything together, redirects included.",
        json_schema_extra={"advanced": True},
    )
    fail_on_error_status: bool = Field(
        False,
        title="Fail on 4xx and 5xx",
        description="Off: every status is an answer. On: the node fails; 408, 425, 429 and 5xx may be retried.",
        json_schema_extra={"advanced": True},
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not url.strip():
            raise ValueError("is empty; give an address such as https://api.example.com/items")
        if "{{" not in url and not url.strip().lower().startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url


class HttpRequest(Node[HttpRequestConfig]):
    """Call a web address, and hand on its answer as `{status, headers, body}`."""

    type, title, icon, category = "http_request", "HTTP request", "globe", "Data"
    effectful = True

    async def run(self, ctx: NodeContext[HttpRequestConfig]) -> Outputs:
        config, auth = ctx.config, ctx.config.auth or Auth.model_validate({})
        exchange = Exchange(
            method=config.method,
            url=config.url,
            headers={**config.headers, **auth.headers()},
            query={**config.query, **auth.query()},
            body=config.body,
            timeout_s=config.timeout_s,
        )
        answer = await exchange.run(ctx.capabilities.http, ctx.idempotency_key, ctx.log)
        status: int = answer["status"]
        if config.fail_on_error_status and status >= 400:
            detail = f"{urlsplit(config.url).hostname} answered {status}"
            raise NodeFailed("HTTP_STATUS", detail, retryable=status in _TRY_AGAIN)
        return {"out": answer}

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        url = str(config.get("url") or "")
        return f"{config.get('method') or 'GET'} {url.partition('?')[0]}".strip()
