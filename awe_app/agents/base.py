"""What an agent is: it gets a task, works on it with whatever it has, and gives one value."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from awe_app.domain.events import NodeWaiting
from awe_app.domain.ids import UserId
from awe_app.domain.models import Usage
from awe_app.domain.node import Spend
from awe_app.domain.options import Parent
from awe_app.domain.protocols import Capabilities
from awe_app.domain.steps import Steps, VolatileSteps


class Log(Protocol):
    """``log(message, level="info", **data)``: a line for whoever watches."""

    def __call__(self, message: str, level: str = "info", **data: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Task:
    """What an agent is to do."""

    prompt: str
    files: tuple[str, ...] = ()
    """Paths of the user's own files that go along."""


@dataclass(frozen=True, slots=True)
class AgentContext:
    """All that one run of an agent may see and do."""

    capabilities: Capabilities
    user_id: UserId | None = None
    idempotency_key: str = ""
    """The same for every try of this run; each of its calls gets one made from it."""
    parent: Parent | None = None
    """The execution and the node instance that the agent works for."""
    log: Log = field(default=lambda message, level="info", **data: None)
    stream: Callable[[str], None] = field(default=lambda _delta: None)
    """Gets the text while it is being made. What a failed try left is followed by a line that says so."""
    spend: Spend = field(default=lambda usage, once=None: None)
    """Gets what each call cost, failed answers included, and what is known from before once more."""
    steps: Steps = field(default_factory=VolatileSteps)
    conversation: Callable[[str], Sequence[Mapping[str, Any]]] = field(default=lambda _thread: ())
    say: Callable[[str, Sequence[Mapping[str, Any]]], None] = field(default=lambda _thread, _turns: None)
    waiting: NodeWaiting | None = None
    """What the run was waiting for when it was woken, if it was."""
    signal: Mapping[str, Any] | None = None
    """What woke it."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """What an agent gave."""

    value: Any
    """Text, or what the output schema describes."""
    model: str
    """Id of the model whose answer it is."""
    usage: Usage
    """Of all calls together."""


class BaseAgent(ABC):
    """Something that can be given a task in words."""

    name: str
    """What logs call it."""

    @abstractmethod
    async def run(self, task: Task, ctx: AgentContext) -> AgentAnswer:
        """Work on the task, or go on with it: steps that ``ctx`` knows are not taken again.

        Raises:
            NodeFailed: no usable answer came; ``retryable`` says whether the same task may work later.
            Paused: a tool waits, or a person has to agree to a call first.
        """
