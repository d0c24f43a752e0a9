"""Users' files over REST: streamed to disk, given back as downloads and never shown."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.types import Message, Receive

from awe_app.api.deps import CurrentUser, json_response
from awe_app.api.shapes import ItemsShape
from awe_app.domain.errors import Invalid, TooLarge
from awe_app.services import services

UPLOAD_TIMEOUT_S = 600.0
_ROOM_BYTES = 64 * 1024
"""For what a form writes around a file."""

router = APIRouter(prefix="/files", tags=["files"])


class FileShape(BaseModel):
    """One of your files."""

    name: str
    size_bytes: int
    modified_at: str


@router.get("", response_model=ItemsShape[FileShape])
async def files(user: CurrentUser) -> Response:
    """Your files, by name."""
    return json_response({"items": await services().files.list(user)})


@router.post("", response_model=FileShape, status_code=201)
async def upload(request: Request, user: CurrentUser, name: Annotated[str, Query(max_length=1000)] = "") -> Response:
    """Keep a file: the body itself with `?name=`, or a form (multipart) of one file. The same name replaces."""
    most = services().files.max_bytes + _ROOM_BYTES
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise _too_large()
    limited = Request(request.scope, _at_most(request.receive, most))
    try:
        async with asyncio.timeout(UPLOAD_TIMEOUT_S):
            if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
                async with limited.form(max_files=1, max_fields=10) as form:
                    sent = [part for part in form.values() if isinstance(part, UploadFile)]
                    if len(sent) != 1:
                        raise Invalid("INVALID", "The form holds no file.", "Send one file in it.")
                    saved = await services().files.save(user, name or sent[0].filename or "", _chunks(sent[0]))
            else:
                saved = await services().files.save(user, name, limited.stream())
    except TimeoutError:
        raise HTTPException(408) from None
    return json_response(saved, 201)


@router.get("/{file_name:path}", response_class=FileResponse)
async def download(file_name: str, user: CurrentUser) -> Response:
    """The file, to be saved: browsers do not show it."""
    path = await services().files.find(user, file_name)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


@router.delete("/{file_name:path}", status_code=204)
async def delete(file_name: str, user: CurrentUser) -> Response:
    """Delete a file."""
    await services().files.delete(user, file_name)
    return Response(status_code=204)


async def _chunks(part: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await part.read(256 * 1024):
        yield chunk


def _at_most(receive: Receive, most: int) -> Receive:
    """The same, until more than that has come."""
    came = 0

    async def counted() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > most:
            raise _too_large()
        return message

    return counted


def _too_large() -> TooLarge:
    most = services().files.max_bytes // 1024**2
    return TooLarge(
        "FILE_TOO_LARGE", f"A file may have {most} MB at most.", "AWE_MAX_UPLOAD_MB is the operator's limit."
    )
