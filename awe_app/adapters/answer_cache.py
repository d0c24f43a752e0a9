"""Answers of models kept on this machine, for agents that ask to be answered again as before.

One SQLite file in the data directory, shared by the processes of this machine. Its rows are named by a hash and sealed
for their owner. It may be deleted at any time; when it cannot be read or written, models are just asked.
"""

import asyncio
import hashlib
import json
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from awe_app.adapters.crypto import Secrets
from awe_app.domain.errors import Invalid
from awe_app.domain.ids import UserId
from awe_app.domain.models import ChatAnswer, ChatRequest, ToolCall

MAX_AGE_S = 24 * 3600.0
MAX_BYTES = 50_000_000
"""Of all sealed answers together; the oldest go first."""
MAX_ANSWER_BYTES = 1_000_000
_TABLE = """
    CREATE TABLE IF NOT EXISTS answers
        (key TEXT PRIMARY KEY, made_at REAL NOT NULL, size INTEGER NOT NULL, sealed TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS answers_by_age ON answers (made_at, size);
"""

ResultT = TypeVar("ResultT")


class AnswerCache:
    """What models answered to a user's requests. Nothing exists before the first use."""

    def __init__(
        self,
        folder: Path,
        secrets: Secrets,
        max_bytes: int = MAX_BYTES,
        max_age_s: float = MAX_AGE_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = folder / "model_answers.db"
        self._secrets = secrets
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._now = now

    async def get(self, user_id: UserId, key: str) -> ChatAnswer | None:
        """The answer kept under ``request_key``, marked as reused; None if there is none, or it is too old."""
        sealed = await asyncio.to_thread(self._get, key)
        if sealed is None:
            return None
        try:
            kept = json.loads(self._secrets.open(user_id, sealed))
        except Invalid:
            return None  # SECRET_KEY was changed
        calls = tuple(ToolCall(**call) for call in kept["tool_calls"])
        return ChatAnswer(kept["text"], kept["model"], finish_reason=kept["finish"], tool_calls=calls, reused=True)

    async def put(self, user_id: UserId, key: str, answer: ChatAnswer) -> None:
        """Keep an answer; the oldest ones go when there are too many."""
        kept = {
            "text": answer.text,
            "model": answer.model,
            "finish": answer.finish_reason,
            "tool_calls": [asdict(call) for call in answer.tool_calls],
        }
        sealed = self._secrets.seal(user_id, json.dumps(kept))
        if len(sealed) <= MAX_ANSWER_BYTES:
            await asyncio.to_thread(self._put, key, sealed)

    def _get(self, key: str) -> str | None:
        def read(database: sqlite3.Connection) -> str | None:
            query = "SELECT sealed FROM answers WHERE key = ? AND made_at > ?"
            row = database.execute(query, (key, self._now() - self._max_age_s)).fetchone()
            return row[0] if row else None

        return self._with_file(read)

    def _put(self, key: str, sealed: str) -> None:
        now = self._now()

        def write(database: sqlite3.Connection) -> None:
            database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", (key, now, len(sealed), sealed))
            database.execute("DELETE FROM answers WHERE made_at <= ?", (now - self._max_age_s,))
            (size,) = database.execute("SELECT total(size) FROM answers").fetchone()
            if size > self._max_bytes:
                newer = "SELECT key, sum(size) OVER (ORDER BY made_at DESC, key) AS upto FROM answers"
                query = f"DELETE FROM answers WHERE key IN (SELECT key FROM ({newer}) WHERE upto > ?)"  # noqa: S608
                database.execute(query, (self._max_bytes,))

        self._with_file(write)

    def _with_file(self, work: Callable[[sqlite3.Connection], ResultT]) -> ResultT | None:
        """Do something in a transaction; None, and a line in the log, when the file cannot be used."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=1.0)) as database:
                self._path.chmod(0o600)
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(_TABLE)
                with database:
                    return work(database)
        except (sqlite3.Error, OSError) as error:
            logging.getLogger(__name__).warning("%s: %s; models are asked again", self._path.name, error)
            return None


def request_key(user_id: UserId, model: tuple[str | None, ...], request: ChatRequest) -> str:
    """What the same request of the same user to the same model is kept under."""
    digest = hashlib.sha256()
    messages: list[Any] = []
    for message in request.messages:
        files = [(file.name, file.media_type, hashlib.sha256(file.data).hexdigest()) for file in message.attachments]
        calls = [asdict(call) for call in message.tool_calls]
        messages.append([message.role, message.content, calls, message.tool_call_id, files])
    tools = [[tool.name, tool.description, dict(tool.parameters)] for tool in request.tools]
    schema = dict(request.output_schema) if request.output_schema is not None else None
    parts = [user_id, list(model), messages, request.temperature, request.max_tokens, schema, tools]
    digest.update(json.dumps(parts, sort_keys=True).encode())
    return digest.hexdigest()
