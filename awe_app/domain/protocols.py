"""What the inner layers need from outside, said as protocols; ``adapters/`` fulfils them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from awe_app.domain.documents import DocumentParser
from awe_app.domain.errors import Unavailable
from awe_app.domain.events import Event, TextStreamed
from awe_app.domain.files import UserFiles
from awe_app.domain.http import OutboundHttp
from awe_app.domain.ids import ExecutionId, UserId, WorkflowId
from awe_app.domain.knowledge import KnowledgeBase
from awe_app.domain.mcp import McpServers
from awe_app.domain.memory import LongTermMemory
from awe_app.domain.models import ModelDirectory
from awe_app.domain.options import Parent
from awe_app.domain.sandbox import Sandbox
from awe_app.domain.secrets import UserSecrets


class _Absent:
    """Stands where a part was not built in: whoever asks it for anything is told so."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise Unavailable("NOT_BUILT_IN", f"this AWE was put together without {self._what}")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a node may use beside its inputs. What is not given raises ``Unavailable`` when it is used."""

    models: ModelDirectory
    http: OutboundHttp = field(default_factory=lambda: _absent("an HTTP client"))
    executions: "ChildExecutions" = field(default_factory=lambda: _absent("sub-workflows"))
    sandbox: Sandbox = field(default_factory=lambda: _absent("a sandbox"))
    files: UserFiles = field(default_factory=lambda: _absent("users' files"))
    secrets: UserSecrets = field(default_factory=lambda: _absent("users' secrets"))
    documents: DocumentParser = field(default_factory=lambda: _absent("a reader of documents"))
    knowledge: KnowledgeBase = field(default_factory=lambda: _absent("a knowledge base"))
    memory: LongTermMemory = field(default_factory=lambda: _absent("a long-term memory"))
    mcp: McpServers = field(default_factory=lambda: _absent("MCP servers"))


def _absent(what: str) -> Any:
    return _Absent(what)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildRequest:
    """What a node asks for when it runs another workflow."""

    parent: Parent
    """Each one has one child at a time: a node that runs several gives each a path of its own (``answer_key``)."""
    user_id: UserId | None
    """Who runs the parent, and so the child."""
    workflow_id: WorkflowId
    inputs: Mapping[str, object]
    attached: bool = True
    """The node waits for its end, and its end comes with the parent's at the latest."""


@dataclass(frozen=True, slots=True)
class ChildWorkflow:
    """What a workflow says of itself to whoever may run it."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of its inputs."""


class ChildExecutions(Protocol):
    """Running a workflow as a node of another one."""

    async def describe(self, user_id: UserId | None, workflow_id: WorkflowId) -> ChildWorkflow:
        """What the workflow is, and what it wants. Raises NodeFailed ``WORKFLOW_NOT_FOUND``, ``INVALID_WORKFLOW``."""
        ...

    async def start(self, request: ChildRequest) -> ExecutionId:
        """Start it; asked again by the same node instance, give the same one, unless that one failed.

        When an attached one ends, the parent's node gets the signal ``{execution_id, status, result, error, usage}``.

        Raises:
            NodeFailed: ``WORKFLOW_NOT_FOUND``, ``TOO_DEEP``, ``INVALID_WORKFLOW``, ``INVALID_INPUT``.
        """
        ...


class Recorder(Protocol):
    """Write access to the journal of one execution, held by the process that drives it."""

    def append(self, event: Event) -> None:
        """Queue the event; events become durable in order, many in one commit, and are then published."""
        ...

    async def durable(self, seq: int) -> None:
        """Return once every event up to ``seq`` is stored.

        Raises:
            Fenced: another process took the execution over, or it has ended.
            Unavailable: the database refused the write (``STORAGE_ERROR``).
        """
        ...


class Journal(Protocol):
    """Where events are kept; the truth."""

    def recorder(self, execution_id: ExecutionId, epoch: int) -> Recorder:
        """Write access for the holder of ``epoch``."""
        ...

    async def read(self, execution_id: ExecutionId, after_seq: int = 0) -> Sequence[Event]:
        """All stored events after ``after_seq``, in order."""
        ...


class Bus(Protocol):
    """Tells viewers what happened. May forget; the journal may not."""

    def publish(self, execution_id: ExecutionId, event: Event | TextStreamed) -> None:
        """Hand the event to everyone who listens now; never waits."""
        ...

    def subscribe(self, execution_id: ExecutionId) -> "Subscription":
        """Listen from now on; use it as a context manager."""
        ...


class Subscription(Protocol):
    """One listener. Iterates what was published since; ``LaggedBehind`` when it read too slowly."""

    def __enter__(self) -> "Subscription": ...
    def __exit__(self, *exc: object) -> None: ...
    def __aiter__(self) -> AsyncIterator[Event | TextStreamed]: ...
    async def __anext__(self) -> Event | TextStreamed: ...


class LaggedBehind(Exception):
    """The listener read too slowly and missed events: read the journal and subscribe again."""
