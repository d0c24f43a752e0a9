"""Workflows over REST."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi import Body as JsonBody
from pydantic import Field

from awe_app.api.budget import BudgetBody
from awe_app.api.deps import Body, CurrentUser, IdempotencyKey, Paged, json_response
from awe_app.api.shapes import DeletedShape, ExecutionShape, PageShape, ValidationShape, WorkflowShape
from awe_app.domain.errors import Invalid
from awe_app.domain.ids import NodeId, WorkflowId
from awe_app.domain.stored import StoredWorkflow
from awe_app.domain.tickets import Priority, PriorityName
from awe_app.services import services

router = APIRouter(prefix="/workflows", tags=["workflows"])

MAX_VERSION = 2**31 - 1
MAX_IDS = 1_000
MAX_WAIT_S = 300

_VERSION = re.compile(r'(?:W/)?"(\d{1,10})"|(\d{1,10})', re.ASCII)

WorkflowFile = Annotated[
    dict[str, Any],
    JsonBody(
        description="A workflow file; 'is_public' may stand beside its keys.",
        examples=[{"name": "Greeting", "nodes": [{"id": "start", "type": "input"}], "edges": []}],
    ),
]


class Ids(Body):
    """Which workflows."""

    ids: list[Annotated[str, Field(max_length=100)]] = Field(max_length=MAX_IDS)


class Execute(Body):
    """What the execution is given: values for the input node's fields, and which of the user's goes first."""

    inputs: dict[str, Any] = {}
    priority: PriorityName = "normal"
    until: str | None = Field(
        default=None, max_length=64, description="Run this node and what it needs; end with its value."
    )
    pins: dict[str, Any] = Field(default={}, description="Outputs by node id; these nodes are not run.")
    budget: BudgetBody = BudgetBody()


@router.post("", status_code=201, response_model=WorkflowShape)
async def create(raw: WorkflowFile, user: CurrentUser) -> Response:
    """Store a new workflow. Drafts may be unfinished (see ``issues``), but not malformed."""
    return _with_etag(await services().workflows.create(user, raw), 201)


@router.get("", response_model=PageShape[WorkflowShape])
async def list_own(page: Paged, user: CurrentUser) -> Response:
    """Your workflows."""
    found = await services().workflows.list(user, page.query())
    return json_response(found.as_json(StoredWorkflow.as_json))


@router.post("/bulk-delete", response_model=DeletedShape)
async def bulk_delete(body: Ids, user: CurrentUser) -> Response:
    """Delete several of your workflows."""
    deleted, not_found = await services().workflows.bulk_delete(user, [WorkflowId(i) for i in body.ids])
    return json_response({"deleted": list(deleted), "not_found": list(not_found)})


@router.post("/validate", response_model=ValidationShape)
async def validate(raw: WorkflowFile, user: CurrentUser) -> Response:
    """Say what is wrong with a workflow file. Nothing is run or stored."""
    issues = services().workflows.check(raw)
    valid = not any(issue.severity == "error" for issue in issues)
    return json_response({"valid": valid, "issues": [issue.as_json() for issue in issues]})


@router.get("/{workflow_id}", response_model=WorkflowShape)
async def get(workflow_id: str, user: CurrentUser) -> Response:
    """One workflow. Its ``ETag`` is the version that ``If-Match`` takes."""
    return _with_etag(await services().workflows.get(user, WorkflowId(workflow_id)))


@router.put("/{workflow_id}", response_model=WorkflowShape)
async def update(
    workflow_id: str,
    raw: WorkflowFile,
    user: CurrentUser,
    if_match: Annotated[str | None, Header(description="The version you read; 409 when it is stale.")] = None,
) -> Response:
    """Replace a workflow. Without ``If-Match`` the last write wins."""
    expected = _version(if_match)
    return _with_etag(await services().workflows.update(user, WorkflowId(workflow_id), raw, expected))


@router.delete("/{workflow_id}", status_code=204)
async def delete(workflow_id: str, user: CurrentUser) -> Response:
    """Delete a workflow; its executions stay."""
    await services().workflows.delete(user, WorkflowId(workflow_id))
    return Response(status_code=204)


@router.post(
    "/{workflow_id}/execute",
    status_code=202,
    response_model=ExecutionShape,
    responses={200: {"model": ExecutionShape, "description": "It ended within 'wait' seconds"}},
)
async def execute(
    workflow_id: str,
    user: CurrentUser,
    body: Execute | None = None,
    wait: Annotated[float | None, Query(ge=0, le=MAX_WAIT_S, allow_inf_nan=False)] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Start a workflow; with ``wait``, answer when it has ended or after so many seconds."""
    executions = services().executions
    given = body or Execute()
    priority = Priority.named(given.priority)
    state = await executions.start(
        user,
        WorkflowId(workflow_id),
        given.inputs,
        idempotency_key,
        priority,
        until=NodeId(given.until) if given.until is not None else None,
        pins=given.pins,
        budget=given.budget.budget(),
    )
    if wait:
        state = await executions.wait(user, state.execution_id, wait)
    return json_response(state.as_json(), 200 if wait and state.ended else 202)


def _with_etag(stored: StoredWorkflow, status: int = 200) -> Response:
    return json_response(stored.as_json(), status, {"ETag": f'"{stored.version}"'})


def _version(if_match: str | None) -> int | None:
    """The version of an ``If-Match`` header; ``*`` takes any."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _VERSION.fullmatch(if_match.strip())
    version = int(found[1] or found[2]) if found else 0
    if not 0 < version <= MAX_VERSION:
        raise Invalid("INVALID", "If-Match: it must be the version of the workflow.", 'Send a number such as "3".')
    return version
