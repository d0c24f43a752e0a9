"""What the chat shows: turns that are over, and the one that goes on, folded from the messages of its execution."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awe_app.domain.chat import ChatTurn, reply_of
from awe_app.domain.execution import FINAL_STATUSES
from awe_app.domain.messages import Message
from awe_app.domain.values import as_text
from awe_app.ui import routes
from awe_app.ui.components.execution_table import duration
from awe_app.ui.components.execution_view import cut
from awe_app.ui.toasts import sentence

MAX_REPLY_CHARS = 30_000
ACTIVITIES = 12
"""Lines of what tools do that are shown, the last ones."""


@dataclass(frozen=True)
class TurnView:
    """A turn that is over."""

    href: str
    said: str
    reply: str
    problem: str
    facts: str
    """``1.2 s · 340 tokens``."""


@dataclass(frozen=True)
class LiveView:
    """The turn that goes on."""

    execution_id: str = ""
    """Empty when none does."""
    href: str = ""
    said: str = ""
    text: str = ""
    """What a model has written so far."""
    activities: tuple[str, ...] = ()
    waits: bool = False


def turn_view(turn: ChatTurn, message_field: str) -> TurnView:
    """A turn that is over, as it is shown."""
    tokens = turn.usage.get("prompt_tokens", 0) + turn.usage.get("completion_tokens", 0)
    facts = [duration(turn.created_at, turn.completed_at), *([f"{tokens:,} tokens"] if tokens else [])]
    return TurnView(
        href=routes.execution(turn.execution_id),
        said=as_text(turn.inputs.get(message_field)),
        reply=cut(reply_of(turn.result), MAX_REPLY_CHARS) if turn.status == "completed" else "",
        problem=_problem(turn),
        facts=" · ".join(facts),
    )


def _problem(turn: ChatTurn) -> str:
    if turn.status == "cancelled":
        return "Stopped."
    return sentence(str((turn.error or {}).get("detail") or "It failed.")) if turn.status == "failed" else ""


class LiveTurn:
    """One execution as the chat follows it. ``apply`` messages, then take ``view``."""

    def __init__(self, execution_id: str, said: str, titles: Mapping[str, str]) -> None:
        self.execution_id = execution_id
        self.status = "pending"
        self._said = said
        self._titles = titles
        self._texts: dict[str, str] = {}
        """What is being written, by node instance, the latest last."""
        self._activities: list[str] = []
        self._waiting: set[str] = set()

    @property
    def ended(self) -> bool:
        """Whether the last message has come."""
        return self.status in FINAL_STATUSES

    @property
    def waits(self) -> bool:
        """Whether a person has to answer something."""
        return bool(self._waiting) and not self.ended

    def apply(self, message: Message) -> None:
        """Take in one message."""
        data = message.data
        if "delta" in data:
            path = data["node_id"]
            self._texts[path] = self._texts.pop(path, "") + data["delta"]
        elif message.type == "log":
            self._step(data.get("data") or {})
        elif message.type == "complete":
            self.status = data["status"]
        elif message.type == "state" and "node_id" in data:
            self._node(data["node_id"], data)

    def view(self) -> LiveView:
        """The turn as it stands."""
        text = next(reversed(self._texts.values()), "")
        return LiveView(
            execution_id=self.execution_id,
            href=routes.execution(self.execution_id),
            said=self._said,
            text=text[-MAX_REPLY_CHARS:],
            activities=tuple(self._activities[-ACTIVITIES:]),
            waits=self.waits,
        )

    def _node(self, path: str, data: Mapping[str, Any]) -> None:
        status = data["status"]
        if status == "waiting" and data.get("reason") == "approval":
            self._waiting.add(path)
        else:
            self._waiting.discard(path)
        if status == "running":
            self._texts.pop(path, None)
            self._activities.append(f"{self._title(path)} is at work")

    def _step(self, data: Mapping[str, Any]) -> None:
        """What an agent tells of its calls."""
        if data.get("kind") == "model":
            self._activities += [f"Uses {call['name']}" for call in data.get("tool_calls") or ()]
        elif data.get("kind") == "tool" and "error" in data:
            self._activities.append(f"{data['tool']} failed: {data['error'][:200]}")
        elif data.get("kind") == "tool":
            self._activities.append(f"{data['tool']} answered in {data['seconds']:.1f} s")

    def _title(self, path: str) -> str:
        node_id = path.rpartition("/")[2]
        return self._titles.get(node_id, node_id)
