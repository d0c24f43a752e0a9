"""Executions over REST."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi import Path as FromPath
from pydantic import BaseModel, ConfigDict, Field

from awe_app.api.budget import BudgetBody
from awe_app.api.deps import Body, CurrentUser, IdempotencyKey, PageParams, json_response
from awe_app.api.shapes import ExecutionShape, ExecutionSummaryShape, ItemsShape, LogShape, NodeStateShape, PageShape
from awe_app.api.transcript_shapes import TranscriptShape
from awe_app.domain.execution import NodeState, Status, log_entry
from awe_app.domain.ids import ExecutionId, Path, WorkflowId
from awe_app.domain.pages import MAX_LIMIT
from awe_app.domain.signals import EVENT_NAME_PATTERN
from awe_app.domain.stored import ExecutionSummary
from awe_app.domain.transcript import Transcript
from awe_app.services import services

router = APIRouter(prefix="/executions", tags=["executions"])

MAX_SEQ = 2**53


class ExecutionParams(PageParams):
    """A list's parameters, and which executions."""

    workflow_id: str | None = Field(None, max_length=100)
    status: Status | None = None


class NodeParams(BaseModel):
    """Which node instances."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    prefix: str = Field("", max_length=2_000, description="how their paths begin, such as each[3]/")
    limit: int = Field(50, ge=1, le=MAX_LIMIT)
    offset: int = Field(0, ge=0, le=1_000_000_000)


class TranscriptParams(BaseModel):
    """Of which agents."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    node: str = Field("", max_length=2_000, description="how the paths of their nodes begin, such as each[3]/writer")
    limit: int = Field(50, ge=1, le=MAX_LIMIT)
    offset: int = Field(0, ge=0, le=1_000_000_000)


class Answer(Body):
    """A person's answer to an approval."""

    decision: Literal["approved", "rejected"]
    comment: str = Field("", max_length=10_000)
    form: dict[str, Any] = Field(default_factory=dict)


class SentEvent(Body):
    """What an event carries."""

    data: Any = None


class Resume(Body):
    """Where to go on, and with what."""

    from_node: str | None = Field(default=None, max_length=64)
    overrides: dict[str, Any] = Field(
        default={}, description="Outputs by node id, in place of what the nodes would give."
    )
    budget: BudgetBody | None = Field(default=None, description="A new budget; without it, the one the execution has.")


@router.get("", response_model=PageShape[ExecutionSummaryShape])
async def list_own(page: Annotated[ExecutionParams, Query()], user: CurrentUser) -> Response:
    """Your executions, the newest first."""
    workflow_id = WorkflowId(page.workflow_id) if page.workflow_id else None
    found = await services().executions.list(user, page.query(), workflow_id, page.status)
    return json_response(found.as_json(ExecutionSummary.as_json))


@router.get("/{execution_id}", response_model=ExecutionShape)
async def get(execution_id: str, user: CurrentUser) -> Response:
    """One execution with its node states and log."""
    return json_response((await services().executions.get(user, ExecutionId(execution_id))).as_json())


@router.get("/{execution_id}/nodes", response_model=PageShape[NodeStateShape])
async def nodes(execution_id: str, page: Annotated[NodeParams, Query()], user: CurrentUser) -> Response:
    """Its node instances, every pass of every loop included, in the order of their paths."""
    found = await services().executions.nodes(user, ExecutionId(execution_id), page.prefix, page.limit, page.offset)
    return json_response(found.as_json(NodeState.as_json))


@router.get("/{execution_id}/transcript", response_model=PageShape[TranscriptShape])
async def transcript(execution_id: str, page: Annotated[TranscriptParams, Query()], user: CurrentUser) -> Response:
    """What its agents were told, said and did, one item for each node instance, the first to begin first."""
    found = await services().executions.transcripts(user, ExecutionId(execution_id), page.node, page.limit, page.offset)
    return json_response(found.as_json(Transcript.as_json))


@router.get("/{execution_id}/logs", response_model=ItemsShape[LogShape])
async def logs(
    execution_id: str, user: CurrentUser, after_seq: Annotated[int, Query(ge=0, le=MAX_SEQ)] = 0
) -> Response:
    """The log lines whose ``seq`` is above ``after_seq``."""
    lines = await services().executions.logs(user, ExecutionId(execution_id), after_seq)
    return json_response({"items": [log_entry(line) for line in lines]})


@router.post("/{execution_id}/cancel", status_code=202, response_model=ExecutionShape)
async def cancel(execution_id: str, user: CurrentUser) -> Response:
    """Stop an execution, running nodes at once; 409 when it has ended."""
    state = await services().executions.cancel(user, ExecutionId(execution_id))
    return json_response(state.as_json(), 202)


@router.post("/{execution_id}/events/{name}", status_code=202, response_model=ExecutionShape)
async def send(
    execution_id: str,
    name: Annotated[str, FromPath(pattern=EVENT_NAME_PATTERN)],
    sent: SentEvent,
    user: CurrentUser,
) -> Response:
    """Send an event to an execution; a node that waits for it, now or later, takes it. 409 when it has ended."""
    state = await services().executions.send(user, ExecutionId(execution_id), name, sent.data)
    return json_response(state.as_json(), 202)


@router.post("/{execution_id}/resume", status_code=202, response_model=ExecutionShape)
async def resume(
    execution_id: str, user: CurrentUser, body: Resume | None = None, idempotency_key: IdempotencyKey = None
) -> Response:
    """Go on after a failure or a cancellation: finished nodes are not run again.

    With ``from_node`` a new execution begins at that node and reuses what all nodes gave that do not come after it.
    """
    given = body or Resume()
    state = await services().executions.resume(
        user,
        ExecutionId(execution_id),
        given.from_node,
        given.overrides,
        given.budget.budget() if given.budget is not None else None,
        idempotency_key,
    )
    return json_response(state.as_json(), 202)


@router.post("/{execution_id}/approvals/{node_id:path}", response_model=ExecutionShape)
async def answer(execution_id: str, node_id: str, given: Answer, user: CurrentUser) -> Response:
    """Answer an approval, named by its path (``each[3]/ask`` in a loop); 409 when nothing is asked there."""
    state = await services().executions.answer(
        user, ExecutionId(execution_id), Path(node_id), given.decision, given.comment, given.form
    )
    return json_response(state.as_json())
