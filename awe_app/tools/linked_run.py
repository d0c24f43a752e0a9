"""Running another workflow and waiting for its end: one way for the sub-workflow node and the workflow tool."""

from collections.abc import Callable, Mapping
from typing import Any

from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.events import NodeWaiting
from awe_app.domain.models import Usage
from awe_app.domain.protocols import ChildExecutions, ChildRequest


async def run_linked(
    executions: ChildExecutions,
    request: ChildRequest,
    *,
    waiting: NodeWaiting | None,
    signal: Mapping[str, Any] | None,
    spend: Callable[[Usage], None],
    log: Callable[..., None],
) -> Any:
    """Its result. Called first it starts the execution and waits; called again with what woke the caller, it looks.

    Raises:
        Paused: reason ``execution``, data ``{execution_id, workflow_id}``.
        NodeFailed: ``SUBWORKFLOW_FAILED``, ``SUBWORKFLOW_CANCELLED``, and what ``ChildExecutions.start`` raises.
    """
    if waiting is None:
        child = await executions.start(request)
        log("Started a sub-workflow", execution_id=child, workflow_id=request.workflow_id)
        raise Paused("execution", None, {"execution_id": child, "workflow_id": request.workflow_id})
    child = (waiting.data or {}).get("execution_id")
    if signal is None or signal.get("execution_id") != child:
        raise Paused(waiting.reason, None, waiting.data)
    return _result(signal, spend)


def _result(report: Mapping[str, Any], spend: Callable[[Usage], None]) -> Any:
    spend(Usage(**report["usage"]))
    if report["status"] == "completed":
        return report["result"]
    if report["status"] == "cancelled":
        raise NodeFailed("SUBWORKFLOW_CANCELLED", f"execution {report['execution_id']} was cancelled")
    error = report["error"] or {}
    detail = f"execution {report['execution_id']} failed: {error.get('code')}: {error.get('detail')}"
    raise NodeFailed("SUBWORKFLOW_FAILED", detail, retryable=True)
