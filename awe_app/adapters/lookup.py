"""Reading small rows by key, for what every request asks: many who ask at once are answered by one statement."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from awe_app.adapters.db import Database

Row = tuple[Any, ...]
Rows = Mapping[str, Row]
Asked = dict[str, list[asyncio.Future[Row | None]]]
Read = Callable[[Connection, Sequence[str]], Rows]
"""Reads the rows of all these keys; those that are not there are left out."""


class Lookup:
    """Rows by key, never older than the question: who asks while a read is under way is answered by the next one."""

    def __init__(self, database: Database, read: Read) -> None:
        self._database = database
        self._read = read
        self._asked: Asked = {}
        self._reading = False

    async def row(self, key: str) -> Row | None:
        """The row as it is now, or None.

        Raises:
            Unavailable: ``STORAGE_ERROR``.
        """
        answer: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(key, []).append(answer)
        if not self._reading:
            self._begin()
        return await answer

    def _begin(self) -> None:
        asked, self._asked = self._asked, {}
        try:
            read = self._database.read(lambda connection: self._read(connection, list(asked)))
        except RuntimeError as error:  # the database was closed meanwhile
            _tell(asked, error)
            return
        self._reading = True
        read.add_done_callback(partial(self._answer, asked))

    def _answer(self, asked: Asked, read: asyncio.Future[Rows]) -> None:
        self._reading = False
        if self._asked:
            self._begin()
        error = read.exception()
        _tell(asked, read.result() if error is None else error)


def _tell(asked: Asked, outcome: Rows | BaseException) -> None:
    for key, answers in asked.items():
        for answer in answers:
            if answer.done():  # who asked is gone
                continue
            if isinstance(outcome, BaseException):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome.get(key))
