"""What answers look like, for OpenAPI. Nothing is validated against these at run time."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from awe_app.domain.execution import NodeStatus, Status
from awe_app.domain.sharing import PermissionName
from awe_app.domain.workflow import Edge, InputMapping, Position, Retry

ItemT = TypeVar("ItemT")


class IssueShape(BaseModel):
    """One finding about one node or field."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    node_id: str | None
    field: str | None


class ErrorShape(BaseModel):
    """Every error."""

    detail: str
    error_code: str
    timestamp: str
    issues: list[IssueShape] = []


class PageShape(BaseModel, Generic[ItemT]):
    """One page of a list."""

    items: list[ItemT]
    total: int
    limit: int
    offset: int


class ItemsShape(BaseModel, Generic[ItemT]):
    """A whole list."""

    items: list[ItemT]


class UserShape(BaseModel):
    """An account."""

    id: str
    username: str
    email: str
    created_at: str


class TokensShape(BaseModel):
    """What signing in gives."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"]
    expires_in: int
    user: UserShape


class NodeShape(BaseModel):
    """A node; its settings stand under ``<type>_config``."""

    model_config = ConfigDict(extra="allow")

    id: str
    type: str
    name: str
    position: Position
    parent_id: str | None
    inputs: list[InputMapping]
    retry: Retry | None
    timeout_s: float | None
    on_error: Literal["fail", "continue", "branch"]
    default_output: Any
    disabled: bool


class WorkflowFileShape(BaseModel):
    """A workflow file."""

    schema_version: Literal[1]
    name: str
    description: str | None
    variables: dict[str, Any]
    nodes: list[NodeShape]
    edges: list[Edge]


class WorkflowShape(WorkflowFileShape):
    """A stored workflow: the file and what the server adds."""

    id: str
    owner_id: str
    is_public: bool
    version: int
    created_at: str
    updated_at: str
    issues: list[IssueShape]


class SharedWorkflowShape(WorkflowShape):
    """A workflow that somebody else shares."""

    workflow_id: str
    share_id: str
    owner: str
    permission: PermissionName
    shared_at: str
    expires_at: str = ""
    """Only where the share has an end."""


class ShareShape(BaseModel):
    """A workflow shared with a user."""

    id: str
    workflow_id: str
    user: str
    permission: PermissionName
    created_at: str
    expires_at: str = ""
    """Only where the share has an end."""


class DeletedShape(BaseModel):
    """What a bulk delete did."""

    deleted: list[str]
    not_found: list[str]


class ValidationShape(BaseModel):
    """What is wrong with a workflow file."""

    valid: bool
    issues: list[IssueShape]


class UsageShape(BaseModel):
    """Tokens and money spent."""

    prompt_tokens: int
    completion_tokens: int
    cost_usd: float


class WaitingShape(BaseModel):
    """What a node waits for; ``data`` holds an approval's message, form and assignees."""

    reason: str
    until: str | None
    data: dict[str, Any] | None


class NodeStateShape(BaseModel):
    """How one node instance stands; ``waiting`` is there only while it waits."""

    node_id: str
    path: str
    status: NodeStatus
    input: dict[str, Any] | None
    output: Any
    error: dict[str, Any] | None
    started_at: str | None
    completed_at: str | None
    attempts: int
    usage: UsageShape
    waiting: WaitingShape | None = None


class LogShape(BaseModel):
    """One line of an execution's log."""

    seq: int
    timestamp: str
    level: Literal["debug", "info", "warning", "error"]
    node_id: str | None
    message: str
    data: dict[str, Any] | None


class ExecutionSummaryShape(BaseModel):
    """An execution as the list shows it."""

    execution_id: str
    workflow_id: str | None
    workflow_name: str
    user_id: str | None
    status: Status
    result: Any
    error: dict[str, Any] | None
    usage: dict[str, Any]
    created_at: str
    started_at: str | None
    completed_at: str | None


class ExecutionShape(BaseModel):
    """A whole execution; ``node_states`` is keyed by path."""

    execution_id: str
    workflow_id: str | None
    user_id: str | None
    status: Status
    current_node: str | None
    node_states: dict[str, NodeStateShape]
    variables: dict[str, Any]
    result: Any
    error: dict[str, Any] | None
    started_at: str | None
    completed_at: str | None
    usage: UsageShape
    logs: list[LogShape]


class TemplateShape(BaseModel):
    """A workflow to start from."""

    id: str
    name: str
    description: str
    category: str
    icon: str
    collections: list[str]
    """Collections that are set up when the template is used."""
    workflow: WorkflowFileShape


class PortShape(BaseModel):
    """One connection point."""

    name: str
    title: str


class NodeTypeShape(BaseModel):
    """A node type."""

    type: str
    title: str
    category: str
    description: str
    icon: str
    inputs: list[PortShape]
    outputs: list[PortShape]
    effectful: bool
    config_schema: dict[str, Any]


class ToolShape(BaseModel):
    """A tool, for the tool node and for agents."""

    name: str
    description: str
    parameters: dict[str, Any]
    requires_approval: bool
    settings: dict[str, Any]
    """JSON Schema of how an agent or a tool node may set it."""
    reads_untrusted: bool
    reads_private: bool
    sends_out: bool


class SecretShape(BaseModel):
    """A secret; its value is never shown."""

    name: str
    last4: str | None
    hosts: list[str]
    created_at: str
    updated_at: str


class ModelShape(BaseModel):
    """A language model."""

    id: str
    provider: str
    name: str
    context_tokens: int | None
    abilities: list[str]
    local: bool
    default: bool
    price_usd_per_million: list[float] | None
    """Of prompt and of answered tokens."""


class ProviderTestShape(BaseModel):
    """Whether a provider answers."""

    ok: bool
    latency_ms: float | None
    error: str | None


class OfferedModelsShape(BaseModel):
    """What a provider says it has."""

    models: list[str]


class AcceptedShape(BaseModel):
    """It is taken care of."""

    detail: str


class ApiKeyShape(BaseModel):
    """A key for scripts."""

    id: str
    name: str
    scopes: list[str]
    key_last4: str
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class NewApiKeyShape(ApiKeyShape):
    """A key for scripts when it is made."""

    key: str
    """Shown this once."""


class HealthShape(BaseModel):
    """Whether AWE is well."""

    status: Literal["healthy", "unhealthy"]


class ReadinessShape(HealthShape):
    """Whether AWE can work, part by part."""

    checks: dict[str, bool]
