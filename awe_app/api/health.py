"""Is AWE alive, and can it work? For load balancers; no token needed."""

import asyncio

from fastapi import APIRouter, Response

from awe_app.api.deps import json_response
from awe_app.api.shapes import HealthShape, ReadinessShape
from awe_app.services import services

router = APIRouter(prefix="/health", tags=["health"])

PATIENCE_S = 5.0


@router.get("", response_model=HealthShape)
async def health() -> Response:
    """The process answers."""
    return json_response({"status": "healthy"})


@router.get("/ready", response_model=ReadinessShape, responses={503: {"model": ReadinessShape}})
async def ready() -> Response:
    """The parts that AWE needs answer too; 503 when one does not."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            database = await services().accounts.storage_answers()
    except TimeoutError:
        database = False
    body = {"status": "healthy" if database else "unhealthy", "checks": {"database": database}}
    return json_response(body, 200 if database else 503)
