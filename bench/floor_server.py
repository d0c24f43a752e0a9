"""Peers of W4 and W5 as servers: five plain functions with SQLite, and the same five nodes in LangGraph with its saver.

``floor`` shares commits, ``single`` makes one transaction for each execution and does not sync it.

``python -m bench.floor_server floor|single|langgraph PORT DATABASE``
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from granian import Granian
from granian.constants import Interfaces
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.floor import Writer

SYSTEM, PORT, DATABASE = sys.argv[1:4] if len(sys.argv) > 3 else ("floor", "0", ":memory:")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    if SYSTEM != "langgraph":
        how = {"synchronous": "NORMAL", "largest_batch": 1} if SYSTEM == "single" else {}
        app.state.writer = Writer(asyncio.get_running_loop(), DATABASE, **how)
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
    if SYSTEM != "langgraph":
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
