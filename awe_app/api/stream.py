"""An execution as it happens, over WebSocket (CONTRACT §4).

Close codes: 1000 complete, 4400 ``after_seq`` is no number, 4401 not signed in (any more), 4403 foreign origin or not
allowed, 4404 unknown or not visible, 1011 AWE failed. The connection is always accepted first, because a browser
does not learn the code of one that was refused.
"""

import asyncio
import json
import logging
from contextlib import aclosing
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from awe_app.api.deps import user_of
from awe_app.domain.accounts import User
from awe_app.domain.errors import Forbidden, NotFound, Unauthorized
from awe_app.domain.ids import ExecutionId
from awe_app.services import services

logger = logging.getLogger(__name__)
router = APIRouter()

TOKEN_TIMEOUT_S = 5.0
MAX_TOKEN_MESSAGE_CHARS = 8_192
RECHECK_S = 15.0
"""How often an open connection's token is looked at again."""
SEND_TIMEOUT_S = 30.0
"""A viewer that takes nothing for so long is dropped."""


class _Over(Exception):
    """The conversation is over; None says that the client has left already."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@router.websocket("/ws/executions/{execution_id}")
async def follow(socket: WebSocket, execution_id: str) -> None:
    """Everything after ``after_seq``, then live, until the execution is complete."""
    await socket.accept()
    try:
        await _converse(socket, ExecutionId(execution_id))
    except* _Over as group:
        over = group.exceptions[0]
        if isinstance(over, _Over):
            await _close(socket, over.code, over.reason)
    except* (WebSocketDisconnect, OSError):
        pass
    except* NotFound:
        await _close(socket, 4404, "no such execution")
    except* Unauthorized:
        await _close(socket, 4401, "not signed in")
    except* Forbidden:
        await _close(socket, 4403, "not allowed")
    except* Exception as group:
        logger.error("following execution failed", exc_info=group)
        await _close(socket, 1011, "AWE failed; connect again")


async def _converse(socket: WebSocket, execution_id: ExecutionId) -> None:
    if not _origin_allowed(socket):
        raise _Over(4403, "this origin is not allowed; see CORS_ORIGINS")
    token = await _token(socket)
    user = await user_of(token, socket)
    after_seq = _after_seq(socket)
    async with asyncio.TaskGroup() as tasks:  # the first to end, by raising, ends the others at once
        tasks.create_task(_send(socket, user, execution_id, after_seq))
        tasks.create_task(_listen(socket))
        tasks.create_task(_recheck(token, socket))


async def _send(socket: WebSocket, user: User, execution_id: ExecutionId, after_seq: int) -> None:
    async with aclosing(services().executions.follow(user, execution_id, after_seq)) as messages:
        async for message in messages:
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await socket.send_text(json.dumps(message.as_json(), allow_nan=False))
            except TimeoutError:
                raise _Over(1008, "too slow") from None
    raise _Over(1000, "complete")


async def _listen(socket: WebSocket) -> None:
    """Notice at once when the client leaves; whatever else it sends is of no interest."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    raise _Over(None)


async def _recheck(token: str, socket: WebSocket) -> None:
    """End when the token expires, or its session or key is ended."""
    while True:
        await asyncio.sleep(RECHECK_S)
        await user_of(token, socket)


async def _token(socket: WebSocket) -> str:
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    try:
        async with asyncio.timeout(TOKEN_TIMEOUT_S):
            message = await socket.receive()
    except TimeoutError:
        raise _Over(4401, 'send {"token": "..."} first') from None
    if message["type"] == "websocket.disconnect":
        raise _Over(None)
    text = message.get("text") or ""
    try:
        said = json.loads(text) if len(text) <= MAX_TOKEN_MESSAGE_CHARS else None
    except (ValueError, RecursionError):
        said = None
    token = said.get("token") if isinstance(said, dict) else None
    if not isinstance(token, str):
        raise _Over(4401, 'send {"token": "..."} first')
    return token


def _after_seq(socket: WebSocket) -> int:
    text = socket.query_params.get("after_seq", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise _Over(4400, "after_seq must be a whole number from 0")
    return int(text)


def _origin_allowed(socket: WebSocket) -> bool:
    """A page of another site may not use the visitor's browser to connect; programs send no origin."""
    origin = socket.headers.get("origin")
    if origin is None or origin in socket.app.state.origins:
        return True
    return urlsplit(origin).netloc.lower() == socket.headers.get("host", "").lower() != ""


async def _close(socket: WebSocket, code: int | None, reason: str) -> None:
    if code is None or WebSocketState.DISCONNECTED in (socket.client_state, socket.application_state):
        return
    try:
        await socket.close(code, reason)
    except (RuntimeError, OSError, WebSocketDisconnect):
        logger.debug("the viewer left before the connection was closed")
