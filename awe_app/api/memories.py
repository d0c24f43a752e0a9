"""Long-term memory over REST."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from awe_app.api.deps import Body, CurrentUser, json_response
from awe_app.api.shapes import ItemsShape, PageShape
from awe_app.domain.pages import MAX_LIMIT
from awe_app.services import services
from awe_app.services.memories import MAX_CHARS, memory_json

router = APIRouter(prefix="/memories", tags=["memories"])

Namespace = Annotated[str, Path(max_length=200)]


class NamespaceShape(BaseModel):
    """A namespace in which something is kept."""

    namespace: str
    count: int


class MemoryShape(BaseModel):
    """One memory; ``score`` only when it was searched for."""

    id: str
    text: str
    created_at: str
    metadata: dict[str, Any]
    score: float | None = None


class ExportShape(BaseModel):
    """A whole namespace."""

    namespace: str
    exported_at: str
    memories: list[MemoryShape]


class MemoryParams(BaseModel):
    """Which memories."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    limit: int = Field(50, ge=1, le=MAX_LIMIT)
    offset: int = Field(0, ge=0, le=1_000_000_000)
    q: str = Field("", max_length=2_000, description="what to be reminded of; the best come first, offset is not used")


class MemoryChange(Body):
    """What a memory shall say."""

    text: str = Field(min_length=1, max_length=MAX_CHARS)


@router.get("", response_model=ItemsShape[NamespaceShape])
async def namespaces(user: CurrentUser) -> Response:
    """The namespaces in which your agents keep something."""
    return json_response({"items": await services().memories.namespaces(user)})


@router.get("/{namespace}", response_model=PageShape[MemoryShape])
async def page(namespace: Namespace, params: Annotated[MemoryParams, Query()], user: CurrentUser) -> Response:
    """Its memories, the newest first; with ``q`` those that fit it best, with scores."""
    if params.q.strip():
        found = await services().memories.recall(user, namespace, params.q, params.limit)
    else:
        found = await services().memories.page(user, namespace, params.limit, params.offset)
    return json_response(found.as_json(memory_json))


@router.get("/{namespace}/export", response_model=ExportShape)
async def export(namespace: Namespace, user: CurrentUser) -> Response:
    """All of them in one file."""
    headers = {"Content-Disposition": 'attachment; filename="memories.json"'}
    return json_response(await services().memories.export(user, namespace), headers=headers)


@router.patch("/{namespace}/{memory_id}", response_model=MemoryShape)
async def edit(namespace: Namespace, memory_id: str, change: MemoryChange, user: CurrentUser) -> Response:
    """Change what a memory says; it is found by its new text from then on."""
    return json_response(memory_json(await services().memories.edit(user, namespace, memory_id, change.text)))


@router.delete("/{namespace}/{memory_id}", status_code=204)
async def forget(namespace: Namespace, memory_id: str, user: CurrentUser) -> Response:
    """Delete one memory."""
    await services().memories.forget(user, namespace, memory_id)
    return Response(status_code=204)


@router.delete("/{namespace}", status_code=204)
async def forget_all(namespace: Namespace, user: CurrentUser) -> Response:
    """Delete all memories of the namespace."""
    await services().memories.forget(user, namespace)
    return Response(status_code=204)
