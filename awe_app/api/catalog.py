"""What there is to build with, over REST."""

from fastapi import APIRouter, Response

from awe_app.api.deps import CurrentUser, json_response
from awe_app.api.shapes import ItemsShape, ModelShape, NodeTypeShape, ToolShape
from awe_app.services import services

router = APIRouter(tags=["catalogue"])


@router.get("/nodes", response_model=ItemsShape[NodeTypeShape])
async def nodes(user: CurrentUser) -> Response:
    """Every node type with the JSON Schema of its settings."""
    return json_response({"items": services().catalog.nodes()})


@router.get("/tools", response_model=ItemsShape[ToolShape])
async def tools(user: CurrentUser) -> Response:
    """Every tool with the JSON Schema of its arguments."""
    return json_response({"items": services().catalog.tools()})


@router.get("/models", response_model=ItemsShape[ModelShape])
async def models(user: CurrentUser) -> Response:
    """Every model you may use, the default first."""
    return json_response({"items": [model.as_json() for model in await services().catalog.models(user)]})
