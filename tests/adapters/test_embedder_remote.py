"""A provider's embeddings, over HTTP from a server that speaks OpenAI's form."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.embedder import NAME
from awe_app.adapters.embedder_remote import RemoteEmbedder
from awe_app.adapters.embedders import Embedders
from awe_app.adapters.http import HttpClient
from awe_app.adapters.knowledge import ChromaKnowledge
from awe_app.adapters.model_access import Access
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.knowledge import Chunk
from awe_app.domain.models import ModelFailed
from tests.model_server import ModelServer, Reply, embeddings

ANN = UserId("ann")
KEY = "sk-secret-0123456789"


class Settings:
    """Ann's providers: one."""

    def __init__(self, access: Access) -> None:
        self.access = access

    async def find(self, user_id: UserId | None, provider_id: str) -> Access:
        """See ``Providers.find``."""
        if (user_id, provider_id) != (ANN, self.access.provider):
            raise ModelFailed("UNKNOWN_PROVIDER", f"there is no {provider_id}")
        return self.access


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer(keep_alive=True) as server:
        yield server


@pytest.fixture
async def client(server: ModelServer) -> AsyncIterator[HttpClient]:
    client = HttpClient([server.host])
    yield client
    await client.stop()


def at(server: ModelServer) -> Access:
    return Access("mine", "openai_compatible", server.base_url, KEY)


async def failure(work: Any) -> NodeFailed:
    with pytest.raises(NodeFailed) as failed:
        await work
    return failed.value


async def test_texts_go_out_in_batches_and_come_back_in_their_order(server: ModelServer, client: HttpClient):
    embedder = RemoteEmbedder(at(server), "small", client)
    texts = ["", *(f"word{n} again" for n in range(69))]
    vectors = await embedder.embed(texts)
    assert embedder.name == "mine/small"
    assert vectors.shape == (70, 64)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    (alone,) = await embedder.embed([texts[66]])
    assert alone == pytest.approx(vectors[66])
    assert [len(asked["input"]) for asked in server.requests] == [64, 6, 1]
    assert server.requests[0]["input"][0] == "."  # an empty text is refused by many
    assert {asked["model"] for asked in server.requests} == {"small"}
    assert set(server.paths) == {"/v1/embeddings"}
    assert set(server.keys) == {KEY}
    assert len(await embedder.embed([])) == 0


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        (Reply(status=401, error="no such key: {key}"), "MODEL_AUTH", False),
        (Reply(status=404), "MODEL_ERROR", False),
        (Reply(status=400), "MODEL_ERROR", False),
        (Reply(status=429, headers={"retry-after": "7"}), "MODEL_RATE_LIMIT", True),
        (Reply(status=503), "MODEL_UNAVAILABLE", True),
        (Reply(body={"data": []}), "MODEL_ERROR", False),
        (Reply(body={"data": [{"index": 0, "embedding": ["x"]}]}), "MODEL_ERROR", False),
        (Reply(body={"data": [{"index": 0, "embedding": [float("nan")]}]}), "MODEL_ERROR", False),
        (Reply(body={"data": [{"index": 0, "embedding": 1.0}]}), "MODEL_ERROR", False),
        (Reply(body=["no", "object"]), "MODEL_ERROR", False),
        (Reply(body=embeddings(["one", "too many"], 4)), "MODEL_ERROR", False),
    ],
)
async def test_a_refusal_and_an_answer_that_is_none_are_told(
    reply: Reply, code: str, retryable: bool, server: ModelServer, client: HttpClient
):
    server.replies = [reply]
    failed = await failure(RemoteEmbedder(at(server), "small", client).embed(["text"]))
    assert (failed.code, failed.retryable) == (code, retryable)
    assert KEY not in f"{failed.detail} {failed.hint}"
    if reply.status == 429:
        assert isinstance(failed, ModelFailed)
        assert failed.retry_after_s == 7


async def test_addresses_the_operator_has_not_allowed_are_not_reached(server: ModelServer):
    client = HttpClient()
    failed = await failure(RemoteEmbedder(at(server), "small", client).embed(["text"]))
    await client.stop()
    assert failed.code == "ADDRESS_BLOCKED"
    assert server.requests == []


async def test_a_server_that_is_gone_may_be_asked_again_later(server: ModelServer, client: HttpClient):
    nobody = Access("mine", "openai_compatible", "http://127.0.0.1:9/v1", KEY)
    gone = HttpClient(["127.0.0.1:9"])
    failed = await failure(RemoteEmbedder(nobody, "small", gone).embed(["text"]))
    await gone.stop()
    assert (failed.code, failed.retryable) == ("MODEL_UNAVAILABLE", True)


async def test_a_kind_of_provider_without_embeddings_is_refused(client: HttpClient):
    with pytest.raises(ModelFailed) as failed:
        RemoteEmbedder(Access("claude", "anthropic", None, KEY), "x", client)
    assert failed.value.code == "UNKNOWN_MODEL"
    assert "openai_compatible" in failed.value.hint


async def test_the_directory_finds_the_users_own_and_asks_anew_with_a_new_key(server: ModelServer):
    settings = Settings(at(server))
    embedders = Embedders(settings, [server.host])
    first = await embedders.find(ANN, "mine/small")
    await first.embed(["a text"])
    await (await embedders.find(ANN, "mine/small")).embed(["a text"])  # remembered
    settings.access = Access("mine", "openai_compatible", server.base_url, "another")
    await (await embedders.find(ANN, "mine/small")).embed(["a text"])
    assert server.keys == [KEY, "another"]
    assert (await embedders.find(UserId("ben"), NAME)).name == NAME
    assert (await failure(embedders.find(UserId("ben"), "mine/small"))).code == "UNKNOWN_PROVIDER"
    for unknown in ("small", "mine/", ""):
        assert (await failure(embedders.find(ANN, unknown))).code == "UNKNOWN_MODEL"
    await embedders.stop()


async def test_a_collection_refuses_vectors_of_another_size_under_the_same_name(server: ModelServer, chroma: Chroma):
    embedders = Embedders(Settings(at(server)), [server.host])
    knowledge = ChromaKnowledge(chroma, embedders)
    await knowledge.create(ANN, "books", "mine/small")
    await knowledge.add(ANN, "books", [Chunk("The train leaves at noon."), Chunk("Cats sleep all day.")])
    assert (await knowledge.query(ANN, "books", "when leaves the train?", 1))[0].text == "The train leaves at noon."
    server.dimensions = 32  # the provider has put another model under the name
    assert (await failure(knowledge.add(ANN, "books", [Chunk("Bread rises.")]))).code == "EMBEDDER_CHANGED"
    assert (await failure(knowledge.query(ANN, "books", "something else", 1))).code == "EMBEDDER_CHANGED"
    assert len(await knowledge.query(ANN, "books", "train", 5, "keyword")) == 1
    assert (await failure(knowledge.create(ANN, "books", NAME))).code == "EMBEDDER_CHANGED"
    await embedders.stop()
