"""Collections and their documents over REST."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field, model_validator

from awe_app.api.deps import Body, CurrentUser, Paged, PageParams, json_response
from awe_app.api.shapes import ItemsShape, PageShape
from awe_app.domain.knowledge import MAX_CHUNK_CHARS, MIN_CHUNK_CHARS, Collection, Document, Mode
from awe_app.domain.pages import MAX_LIMIT
from awe_app.services import services
from awe_app.services.knowledge import MAX_NAME, CollectionSettings, chunk_json

router = APIRouter(prefix="/knowledge/collections", tags=["knowledge"])

MAX_TEXT_CHARS = 4_000_000


class CountsShape(BaseModel):
    """How many documents a collection has."""

    total: int
    ready: int
    failed: int


class CollectionShape(BaseModel):
    """A collection."""

    id: str
    name: str
    description: str
    embedder: str
    chunk_chars: int
    overlap_chars: int
    by_headings: bool
    documents: CountsShape
    chunks: int
    created_at: str
    updated_at: str


class DocumentShape(BaseModel):
    """A document; ``progress`` goes from 0 to 1."""

    id: str
    name: str
    kind: Literal["file", "url", "text"]
    source: str
    media_type: str
    size_bytes: int
    status: Literal["queued", "indexing", "ready", "failed"]
    progress: float
    chunks: int
    error: dict[str, str] | None
    created_at: str
    updated_at: str


class ChunkShape(BaseModel):
    """A piece of a document."""

    id: str
    position: int
    text: str
    metadata: dict[str, Any]


class PassageShape(BaseModel):
    """A text that was found; ``metadata`` says where, and how it did in each search."""

    text: str
    score: float
    metadata: dict[str, Any]


class NewCollection(Body):
    """How a collection shall be."""

    name: str = Field(min_length=1, max_length=MAX_NAME)
    description: str = Field("", max_length=2_000)
    embedder: str | None = Field(None, max_length=300, description="<provider>/<model>; null: the one on this machine")
    chunk_chars: int = Field(1_000, ge=MIN_CHUNK_CHARS, le=MAX_CHUNK_CHARS)
    overlap_chars: int = Field(150, ge=0, le=MAX_CHUNK_CHARS // 2)
    by_headings: bool = True


class NewTextOrPage(Body):
    """A text, or the address of a page."""

    name: str = Field("", max_length=MAX_NAME)
    text: str | None = Field(None, max_length=MAX_TEXT_CHARS)
    url: str | None = Field(None, max_length=2_000)

    @model_validator(mode="after")
    def _one_of_both(self) -> "NewTextOrPage":
        if (self.text is None) == (self.url is None):
            raise ValueError("give 'text' or 'url'")
        return self


class Search(Body):
    """What to look for."""

    query: str = Field(max_length=10_000)
    top_k: int = Field(5, ge=1, le=100)
    mode: Mode = "hybrid"


class DocumentParams(PageParams):
    """A list's parameters, and which documents."""

    status: Literal["queued", "indexing", "ready", "failed"] | None = None


class ChunkParams(BaseModel):
    """Which chunks."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    limit: int = Field(50, ge=1, le=MAX_LIMIT)
    offset: int = Field(0, ge=0, le=1_000_000_000)


@router.get("", response_model=PageShape[CollectionShape])
async def list_own(page: Paged, user: CurrentUser) -> Response:
    """Your collections, by name."""
    return json_response((await services().knowledge.list(user, page.query())).as_json(Collection.as_json))


@router.post("", status_code=201, response_model=CollectionShape)
async def create(given: NewCollection, user: CurrentUser) -> Response:
    """Set up an empty collection. Its name and how it is cut and embedded stay as they are."""
    made = await services().knowledge.create(user, CollectionSettings(**given.model_dump()))
    return json_response(made.as_json(), 201)


@router.get("/{collection_id}", response_model=CollectionShape)
async def get(collection_id: str, user: CurrentUser) -> Response:
    """One collection."""
    return json_response((await services().knowledge.get(user, collection_id)).as_json())


@router.delete("/{collection_id}", status_code=204)
async def delete(collection_id: str, user: CurrentUser) -> Response:
    """Delete a collection with all it holds."""
    await services().knowledge.delete(user, collection_id)
    return Response(status_code=204)


@router.post("/{collection_id}/search", response_model=ItemsShape[PassageShape])
async def search(collection_id: str, wanted: Search, user: CurrentUser) -> Response:
    """The passages that fit best, best first."""
    found = await services().knowledge.search(user, collection_id, wanted.query, wanted.top_k, wanted.mode)
    return json_response({"items": [passage.as_json() for passage in found]})


@router.get("/{collection_id}/documents", response_model=PageShape[DocumentShape])
async def documents(collection_id: str, page: Annotated[DocumentParams, Query()], user: CurrentUser) -> Response:
    """Its documents, the newest first."""
    found = await services().knowledge.documents(user, collection_id, page.query(), page.status)
    return json_response(found.as_json(Document.as_json))


@router.post("/{collection_id}/documents", status_code=202, response_model=DocumentShape)
async def add(collection_id: str, given: NewTextOrPage, user: CurrentUser) -> Response:
    """Add a text or a page; it is indexed as soon as its turn comes."""
    knowledge = services().knowledge
    if given.url is not None:
        added = await knowledge.add_url(user, collection_id, given.url)
    else:
        added = await knowledge.add_text(user, collection_id, given.name, given.text or "")
    return json_response(added.as_json(), 202)


@router.post("/{collection_id}/documents/files", status_code=202, response_model=ItemsShape[DocumentShape])
async def upload(collection_id: str, files: Annotated[list[UploadFile], File()], user: CurrentUser) -> Response:
    """Add files: txt, md, csv, json, html, pdf, docx, xlsx and any other text; 50 MB each, 64 MB together."""
    read = [(file.filename or "file", await file.read(), file.content_type or "") for file in files]
    added = await services().knowledge.add_files(user, collection_id, read)
    return json_response({"items": [document.as_json() for document in added]}, 202)


@router.get("/{collection_id}/documents/{document_id}", response_model=DocumentShape)
async def document(collection_id: str, document_id: str, user: CurrentUser) -> Response:
    """One document and how far it is."""
    return json_response((await services().knowledge.document(user, collection_id, document_id)).as_json())


@router.delete("/{collection_id}/documents/{document_id}", status_code=204)
async def delete_document(collection_id: str, document_id: str, user: CurrentUser) -> Response:
    """Delete a document with its chunks."""
    await services().knowledge.delete_document(user, collection_id, document_id)
    return Response(status_code=204)


@router.post("/{collection_id}/documents/{document_id}/index", status_code=202, response_model=DocumentShape)
async def index_again(collection_id: str, document_id: str, user: CurrentUser) -> Response:
    """Index a document once more: after a failure, or because a page has changed."""
    return json_response((await services().knowledge.index_again(user, collection_id, document_id)).as_json(), 202)


@router.get("/{collection_id}/documents/{document_id}/chunks", response_model=PageShape[ChunkShape])
async def chunks(
    collection_id: str, document_id: str, page: Annotated[ChunkParams, Query()], user: CurrentUser
) -> Response:
    """What a document was cut into."""
    found = await services().knowledge.chunks(user, collection_id, document_id, page.limit, page.offset)
    return json_response(found.as_json(chunk_json))
