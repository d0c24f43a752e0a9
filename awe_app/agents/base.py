"""What an agent is: it gets a task, works on it with whatever it has, and gives one value."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from awe_app.domain.models import Usage


class Log(Protocol):
    """``log(message, level="info", **data)``: a line for whoever watches."""

    def __call__(self, message: str, level: str = "info", **data: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Watch:
    """Whom an agent tells what it does. All are called on the event loop and never wait."""

    log: Log = field(default=lambda message, level="info", **data: None)
    stream: Callable[[str], None] = field(default=lambda _delta: None)
    """Gets the text while it is being made. What a failed try left is followed by a line that says so."""
    spend: Callable[[Usage], None] = field(default=lambda _usage: None)
    """Gets what each call cost, failed answers included."""


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
    async def run(self, prompt: str, watch: Watch) -> AgentAnswer:
        """Work on the task.

        Raises:
            NodeFailed: no usable answer came; ``retryable`` says whether the same task may work later.
        """
