"""Sharing over REST: who else may see, run or change a workflow."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from awe_app.api.deps import Body, CurrentUser, Paged, PageParams, json_response
from awe_app.api.shapes import PageShape, SharedWorkflowShape, ShareShape
from awe_app.domain.ids import WorkflowId
from awe_app.domain.sharing import PermissionName, Share, SharedWorkflow
from awe_app.services import services

router = APIRouter(prefix="/sharing", tags=["sharing"])


class NewShare(Body):
    """Which workflow, with whom, and what they may do."""

    workflow_id: str = Field(max_length=100)
    user: str = Field(min_length=1, max_length=320, description="A name or an e-mail address.")
    permission: PermissionName
    expires_at: Annotated[datetime, Field(strict=False)] | None = Field(None, description="None: it does not expire.")


class ShareParams(PageParams):
    """A list's parameters, and of which workflow."""

    workflow_id: str = Field(max_length=100)


@router.post("/share", status_code=201, response_model=ShareShape)
async def share(body: NewShare, user: CurrentUser) -> Response:
    """Share a workflow of yours. Sharing it again with the same user changes what they may do."""
    made = await services().sharing.share(
        user, WorkflowId(body.workflow_id), body.user, body.permission, body.expires_at
    )
    return json_response(made.as_json(), 201)


@router.get("/shared", response_model=PageShape[SharedWorkflowShape])
async def shared(page: Paged, user: CurrentUser) -> Response:
    """Workflows that others share with you."""
    found = await services().sharing.shared(user, page.query())
    return json_response(found.as_json(SharedWorkflow.as_json))


@router.get("", response_model=PageShape[ShareShape])
async def list_shares(page: Annotated[ShareParams, Query()], user: CurrentUser) -> Response:
    """With whom a workflow of yours is shared."""
    found = await services().sharing.shares(user, WorkflowId(page.workflow_id), page.query())
    return json_response(found.as_json(Share.as_json))


@router.delete("/{share_id}", status_code=204)
async def revoke(share_id: str, user: CurrentUser) -> Response:
    """Take a share back, or leave what is shared with you. It counts at once; what is running is stopped."""
    await services().sharing.revoke(user, share_id)
    return Response(status_code=204)
