"""The retrieve node, on a real collection."""

from typing import Any

import pytest

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.knowledge import ChromaKnowledge
from awe_app.domain.knowledge import Chunk
from awe_app.domain.protocols import Capabilities
from awe_app.engine.validate import validate
from awe_app.nodes.registry import discover
from awe_app.nodes.retrieve import Retrieve
from tests.builders import graph, node, read, run
from tests.conftest import OneEmbedder


async def test_it_gives_the_passages_that_fit_best(chroma: Chroma, embedders: OneEmbedder):
    knowledge = ChromaKnowledge(chroma, embedders)
    await knowledge.add(None, "pets", [Chunk("The cat sleeps.", {"page": 1}), Chunk("Rain falls in spring.")])
    config = {"collection": "{{ inputs.where }}", "query": "{{ inputs.question }}", "top_k": 1}
    raw = graph("r -> o", node("r", "retrieve", config), node("o", "output"))
    capabilities = Capabilities(models=None, knowledge=knowledge)  # type: ignore[arg-type]
    state, _events = await run(raw, {"where": "pets", "question": "a kitten"}, capabilities=capabilities)
    missing, _events = await run(raw, {"where": "cars", "question": "a kitten"}, capabilities=capabilities)
    assert [set(passage) for passage in state.result] == [{"text", "score", "metadata"}]
    assert (state.result[0]["text"], state.result[0]["metadata"]["page"]) == ("The cat sleeps.", 1)
    assert missing.error
    assert missing.error["code"] == "COLLECTION_NOT_FOUND"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"query": "x"}, "MISSING_SETTING"),
        ({"collection": "c"}, "MISSING_SETTING"),
        ({"collection": "", "query": "x"}, "INVALID_SETTING"),
        ({"collection": "c", "query": "x", "top_k": 0}, "INVALID_SETTING"),
        ({"collection": "c", "query": "x", "mode": "luck"}, "INVALID_SETTING"),
        ({"collection": "c", "query": "x", "user_id": "ann"}, "UNKNOWN_KEY"),
    ],
)
def test_settings_are_checked_before_a_run(config: dict[str, Any], code: str):
    assert [issue.code for issue in validate(read(graph("r", node("r", "retrieve", config))), discover())] == [code]
    assert Retrieve.summary({"collection": "handbook"}) == "handbook"
