"""The workflow file: immutable nodes, edges and variables.

This module knows shapes only. Whether a workflow makes sense (types, settings, references, cycles) is
``engine/validate.py``'s to say, all findings at once.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from awe_app.domain.ids import NodeId

NODE_ID_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
RESERVED_NAMES = frozenset({"inputs", "variables", "nodes", "item", "index", "loops", "execution"})
"""Names that expressions already use; a node's own inputs may not be called so."""

MAX_NODES = 2_000
MAX_EDGES = 10_000


class Strict(BaseModel):
    """Base of every model that reads what others wrote: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Position(Strict):
    """Where a node stands on the canvas, in canvas pixels from the top left (of its parent, if it has one)."""

    x: float = Field(default=0, allow_inf_nan=False)
    y: float = Field(default=0, allow_inf_nan=False)


class InputMapping(Strict):
    """One value a node takes in; the ``name`` is a bare name in that node's expressions."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    value: Any = None


class Retry(Strict):
    """How often a failed node is tried, and the wait before try *n*: ``backoff_s * backoff_factor ** (n - 2)``."""

    max_attempts: int = Field(default=1, ge=1, le=100)
    backoff_s: float = Field(default=1, ge=0, le=3600)
    backoff_factor: float = Field(default=2, ge=1, le=100)


ONE_TRY = Retry()
"""What a node without ``retry`` has."""


class NodeSpec(Strict):
    """One node as the file has it. Its settings stand in the file under ``<type>_config``, here in ``config``."""

    id: NodeId = Field(pattern=NODE_ID_PATTERN)
    type: str = Field(pattern=NODE_ID_PATTERN)
    name: str = Field("", max_length=200)
    position: Position = Position()
    parent_id: NodeId | None = None
    inputs: tuple[InputMapping, ...] = ()
    config: Mapping[str, Any] = Field(default_factory=dict)
    retry: Retry | None = None
    timeout_s: float | None = Field(None, gt=0, le=86_400)
    on_error: Literal["fail", "continue", "branch"] = "fail"
    default_output: Any = None
    disabled: bool = False
    exclusive: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    """Nodes of one execution with the same name here never run at the same time."""

    @property
    def title(self) -> str:
        """What people call the node."""
        return self.name or self.id

    @property
    def config_key(self) -> str:
        """The file's key for the settings, such as ``agent_config``."""
        return f"{self.type}_config"

    @model_validator(mode="before")
    @classmethod
    def _read_config(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        key = f"{data.get('type')}_config"
        if "config" in data:
            raise ValueError(f"unknown key 'config'; settings stand under {key!r}")
        rest = {k: v for k, v in data.items() if k != key}
        if data.get(key) is not None:
            rest["config"] = data[key]
        return rest

    @model_serializer(mode="wrap")
    def _write_config(self, handler: Any) -> dict[str, Any]:
        data: dict[str, Any] = handler(self)
        data[self.config_key] = data.pop("config")
        return data


class Edge(Strict):
    """A wire from a port of one node to a port of another; a null handle means the only port on that side."""

    id: str = Field(min_length=1, max_length=200)
    source: NodeId
    target: NodeId
    source_handle: str | None = Field(None, max_length=100)
    target_handle: str | None = Field(None, max_length=100)


class Workflow(Strict):
    """A whole workflow file."""

    schema_version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=200)
    description: str | None = Field("", max_length=10_000)
    variables: Mapping[str, Any] = Field(default_factory=dict)
    nodes: tuple[NodeSpec, ...] = Field((), max_length=MAX_NODES)
    edges: tuple[Edge, ...] = Field((), max_length=MAX_EDGES)

    def node(self, node_id: str) -> NodeSpec | None:
        """The node of that id, or None."""
        return next((node for node in self.nodes if node.id == node_id), None)

    def as_json(self) -> dict[str, Any]:
        """The workflow as the file has it."""
        return self.model_dump(mode="json")
