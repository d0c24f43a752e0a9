"""What routes take in and give out: who asks, which page of a list, JSON as bytes."""

import ipaddress
import json
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection
from starlette.responses import Response

from awe_app.domain.accounts import User
from awe_app.domain.errors import Unauthorized
from awe_app.domain.pages import MAX_LIMIT, PageQuery
from awe_app.services import services


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

_bearer = HTTPBearer(auto_error=False, description="The access_token of POST /api/auth/login")


async def access_token(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    """The bearer token of the request, unread.

    Raises:
        Unauthorized: there is none.
    """
    if credentials is None:
        raise Unauthorized("NOT_SIGNED_IN", "You are not signed in.", "Send 'Authorization: Bearer <access_token>'.")
    return credentials.credentials


AccessToken = Annotated[str, Depends(access_token)]


async def current_user(token: AccessToken) -> User:
    """Who sends the request.

    Raises:
        Unauthorized: nobody who is signed in.
    """
    return await services().accounts.authenticate(token)


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


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON that is true already: written once, not validated again."""
    return Response(json.dumps(content, allow_nan=False), status, headers, media_type="application/json")
