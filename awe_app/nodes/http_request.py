"""Call a web address."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator

from awe_app.domain.errors import Issue, NodeFailed
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.tools.http_auth import Auth, credentials
from awe_app.tools.http_exchange import Exchange

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
_TRY_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Statuses by which a server says that it may work later."""


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
        description="Kinds: basic (username, password), bearer (token), header or query (name, value). "
        "A secret stands there by its name in your settings.",
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
        config = ctx.config
        added = await credentials(config.auth, config.url, ctx.user_id, ctx.capabilities)
        exchange = Exchange(
            method=config.method,
            url=config.url,
            headers={**config.headers, **added.headers},
            query={**config.query, **added.query},
            body=config.body,
            timeout_s=config.timeout_s,
            hidden=added.hidden,
        )
        answer = await exchange.run(ctx.capabilities.http, ctx.idempotency_key, ctx.log)
        status: int = answer["status"]
        if config.fail_on_error_status and status >= 400:
            detail = f"{urlsplit(config.url).hostname} answered {status}"
            raise NodeFailed("HTTP_STATUS", detail, retryable=status in _TRY_AGAIN)
        return {"out": answer}

    @classmethod
    def issues(cls, config: Mapping[str, Any]) -> Iterator[Issue]:
        try:
            auth = Auth.model_validate(config.get("auth") or {})
        except ValidationError:
            return  # told of by the settings' own check
        for name in auth.literals():
            message = f'the {name} stands in the workflow file; name a secret of your settings: {{"secret": "…"}}'
            yield Issue("warning", "LITERAL_SECRET", message, field=f"auth.{name}")

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        url = str(config.get("url") or "")
        return f"{config.get('method') or 'GET'} {url.partition('?')[0]}".strip()
