"""What a model refused to be told: how it is asked instead, and that it is remembered."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from awe_app.adapters.http import HttpClient
from awe_app.adapters.model_access import Access
from awe_app.adapters.model_dialect import KEPT_S, MOST, Dialects
from awe_app.adapters.openai_chat import OpenAIChatModel
from awe_app.domain.models import ChatRequest, Message
from tests.http_server import Asked, HttpServer, says

WHERE = "https://models.example.org/v1"
CLOSED = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
ASK = ChatRequest((Message("user", "Hello"),), 0.3, None, CLOSED)
CHOICE = {"index": 0, "message": {"role": "assistant", "content": '{"a": 1}'}, "finish_reason": "stop"}


def test_a_refusal_is_remembered_for_its_model_and_for_an_hour():
    now = 0.0
    known = Dialects(lambda: now)
    known.remember(WHERE, "m", ("temperature", "stream_options"))
    assert known.left_out(WHERE, "m") == ("temperature", "stream_options")
    assert known.left_out(WHERE, "other") == known.left_out("https://elsewhere.org/v1", "m") == ()
    now = KEPT_S
    assert known.left_out(WHERE, "m") == ()


def test_so_many_models_are_remembered_and_no_more():
    known = Dialects(lambda: 0.0)
    for place in range(MOST + 1):
        known.remember(WHERE, f"m{place}", ("temperature",))
    assert known.left_out(WHERE, "m0") == ()
    assert known.left_out(WHERE, "m1") == known.left_out(WHERE, f"m{MOST}") == ("temperature",)


class Picky(HttpServer):
    """Refuses a request in these words as long as it holds what they are about."""

    def __init__(self, **refused: str) -> None:
        super().__init__()
        self.refused = refused
        self.otherwise = self._answer

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(asked.body) for asked in self.asked]

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        body = json.loads(asked.body)
        strict = body.get("response_format", {}).get("json_schema", {}).get("strict")
        for name, words in self.refused.items():
            if strict if name == "strict" else name in body:
                await says(json.dumps({"error": {"message": words}}), 400)(asked, writer)
                return
        await says(json.dumps({"choices": [CHOICE]}), content_type="application/json")(asked, writer)


@pytest.fixture
async def clients() -> AsyncIterator[list[HttpClient]]:
    made: list[HttpClient] = []
    yield made
    for client in made:
        await client.stop()


async def ask(server: HttpServer, clients: list[HttpClient], known: Dialects, model: str = "m") -> str:
    clients.append(HttpClient([server.host]))
    access = Access("mine", "openai_compatible", f"{server.url}/v1")
    asked = OpenAIChatModel(access, model, clients[-1], dialects=known)
    return (await asked.chat(ASK, lambda _: None)).text


async def test_what_was_refused_is_not_sent_to_that_model_again(clients: list[HttpClient]):
    known = Dialects()
    async with Picky(temperature="temperature is not supported") as server:
        for _ in range(2):
            assert await ask(server, clients, known) == '{"a": 1}'
        await ask(server, clients, known, "other")
    assert ["temperature" in body for body in server.bodies] == [True, False, False, True, False]


@pytest.mark.parametrize(
    ("refused", "forms"),
    [
        ({}, ["strict"]),
        ({"strict": "response_format: strict schemas are not supported"}, ["strict", "loose"]),
        ({"response_format": "response_format json_schema is not supported"}, ["strict", "loose", "none"]),
        ({"response_format": "Invalid schema for response_format"}, ["strict", "loose", "none"]),
    ],
)
async def test_a_schema_is_sent_strictly_then_loosely_then_in_words_alone(
    clients: list[HttpClient], refused: dict[str, str], forms: list[str]
):
    def form(body: dict[str, Any]) -> str:
        shape = body.get("response_format", {}).get("json_schema")
        return "none" if shape is None else "strict" if shape["strict"] else "loose"

    async with Picky(**refused) as server:
        assert await ask(server, clients, Dialects()) == '{"a": 1}'
    assert [form(body) for body in server.bodies] == forms
