"""An agent that looks things up with ``knowledge_search``, in real collections."""

from typing import Any

import pytest

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.knowledge import ChromaKnowledge
from awe_app.domain.ids import UserId
from awe_app.domain.knowledge import Chunk
from awe_app.domain.protocols import Capabilities
from tests.agents.scripted import ByTurn, Directory, calls
from tests.builders import graph, node, run
from tests.conftest import OneEmbedder

ANN, BEN = UserId("ann"), UserId("ben")
TRAINS = [Chunk("The train to Hamburg leaves at noon.", {"source": "trains.md"}), Chunk("Bicycles cost 9 euros.")]


@pytest.fixture
async def knowledge(chroma: Chroma, embedders: OneEmbedder) -> ChromaKnowledge:
    knowledge = ChromaKnowledge(chroma, embedders)
    await knowledge.add(ANN, "trains", TRAINS)
    return knowledge


async def looked_up(
    knowledge: ChromaKnowledge,
    arguments: dict[str, Any],
    settings: dict[str, Any] | None = None,
    user: UserId = ANN,
) -> tuple[str, ByTurn]:
    """What the tool gave as the model reads it, and the model."""
    model = ByTurn("a", calls(("knowledge_search", arguments)), "So it is.")
    tool = {"name": "knowledge_search", "settings": settings or {}}
    raw = graph("a -> o", node("a", "agent", {"user_prompt": "When?", "tools": [tool]}), node("o", "output"))
    state, _events = await run(raw, capabilities=Capabilities(Directory(model), knowledge=knowledge), user_id=user)
    assert (state.status, state.result) == ("completed", "So it is.")
    (given,) = [message.content for message in model.requests[-1].messages if message.role == "tool"]
    return given, model


async def test_the_model_reads_the_passages_that_fit_best_with_their_sources(knowledge: ChromaKnowledge):
    given, model = await looked_up(knowledge, {"query": "departure by rail"}, {"collection": "trains", "top_k": 1})
    assert "leaves at noon" in given
    assert "trains.md" in given
    assert "Bicycles" not in given
    (offered,) = model.requests[0].tools
    assert (offered.name, offered.parameters["required"]) == ("knowledge_search", ["query"])


async def test_without_a_setting_the_only_collection_is_meant_and_of_several_the_model_names_one(
    knowledge: ChromaKnowledge,
):
    assert "leaves at noon" in (await looked_up(knowledge, {"query": "train"}))[0]
    await knowledge.add(ANN, "recipes", [Chunk("Bake the bread.")])
    given, _model = await looked_up(knowledge, {"query": "train"})
    assert "COLLECTION_NOT_FOUND" in given
    assert "recipes, trains" in given
    assert "Bake the bread" in (await looked_up(knowledge, {"query": "bread", "collection": "recipes"}))[0]


async def test_a_collection_that_was_not_given_to_the_agent_stays_closed(knowledge: ChromaKnowledge):
    await knowledge.add(ANN, "diary", [Chunk("A secret.")])
    given, _model = await looked_up(knowledge, {"query": "secret", "collection": "diary"}, {"collection": "trains"})
    assert "COLLECTION_NOT_FOUND" in given
    assert "A secret" not in given


async def test_an_agent_finds_nothing_of_another_users(knowledge: ChromaKnowledge):
    for settings in ({}, {"collection": "trains"}):
        given, _model = await looked_up(knowledge, {"query": "train", "collection": "trains"}, settings, BEN)
        assert "COLLECTION_NOT_FOUND" in given
        assert "noon" not in given


async def test_words_alone_are_searched_where_the_tool_is_set_so(knowledge: ChromaKnowledge):
    nothing, _model = await looked_up(knowledge, {"query": "rail"}, {"mode": "keyword"})
    assert "noon" not in nothing
    found, _model = await looked_up(knowledge, {"query": "Hamburg"}, {"mode": "keyword"})
    assert "leaves at noon" in found
