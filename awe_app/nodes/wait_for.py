"""Wait for an event."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, field_validator

from awe_app.domain.errors import Paused
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs, Port
from awe_app.domain.signals import EventName

_TIMEOUT = "timeout"


class WaitForConfig(NodeConfig):
    events: tuple[EventName, ...] = Field(
        title="Events",
        description="Names, one a line. The first to come decides: each has a port of its own.",
        min_length=1,
    )
    since: Literal["start", "now"] = Field(
        "start",
        title="Which events count",
        description="start: one that came earlier and that no node has taken counts too; now: only one yet to come.",
        json_schema_extra={"titles": {"start": "Since the run began", "now": "From now on"}},
    )
    timeout_s: float | None = Field(
        None, title="Seconds to wait", gt=0, description="Then it leaves by timeout. Empty: as long as it takes."
    )

    @field_validator("events")
    @classmethod
    def _names_differ(cls, events: tuple[str, ...]) -> tuple[str, ...]:
        for name in events:
            if events.count(name) > 1:
                raise ValueError(f"'{name}' stands there twice")
            if name in (_TIMEOUT, "error"):
                raise ValueError(
                    f"an event that is waited for may not be called '{name}': that port means something else"
                )
        return events


class WaitFor(Node[WaitForConfig]):
    """Stop until an event comes, sent over REST or by another node; it goes on by the event's port with its data.

    Each event is taken by one node, the one that has waited longest.
    """

    type, title, icon, category = "wait_for", "Wait for event", "radio-receiver", "Flow"
    outputs = ()
    effectful = True
    fixed = frozenset({"events", "timeout_s"})

    async def run(self, ctx: NodeContext[WaitForConfig]) -> Outputs:
        if ctx.signal is not None:
            return {str(ctx.signal["event"]): ctx.signal.get("data")}
        if ctx.waiting is None:
            until = ctx.now + timedelta(seconds=ctx.config.timeout_s) if ctx.config.timeout_s is not None else None
            raise Paused("event", until, {"events": list(ctx.config.events), "since": ctx.config.since})
        if ctx.waiting.until is None or ctx.waiting.until > ctx.now:
            raise Paused("event", ctx.waiting.until, ctx.waiting.data)
        return {_TIMEOUT: None}

    @classmethod
    def ports_out(cls, config: Mapping[str, Any]) -> tuple[Port, ...]:
        events = config.get("events")
        names = dict.fromkeys(str(name) for name in events) if isinstance(events, list | tuple) else {}
        ports = tuple(Port(name) for name in names)
        return ports if config.get("timeout_s") is None else (*ports, Port(_TIMEOUT))

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return " | ".join(port.name for port in cls.ports_out(config))
