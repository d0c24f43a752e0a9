"""Which models providers say they have."""

import json
from typing import Any

import pytest

from awe_app.adapters.http import HttpClient
from awe_app.adapters.model_access import Access
from awe_app.adapters.model_lists import offered_models
from awe_app.domain.models import ModelFailed
from tests.http_server import Answer, HttpServer, says

KEY = "sk-very-secret-0123456789"
OPENAI = {"data": [{"id": "b"}, {"id": "a"}, {"id": 7}, None]}
GEMINI = {
    "models": [
        {"name": "models/pro", "supportedGenerationMethods": ["generateContent"]},
        {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]},
    ]
}


async def offered(kind: Any, answer: Answer, path: str = "", allowed: bool = True) -> tuple[list[str], str]:
    async with HttpServer() as server:
        server.otherwise = answer
        client = HttpClient([server.host] if allowed else [])
        try:
            return await offered_models(Access("mine", kind, server.url + path, KEY), client), server.asked[0].target
        finally:
            await client.stop()


@pytest.mark.parametrize(
    ("kind", "path", "body", "names", "target"),
    [
        ("openai_compatible", "/v1", OPENAI, ["a", "b"], "/v1/models"),
        ("ollama", "", OPENAI, ["a", "b"], "/v1/models"),
        ("anthropic", "", OPENAI, ["a", "b"], "/v1/models?limit=1000"),
        ("gemini", "/v1beta", GEMINI, ["pro"], "/v1beta/models?pageSize=1000"),
        ("openai", "/v1", {"data": []}, [], "/v1/models"),
    ],
)
async def test_models_are_listed(kind: str, path: str, body: Any, names: list[str], target: str):
    assert await offered(kind, says(json.dumps(body)), path) == (names, target)


@pytest.mark.parametrize(
    ("kind", "answer", "allowed", "code"),
    [
        ("openai", says('{"error": {"message": "bad key sk-very-secret-0123456789"}}', 401), True, "MODEL_AUTH"),
        ("openai", says("<html/>"), True, "MODEL_ERROR"),
        ("openai", says("{}"), False, "ADDRESS_BLOCKED"),
        ("azure", says("{}"), True, "MODEL_ERROR"),
    ],
)
async def test_why_there_is_no_list_is_said(kind: str, answer: Answer, allowed: bool, code: str):
    with pytest.raises(ModelFailed) as failure:
        await offered(kind, answer, allowed=allowed)
    assert failure.value.code == code
    assert KEY not in str(failure.value)
