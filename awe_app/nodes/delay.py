"""Wait for a while, or until a moment."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from pydantic import Field, model_validator

from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs

HELD_S = 10.0
"""Shorter waits are held in memory; for longer ones the execution is put down and woken, so that it costs nothing."""


class DelayConfig(NodeConfig):
    seconds: float | None = Field(None, title="Seconds", ge=0, le=366 * 86_400)
    until: datetime | None = Field(
        None,
        title="Until",
        description="A moment in ISO 8601, instead of seconds; UTC unless it says otherwise.",
        json_schema_extra={"placeholder": "2027-01-31T09:00:00Z"},
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.model_fields_set.isdisjoint({"seconds", "until"}):
            raise ValueError("say how long: set seconds or until")
        if self.seconds is not None and self.until is not None:
            raise ValueError("set seconds or until, not both")
        return self


class Delay(Node[DelayConfig]):
    """Wait, then hand on what came in. The wait survives restarts."""

    type, title, icon, category = "delay", "Delay", "timer", "Flow"
    effectful = True

    async def run(self, ctx: NodeContext[DelayConfig]) -> Outputs:
        until = ctx.waiting.until if ctx.waiting is not None else None
        left_s = ((until or self._moment(ctx)) - ctx.now).total_seconds()
        if left_s > HELD_S:
            raise Paused("delay", until or self._moment(ctx))
        if left_s > 0:
            await asyncio.sleep(left_s)
        return {"out": next(iter(ctx.incoming.values()), None)}

    @staticmethod
    def _moment(ctx: NodeContext[DelayConfig]) -> datetime:
        """When it ends, counted from when it first began, so that a crash does not make it longer."""
        if ctx.config.until is not None:
            until = ctx.config.until
            return until if until.tzinfo else until.replace(tzinfo=UTC)
        if ctx.config.seconds is None:
            raise NodeFailed("INVALID_SETTING", "neither seconds nor until has a value")
        return (ctx.first_started_at or ctx.now) + timedelta(seconds=ctx.config.seconds)

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        if config.get("until"):
            return f"until {config['until']}"
        return f"{config['seconds']} s" if config.get("seconds") is not None else ""
