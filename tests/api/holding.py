"""A node that waits until the test lets it go."""

import asyncio
from typing import Any, ClassVar

from awe_app.domain.node import EmptyConfig, Node, NodeContext, Outputs


class Hold(Node[EmptyConfig]):
    """Waits for the test."""

    type, title, icon, category = "hold", "Hold", "hand", "Flow"
    effectful = True
    reached: ClassVar[asyncio.Event]
    released: ClassVar[asyncio.Event]

    async def run(self, ctx: NodeContext[Any]) -> Outputs:
        """Say that it is running, and wait."""
        Hold.reached.set()
        await Hold.released.wait()
        return {"out": "held"}
