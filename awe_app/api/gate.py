"""What every request passes before anything else: size, form of the body, headers of the answer.

Pure ASGI: a cost of microseconds. Requests for pages and for Reflex's own socket go by untouched.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from awe_app.api.errors import answer
from awe_app.api.strict_json import check_json
from awe_app.domain.errors import Invalid, TooLarge
from awe_app.services.knowledge import MAX_FILES_BYTES

MAX_BODY_BYTES = 5 * 1024 * 1024
BODY_TIMEOUT_S = 30.0
FILES_TIMEOUT_S = 600.0
_TAKES_FILES = re.compile(r"/api/knowledge/collections/[^/]+/documents/files")
LARGE_BYTES = 64 * 1024
"""From here on a body is checked on a thread."""

PAGE_UPLOADS = "/_upload"
"""Reflex's door for files that pages send. It asks who sends them only after it has read them all."""
MAX_PAGE_UPLOAD_BYTES = MAX_FILES_BYTES + 1024 * 1024
"""With the form around the files."""
UPLOADS = "/api/files"
"""Takes files as they come; it counts for itself what does (``api/files.py``)."""
BODY_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})

PUBLIC_API = frozenset(
    {
        "/api/auth/register",
        "/api/auth/login",
        "/api/auth/refresh",
        "/api/auth/forgot-password",
        "/api/auth/reset-password",
    }
)
"""What under ``/api`` works without a token (CONTRACT §3, Public). Nothing else does."""
PUBLIC_PAGES = frozenset({"/health", "/health/ready", "/docs", "/openapi.json"})

API_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
DOCS_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"x-content-type-options", b"nosniff"),
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
)


class Gate:
    """ASGI middleware around the API; also serves ``/api/v1`` as ``/api`` and turns failures into answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] not in ("http", "websocket") or not (_is_api(path) or path in PUBLIC_PAGES):
            if path.rstrip("/") == PAGE_UPLOADS and scope["type"] == "http" and not _fits(scope):
                response = answer(_too_large(MAX_FILES_BYTES), f"{scope['method']} {PAGE_UPLOADS}")
                await response(scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return
        scope = _canonical(scope)
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        started = False
        headers = DOCS_HEADERS if path == "/docs" else API_HEADERS

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        try:
            await self._app(scope, await _admit(scope, receive), send_with_headers)
        except ClientDisconnect:
            return
        except Exception as error:
            response = answer(error, f"{scope['method']} {scope['path']}")
            if started:
                raise
        else:
            return
        await response(scope, receive, send_with_headers)


def _is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def _canonical(scope: Scope) -> Scope:
    """``/api/v1/…`` is ``/api/…``, and a slash at the end makes no difference."""
    path: str = scope["path"]
    if path == "/api/v1" or path.startswith("/api/v1/"):
        path = "/api" + path.removeprefix("/api/v1")
    path = path.rstrip("/") or "/"
    return scope if path == scope["path"] else {**scope, "path": path, "raw_path": quote(path).encode()}


async def _admit(scope: Scope, receive: Receive) -> Receive:
    """Check the request and give the ``receive`` for what is inside.

    Raises:
        Invalid, TooLarge: the request is refused.
    """
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise Invalid("INVALID", "The address holds a NUL character.", "Leave it out.")
    if scope["method"] not in BODY_METHODS:
        return receive
    headers = dict(reversed(scope["headers"]))  # of one that comes twice the first counts, as everywhere
    if b"authorization" not in headers and scope["path"] not in PUBLIC_API:
        return _once(b"", receive)  # it will be refused: why read what a stranger sends?
    if scope["method"] == "POST" and scope["path"] == UPLOADS:
        return receive
    files = _TAKES_FILES.fullmatch(scope["path"]) is not None
    most = MAX_FILES_BYTES if files else MAX_BODY_BYTES
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(FILES_TIMEOUT_S if files else BODY_TIMEOUT_S):
            body = await _read(receive, most)
    except TimeoutError:
        raise HTTPException(408) from None
    if body and files:
        _check_form(headers)
    elif body:
        _check_content_type(headers)
        if len(body) < LARGE_BYTES:
            check_json(body)
        else:
            await asyncio.to_thread(check_json, body)
    return _once(body, receive)


def _fits(scope: Scope) -> bool:
    """Whether the body says how long it is, as browsers always do, and is not too long."""
    if scope["method"] not in BODY_METHODS:
        return True
    length = dict(reversed(scope["headers"])).get(b"content-length", b"")
    return length.isdigit() and int(length) <= MAX_PAGE_UPLOAD_BYTES


async def _read(receive: Receive, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _check_content_type(headers: Mapping[bytes, bytes]) -> None:
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json" or headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Invalid("INVALID_CONTENT_TYPE", "The body must be plain JSON.", "Send 'Content-Type: application/json'.")


def _check_form(headers: Mapping[bytes, bytes]) -> None:
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"multipart/form-data" or headers.get(b"content-encoding", b"identity").lower() != b"identity":
        hint = "Send 'Content-Type: multipart/form-data'."
        raise Invalid("INVALID_CONTENT_TYPE", "Files are sent as a form, each as a part named 'files'.", hint)


def _too_large(most: int) -> TooLarge:
    return TooLarge("BODY_TOO_LARGE", f"The body is larger than {most // 1024**2} MB.", "Send less at once.")


def _once(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body, then whatever the server says."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
