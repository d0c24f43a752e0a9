"""Keys for scripts over REST. A key is shown once, in the answer that makes it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from awe_app.api.deps import Body, CurrentUser, json_response
from awe_app.api.shapes import ApiKeyShape, ItemsShape, NewApiKeyShape
from awe_app.services import services

router = APIRouter(prefix="/settings/api-keys", tags=["settings"])


class NewApiKey(Body):
    """What a key is called, what it is for, and how long it lives."""

    name: str
    scopes: list[str] = Field([], description="Of 'read', 'run' and 'edit'; all when none is given.")
    expires_at: Annotated[datetime, Field(strict=False)] | None = Field(None, description="None: it does not expire.")


@router.get("", response_model=ItemsShape[ApiKeyShape])
async def list_keys(user: CurrentUser) -> Response:
    """Your keys; of each only the last four characters."""
    return json_response({"items": [key.as_json() for key in await services().api_keys.list(user)]})


@router.post("", status_code=201, response_model=NewApiKeyShape)
async def create_key(body: NewApiKey, user: CurrentUser) -> Response:
    """Make a key. Copy it now: it is not shown again."""
    key, secret = await services().api_keys.create(user, body.name, body.scopes, body.expires_at)
    return json_response({**key.as_json(), "key": secret}, 201)


@router.delete("/{key_id}", status_code=204)
async def delete_key(key_id: str, user: CurrentUser) -> Response:
    """Take a key away; it is refused from now on."""
    await services().api_keys.delete(user, key_id)
    return Response(status_code=204)
