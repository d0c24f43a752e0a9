"""Peers of W4 and W5 as servers: five plain functions with SQLite, and the same five nodes in LangGraph with its saver.

``python -m bench.floor_server floor|langgraph PORT DATABASE``
"""

import asyncio
import queue
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from granian import Granian
from granian.constants import Interfaces
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

SYSTEM, PORT, DATABASE = sys.argv[1:4] if len(sys.argv) > 3 else ("floor", "0", ":memory:")


class Writer(threading.Thread):
    """One thread that commits everything that came meanwhile at once, as AWE's journal does."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(daemon=True)
        self._loop = loop
        self._queue: queue.SimpleQueue[tuple[asyncio.Future[None], list[Any]]] = queue.SimpleQueue()

    def store(self, rows: list[Any]) -> asyncio.Future[None]:
        """Done once the rows are committed."""
        future = self._loop.create_future()
        self._queue.put((future, rows))
        return future

    def run(self) -> None:
        database = sqlite3.connect(DATABASE, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE IF NOT EXISTS rows (execution TEXT, node TEXT, value TEXT)")
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO rows VALUES (?, ?, ?)", [row for _, rows in batch for row in rows])
            database.execute("COMMIT")
            self._loop.call_soon_threadsafe(_finish, [future for future, _ in batch])


def _finish(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    if SYSTEM == "floor":
        app.state.writer = Writer(asyncio.get_running_loop())
        app.state.writer.start()
        yield
        return
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    from bench.workflows import langgraph_five

    async with AsyncSqliteSaver.from_conn_string(DATABASE) as saver:
        app.state.graph = langgraph_five(saver)
        yield


async def execute(request: Request) -> JSONResponse:
    text = (await request.json())["inputs"]["text"]
    execution = uuid4().hex
    if SYSTEM == "floor":
        values = await _five(text)
        rows = [(execution, name, value) for name, value in values.items()]
        await request.app.state.writer.store([*rows, (execution, "", values["result"])])
        result = values["result"]
    else:
        config = {"configurable": {"thread_id": execution}}
        result = (await request.app.state.graph.ainvoke({"text": text}, config))["text"]
    return JSONResponse({"execution_id": execution, "status": "completed", "result": result})


async def _five(text: str) -> dict[str, str]:
    values = {"start": text}
    values["hello"] = f"Hello {text}"
    values["long"] = values["hello"] if "Hello" in values["hello"] else ""
    values["bye"] = f"{values['long']}, goodbye"
    values["result"] = values["bye"]
    return values


async def health(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "healthy"})


app = Starlette(
    routes=[Route("/health", health), Route("/execute", execute, methods=["POST"])],
    lifespan=lifespan,
)

if __name__ == "__main__":
    Granian(
        "bench.floor_server:app", address="127.0.0.1", port=int(PORT), interface=Interfaces.ASGI, log_enabled=False
    ).serve()
