"""Is AWE alive, and can it work? For load balancers; no token needed."""

from fastapi import APIRouter, Response

from awe_app.api.deps import json_response
from awe_app.api.shapes import HealthShape, ReadinessShape
from awe_app.services import services

router = APIRouter(prefix="/health", tags=["health"])


@router.get("", response_model=HealthShape)
async def health() -> Response:
    """The process answers."""
    return json_response({"status": "healthy"})


@router.get("/ready", response_model=ReadinessShape, responses={503: {"model": ReadinessShape}})
async def ready() -> Response:
    """The parts that AWE needs answer too; 503 when one does not."""
    checks = await services().readiness.checks()
    ready = all(checks.values())
    return json_response({"status": "healthy" if ready else "unhealthy", "checks": checks}, 200 if ready else 503)
