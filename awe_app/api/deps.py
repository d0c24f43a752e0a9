"""What routes take in and give out: who asks, which page of a list, JSON as bytes."""

import ipaddress
import json
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Query
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection
from starlette.responses import Response

from awe_app.api.scopes import scope_of
from awe_app.domain.accounts import User
from awe_app.domain.errors import Unauthorized
from awe_app.domain.pages import MAX_LIMIT, PageQuery
from awe_app.services import services
from awe_app.services.api_keys import PREFIX


class Body(BaseModel):
    """Base of what is sent in: unknown keys are refused, and nothing is taken for another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class PageParams(BaseModel):
    """The parameters of every list."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    limit: int = Field(50, ge=1, le=MAX_LIMIT)
    offset: int = Field(0, ge=0, le=1_000_000_000)
    q: str = Field("", max_length=200, description="text in the name or description")
    sort: Literal["", "name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"] = ""

    def query(self) -> PageQuery:
        """The page as services understand it."""
        return PageQuery(limit=self.limit, offset=self.offset, q=self.q, sort=self.sort)


Paged = Annotated[PageParams, Query()]

IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=200, pattern=r"^[\x20-\x7e]+$", description="Sent twice, it starts once."),
]


class _Token(HTTPBearer):
    """Reads the bearer token. One dependency without further ones: FastAPI walks through them at every request."""

    def __init__(self) -> None:
        super().__init__(
            auto_error=False,
            scheme_name="HTTPBearer",
            description="access_token of POST /api/auth/login, or an API key",
        )

    async def __call__(self, request: HTTPConnection) -> Any:
        """The token, unread.

        Raises:
            Unauthorized: there is none.
        """
        credentials = await super().__call__(request)
        if credentials is None:
            raise Unauthorized(
                "NOT_SIGNED_IN", "You are not signed in.", "Send 'Authorization: Bearer <access_token>'."
            )
        return credentials.credentials


class _SignedIn(_Token):
    """Finds out who sends the request."""

    async def __call__(self, request: HTTPConnection) -> User:
        """The user.

        Raises:
            Unauthorized: nobody who is signed in.
        """
        return await user_of(await super().__call__(request), request)


async def user_of(token: str, connection: HTTPConnection) -> User:
    """Whose access token or API key it is, provided it is good for this request.

    Raises:
        Unauthorized: nobody's, or nobody's any more.
        Forbidden: the API key is not for that.
    """
    if token.startswith(PREFIX):
        return await services().api_keys.authenticate(token, scope_of(connection))
    return await services().accounts.authenticate(token)


current_user = _SignedIn()
AccessToken = Annotated[str, Depends(_Token())]
CurrentUser = Annotated[User, Depends(current_user)]


def client_address(connection: HTTPConnection) -> str:
    """Where the connection comes from; an IPv6 customer's whole network (/64) counts as one.

    Headers such as ``X-Forwarded-For`` are not believed here: who runs AWE behind a proxy tells the server.
    """
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)


_to_json = json.JSONEncoder(allow_nan=False).encode


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON that is true already: written once, not validated again."""
    return Response(_to_json(content), status, headers, media_type="application/json")
