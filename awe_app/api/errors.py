"""Everything that goes wrong becomes one form of answer here: ``{"detail", "error_code", "timestamp"}``.

Never an echo of what was sent, never anything of the inside of the server.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from awe_app.domain.errors import (
    AweError,
    Conflict,
    Forbidden,
    Invalid,
    Issue,
    NotFound,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
)
from awe_app.domain.ids import iso, utc_now

logger = logging.getLogger(__name__)

STATUS_OF: Mapping[type[AweError], int] = {
    NotFound: 404,
    Unauthorized: 401,
    Forbidden: 403,
    Conflict: 409,
    Invalid: 400,
    TooLarge: 413,
    TooMany: 429,
    Unavailable: 503,
}

OF_STATUS = {
    400: ("INVALID", "The request cannot be understood."),
    401: ("NOT_SIGNED_IN", "You are not signed in. Send the header 'Authorization: Bearer <token>'."),
    403: ("FORBIDDEN", "You may not do this."),
    404: ("NOT_FOUND", "There is nothing at this address. See /docs for what there is."),
    405: ("METHOD_NOT_ALLOWED", "This address does not take this method. See /docs for what it takes."),
    408: ("TOO_SLOW", "The request took too long to arrive. Send it again."),
    413: ("TOO_LARGE", "The request is too large."),
}
"""Code and text for what HTTP itself knows."""

FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
MAX_FINDINGS = 20

REASONS = {
    "missing": "it is required",
    "extra_forbidden": "there is no such field; leave it out",
    "string_pattern_mismatch": "it has characters that are not allowed here",
    "model_attributes_type": "it must be an object",
    "model_type": "it must be an object",
    "dict_type": "it must be an object",
    "string_type": "it must be text",
    "bool_type": "it must be true or false",
    "list_type": "it must be a list",
    "int_parsing": "it must be a whole number",
    "float_parsing": "it must be a number",
    "literal_error": "it must be {expected}",
    "greater_than_equal": "it must be at least {ge}",
    "less_than_equal": "it must be at most {le}",
    "string_too_long": "it may have at most {max_length} characters",
    "string_too_short": "it must have at least {min_length} characters",
    "too_long": "it may have at most {max_length} entries",
    "finite_number": "it must be a finite number",
}
"""pydantic's kinds of findings, in words that hold nothing of what was sent."""


def error_response(
    status: int,
    code: str,
    detail: str,
    issues: Sequence[Issue] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error in the form of CONTRACT §3."""
    body: dict[str, Any] = {"detail": detail, "error_code": code, "timestamp": iso(utc_now())}
    if issues:
        body["issues"] = [issue.as_json() for issue in issues]
    return Response(json.dumps(body), status, headers, media_type="application/json")


def answer(error: Exception, where: str = "a request") -> Response:
    """The answer to any exception; what nobody foresaw is a 500 that says nothing, and goes to the log in full."""
    if isinstance(error, AweError):
        status = next((STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), None)
        if status is not None:
            return _of_awe_error(status, error, where)
    if isinstance(error, RequestValidationError):
        return _of_findings(error)
    if isinstance(error, HTTPException):
        return of_status(error.status_code, error.headers)
    logger.error("%s failed", where, exc_info=error)
    return error_response(500, "INTERNAL_ERROR", "AWE failed. The server's log says why; please try again.")


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to what HTTP itself refuses, such as an unknown address or method."""
    code, detail = OF_STATUS.get(status, ("HTTP_ERROR", f"HTTP {status}."))
    return error_response(status, code, detail, headers=headers)


def install(app: FastAPI) -> None:
    """Let every error of ``app`` be answered by ``answer``."""

    async def handle(request: Request, error: Exception) -> Response:
        return answer(error, f"{request.method} {request.url.path}")

    for kind in (AweError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)


def _of_awe_error(status: int, error: AweError, where: str) -> Response:
    headers: dict[str, str] = {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    if status >= 500:
        logger.error("%s answered %d: %s", where, status, error, exc_info=error)
    detail = " ".join(_sentence(text) for text in (error.detail, error.hint) if text)
    return error_response(status, error.code, detail, getattr(error, "issues", ()), headers)


def _of_findings(error: RequestValidationError) -> Response:
    findings = [_finding(found) for found in error.errors()[:MAX_FINDINGS]]
    detail = " ".join(issue.message for issue in findings) or OF_STATUS[400][1]
    return error_response(400, "INVALID", detail, findings)


def _finding(found: Mapping[str, Any]) -> Issue:
    """One finding of pydantic without the value it is about."""
    source, *place = found["loc"]
    # A key is somebody's input too: only what looks like a name is said again.
    names = [str(part) if FIELD_NAME.fullmatch(str(part)) or isinstance(part, int) else "?" for part in place]
    field = ".".join(names) or ("body" if source == "body" else str(source))
    reason = REASONS.get(found["type"], "it is not valid here").format_map(found.get("ctx") or {})
    return Issue("error", "INVALID", _sentence(f"{field}: {reason}"), field=field)


def _sentence(text: str) -> str:
    text = text.rstrip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
