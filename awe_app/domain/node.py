"""What a node type declares.

A node type is one class in one file: its settings (a pydantic model), its ports, and ``run``. The palette card,
the form, validation, the REST catalogue and ``docs/nodes.md`` are derived from that declaration; nothing else
has to be written to add one.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

from awe_app.domain.errors import Issue
from awe_app.domain.events import NodeWaiting
from awe_app.domain.ids import ExecutionId, NodeId, Path, UserId, utc_now
from awe_app.domain.models import Usage
from awe_app.domain.protocols import Capabilities
from awe_app.domain.steps import Steps, VolatileSteps

Outputs = Mapping[str, Any]
"""What a node gives: port → value. A declared port that is absent was not taken, and its edges are skipped."""


class NodeConfig(BaseModel):
    """Settings of a node type. Field titles, descriptions and ``json_schema_extra`` make the form.

    ``json_schema_extra`` keys that the form knows: ``widget``, ``placeholder``, ``advanced`` (folded away),
    ``show_when`` (``{"other_field": [values]}``), ``options`` and ``titles`` (``{option: what people read}``) of a
    ``select``. Widgets:

    - ``text textarea prompt code number switch select expression list json hidden``;
    - ``rows`` (a list of objects) and ``object`` (one), with a field for each of the model's own;
    - ``key_values`` (an object of any names), ``schema`` (a JSON Schema), ``tools`` (an agent's tools);
    - ``model workflow collection mcp_server secret`` choose one of the user's own, and their plurals several.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Port:
    """One connection point of a node."""

    name: str
    title: str = ""
    """What the canvas writes beside it; empty means the name, and nothing where it is the only one."""


class Control:
    """What a node may do to the execution around it. The engine has its own; this one does nothing."""

    __slots__ = ()

    def withdraw_branches(self) -> None:
        """Call off whatever has not finished of the branches that lead to this node and nowhere else."""

    def send(self, event: str, data: Any) -> None:
        """Send an event to the nodes of this execution that wait for it."""


class Spend(Protocol):
    """Adds to an account; what bears the same ``once`` is added once."""

    def __call__(self, usage: Usage, once: str | None = None) -> None: ...


class EmptyConfig(NodeConfig):
    """For node types without settings."""


ConfigType = type[NodeConfig]
ConfigT = TypeVar("ConfigT", bound=NodeConfig)


@dataclass(slots=True)
class NodeContext(Generic[ConfigT]):
    """All that one run of one node may see and do."""

    execution_id: ExecutionId
    user_id: UserId | None
    node_id: NodeId
    path: Path
    config: ConfigT
    """The settings, expressions resolved."""
    inputs: Mapping[str, Any]
    """The node's own inputs, resolved, by name."""
    incoming: Mapping[NodeId, Any]
    """What came in, by source node and in edge order; sources that were skipped are absent."""
    execution_inputs: Mapping[str, Any]
    """What the execution was given."""
    capabilities: Capabilities
    attempt: int = 1
    now: datetime = field(default_factory=utc_now)
    """The engine's clock when this try began."""
    first_started_at: datetime | None = None
    """When the instance was first started; None when this is the first time."""
    waiting: NodeWaiting | None = None
    """What it was waiting for when it was woken, if it was."""
    signal: Mapping[str, Any] | None = None
    """What woke it: an answer to an approval, the end of another execution."""
    log: Callable[..., None] = field(default=lambda *a, **k: None)
    """``log(message, level="info", **data)`` adds a line to the execution's log."""
    stream: Callable[[str], None] = field(default=lambda _delta: None)
    """``stream(delta)`` shows text while it is being made; it is not stored."""
    spend: Spend = field(default=lambda usage, once=None: None)
    """``spend(usage, once=None)`` adds tokens and cost to the node's account; with the same ``once``, once only, so
    that a further try may tell of the steps it knows."""
    steps: Steps = field(default_factory=VolatileSteps)
    """What this run has done so far, crashes and further tries included."""
    conversation: Callable[[str], Sequence[Mapping[str, Any]]] = field(default=lambda _thread: ())
    """``conversation(thread)``: what was said in that thread of this execution, ``{role, content, node_id}`` each."""
    say: Callable[[str, Sequence[Mapping[str, Any]]], None] = field(default=lambda _thread, _turns: None)
    """``say(thread, turns)`` adds to a thread; others hear it once the node has finished."""
    control: Control = field(default_factory=Control)
    """What it may do to the execution around it."""
    set_variables: Callable[[Mapping[str, Any]], None] = field(default=lambda _values: None)
    """``set_variables({name: value})`` changes what ``variables`` says from here on."""

    @property
    def idempotency_key(self) -> str:
        """The same for every try of this instance: ``<execution>:<node>:<iteration path>``."""
        iteration = self.path.rpartition("/")[0]
        return f"{self.execution_id}:{self.node_id}:{iteration}"


class Node(Generic[ConfigT]):
    """Base of all node types. The docstring's first line is the palette's description."""

    type: ClassVar[str]
    """The name in the workflow file."""
    title: ClassVar[str]
    icon: ClassVar[str]
    """Name of a Lucide icon, such as ``git-branch``."""
    category: ClassVar[str]
    """Heading in the palette: ``AI Logic Data Flow People Notes``."""
    inputs: ClassVar[tuple[Port, ...]] = (Port("in"),)
    outputs: ClassVar[tuple[Port, ...]] = (Port("out"),)
    effectful: ClassVar[bool] = False
    """True when running it twice could show (it calls a model, a tool, the network) or when it waits.

    Before an effectful node starts, everything before it is durable. Pure nodes run in line, so they must not wait.
    """
    runs: ClassVar[bool] = True
    """False for decoration such as notes."""
    contains: ClassVar[bool] = False
    """True for loops: other nodes stand inside, and the engine repeats them as ``domain/loops.py`` says."""
    per_pass: ClassVar[frozenset[str]] = frozenset()
    """Settings of a loop that are resolved anew for each pass and may name ``item`` and ``index``."""
    sets_variables: ClassVar[bool] = False
    """True when it calls ``set_variables``; such nodes may not stand in a loop whose passes run together."""
    gives_result: ClassVar[bool] = False
    """True when the node's value is the execution's result."""
    fixed: ClassVar[frozenset[str]] = frozenset()
    """Settings that are read before anything runs, so that no expression may stand for them."""
    Config: ClassVar[ConfigType]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            for argument in get_args(base):
                if inspect.isclass(argument) and issubclass(argument, NodeConfig):
                    cls.Config = argument

    async def run(self, ctx: NodeContext[ConfigT]) -> Outputs:
        """Do the work; raise ``NodeFailed`` when it cannot be done, ``Paused`` when it has to wait."""
        raise NotImplementedError

    @classmethod
    def ports_out(cls, config: Mapping[str, Any]) -> tuple[Port, ...]:
        """The output ports for these raw settings; most types have the same ones always."""
        return cls.outputs

    @classmethod
    def values_wanted(cls, config: Mapping[str, Any]) -> int | None:
        """How many edges must bring a value before it runs, ignoring those that come later; None: all are waited for.

        When fewer can still come, it runs with what there is.
        """
        return None

    @classmethod
    def takes_each_arrival(cls, config: Mapping[str, Any]) -> bool:
        """True for a loop that begins with the first value that comes in and is told of each later one."""
        return False

    @classmethod
    def ends_execution(cls, config: Mapping[str, Any]) -> bool:
        """True when the execution is over, with this node's value as its result, once the node has finished."""
        return False

    @classmethod
    def declared_inputs(cls, config: Mapping[str, Any]) -> frozenset[str] | None:
        """Names this node makes available under ``inputs``; None when it is no input node."""
        return None

    @classmethod
    def issues(cls, config: Mapping[str, Any]) -> Iterable[Issue]:
        """Findings about these raw settings that their model cannot say; ``field`` is the setting's name."""
        return ()

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        """One line that says what the node is set to, for its card."""
        return ""

    @classmethod
    def description(cls) -> str:
        """The first paragraph of the class docstring."""
        return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())
