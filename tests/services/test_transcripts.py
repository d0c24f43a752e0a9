"""Transcripts through the service: of which node instances, whole or with previews, and for whom."""

from typing import Any

import pytest

from awe_app.domain.errors import NotFound
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.previews import is_preview
from tests.builders import graph, node
from tests.domain.test_transcript import TASK, answer, tool
from tests.services.conftest import House
from tests.services.test_executions import start

LARGE = "x" * 300_000


class Talker(Node[NodeConfig]):
    """Leaves the steps that an agent leaves."""

    type, title, icon, category = "talker", "Talker", "bot", "AI"
    effectful = True

    async def run(self, ctx: NodeContext[NodeConfig]) -> Outputs:
        for number, data in enumerate((TASK, answer(1, "", "a"), tool(1, "a", result=LARGE), answer(2, "Four."))):
            await ctx.steps.record(str(number), f"step {number}", data)
        return {"out": "Four."}


def passes(times: int) -> dict[str, Any]:
    loop = node("each", "loop", {"mode": "repeat", "times": times})
    return graph("each", loop, node("talk", "talker", {}, parent_id="each"))


async def test_every_instance_of_an_agent_has_its_transcript_and_only_its_owner_reads_it(house: House) -> None:
    await house.stop()
    house.start({"talker": Talker})
    begun = await start(house, passes(3))
    assert (await house.executions.wait(house.user, begun.execution_id, 60)).status == "completed"

    async def transcripts(prefix: str = "", limit: int = 50, offset: int = 0, **rest: Any) -> tuple[list[Any], int]:
        page = await house.executions.transcripts(house.user, begun.execution_id, prefix, limit, offset, **rest)
        return list(page.items), page.total

    found, total = await transcripts()
    assert (sorted(each.path for each in found), total) == ([f"each[{n}]/talk" for n in range(3)], 3)
    [second], total = await transcripts("each[1]/")
    assert (second.path, total, second.turns[0].calls[0].result) == ("each[1]/talk", 1, LARGE)
    [shown], _total = await transcripts("each[1]/", previews=True)
    assert is_preview(shown.turns[0].calls[0].result)
    assert [each.path for each in (await transcripts(limit=1, offset=2))[0]] == [found[2].path]
    assert await transcripts("nobody") == ([], 0)
    with pytest.raises(NotFound):
        await house.executions.transcripts(house.other, begun.execution_id, "", 50, 0)
