"""Whose models are whose, and which one is the default."""

from typing import Any

import pytest

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.llm import LiteLLMModel
from awe_app.adapters.local_model import LocalModel
from awe_app.adapters.model_directory import Models
from awe_app.adapters.openai_chat import OpenAIChatModel
from awe_app.domain.ids import UserId
from awe_app.domain.models import Attachment, ChatRequest, Message, ModelFailed
from tests.model_server import ModelServer, Reply

ADA, BOB = UserId("ada"), UserId("bob")
LOCAL = "local/smollm2-135m-instruct"
SECRETS = Secrets("a key for tests")
OPENAI: dict[str, Any] = {"id": "work", "kind": "openai", "name": "Work", "models": ["gpt-4o-mini", "gpt-4o"]}
ROUTER: dict[str, Any] = {"id": "openrouter", "kind": "openrouter", "models": ["meta/llama", "openrouter/auto"]}


class Kept:
    """Settings of Ada; nobody else has any."""

    def __init__(self, *providers: dict[str, Any], default_model: str | None = None) -> None:
        self.settings = {"default_model": default_model, "providers": list(providers)}

    async def get(self, user_id: UserId) -> dict[str, Any]:
        return self.settings if user_id == ADA else {}


def directory(*providers: dict[str, Any], default_model: str | None = None) -> tuple[Models, LocalModel]:
    local = LocalModel()
    return Models(Kept(*providers, default_model=default_model), SECRETS, local), local


async def reached(models: Models, user_id: UserId | None, provider: str | None, model: str | None) -> Any:
    """The client that is called in the end."""
    return (await models.find(user_id, provider, model)).model  # type: ignore[attr-defined]


async def ids(models: Models, user_id: UserId | None = ADA) -> list[str]:
    listed = await models.list(user_id)
    assert [info.default for info in listed] == [True, *[False] * (len(listed) - 1)]
    return [info.id for info in listed]


async def test_a_new_user_has_the_local_model():
    models, local = directory()
    for user_id in (None, ADA):
        assert await ids(models, user_id) == [LOCAL]
        assert await reached(models, user_id, None, None) is local


async def test_the_first_provider_with_a_model_becomes_the_default():
    models, _ = directory({**OPENAI, "models": [], "id": "empty"}, OPENAI)
    assert await ids(models) == ["work/gpt-4o-mini", LOCAL, "work/gpt-4o"]


async def test_a_providers_own_default_comes_first():
    models, _ = directory({**OPENAI, "default_model": "gpt-4o"})
    assert (await ids(models))[0] == "work/gpt-4o"


@pytest.mark.parametrize("choice", [LOCAL, "work/gpt-4o"])
async def test_the_users_choice_is_the_default(choice: str):
    models, _ = directory(OPENAI, default_model=choice)
    assert (await ids(models))[0] == choice


async def test_a_choice_that_is_gone_does_not_count():
    models, local = directory({**OPENAI, "enabled": False}, default_model="work/gpt-4o")
    assert await ids(models) == [LOCAL]
    assert await reached(models, ADA, None, None) is local


async def test_nobody_sees_anothers_models():
    models, _ = directory(OPENAI)
    assert await ids(models, BOB) == [LOCAL]
    with pytest.raises(ModelFailed) as failure:
        await models.find(BOB, "work", "gpt-4o")
    assert failure.value.code == "UNKNOWN_PROVIDER"


@pytest.mark.parametrize(
    ("provider", "model", "found"),
    [
        ("work", None, ("work", "gpt-4o-mini")),
        ("work", "gpt-4o", ("work", "gpt-4o")),
        ("work", "work/gpt-4o", ("work", "gpt-4o")),
        ("work", "not-listed", ("work", "not-listed")),
        (None, "work/gpt-4o", ("work", "gpt-4o")),
        (None, "gpt-4o", ("work", "gpt-4o")),
        (None, "openrouter/meta/llama", ("openrouter", "meta/llama")),
        (None, "meta/llama", ("openrouter", "meta/llama")),
        ("openrouter", "openrouter/auto", ("openrouter", "openrouter/auto")),
        (None, None, ("work", "gpt-4o-mini")),
    ],
)
async def test_models_are_found_by_provider_name_or_id(provider: str | None, model: str | None, found: tuple[str, str]):
    models, _ = directory(OPENAI, ROUTER)
    client = await reached(models, ADA, provider, model)
    assert isinstance(client, OpenAIChatModel)
    assert (client.provider, client.model) == found


@pytest.mark.parametrize("kind", ["anthropic", "gemini", "azure", "mistral"])
async def test_a_provider_with_a_protocol_of_its_own_is_called_by_litellm(kind: str):
    models, _ = directory({**OPENAI, "kind": kind})
    assert isinstance(await reached(models, ADA, "work", "m"), LiteLLMModel)


@pytest.mark.parametrize(
    ("provider", "model"),
    [("local", None), ("local", "smollm2-135m-instruct"), (None, LOCAL), ("local", LOCAL), (None, LOCAL[6:])],
)
async def test_the_local_model_can_be_named(provider: str | None, model: str | None):
    models, local = directory(OPENAI)
    assert await reached(models, ADA, provider, model) is local


@pytest.mark.parametrize(
    ("provider", "model", "code"),
    [
        ("nowhere", "gpt-4o", "UNKNOWN_PROVIDER"),
        ("off", "gpt-4o", "UNKNOWN_PROVIDER"),
        ("empty", None, "UNKNOWN_MODEL"),
        (None, "gpt-99", "UNKNOWN_MODEL"),
        (None, "nowhere/gpt-4o", "UNKNOWN_MODEL"),
        ("local", "gpt-4o", "UNKNOWN_MODEL"),
    ],
)
async def test_what_is_not_there_is_said_so(provider: str | None, model: str | None, code: str):
    off, empty = {**OPENAI, "id": "off", "enabled": False}, {**OPENAI, "id": "empty", "models": []}
    models, _ = directory(off, empty)
    with pytest.raises(ModelFailed) as failure:
        await models.find(ADA, provider, model)
    assert failure.value.code == code
    assert failure.value.hint


async def test_a_found_model_is_called_with_the_opened_key():
    async with ModelServer(Reply("Yes.")) as server:
        key = SECRETS.seal(ADA, "sk-of-ada")
        entry = {"id": "mine", "kind": "openai_compatible", "base_url": server.base_url, "api_key": key}
        models = Models(Kept(entry), SECRETS, LocalModel(), [server.host])
        model = await models.find(ADA, "mine", "m")
        answer = await model.chat(ChatRequest((Message("user", "Hello"),)), lambda _: None)
        await models.stop()
    assert answer.model == "mine/m"
    assert server.keys == ["sk-of-ada"]


async def test_a_key_that_cannot_be_opened_is_a_clear_failure():
    models, _ = directory({**OPENAI, "api_key": SECRETS.seal(BOB, "sk-of-bob")})
    with pytest.raises(ModelFailed) as failure:
        await models.find(ADA, "work", "gpt-4o")
    assert failure.value.code == "MODEL_AUTH"


async def test_a_model_known_to_be_blind_is_not_sent_an_image():
    image = Message("user", "What is this?", attachments=(Attachment("a.png", "image/png", b"PNG"),))
    async with ModelServer() as server:
        key = SECRETS.seal(ADA, "sk-of-ada")
        entry = {"id": "mine", "kind": "openai", "base_url": server.base_url, "api_key": key}
        models = Models(Kept(entry), SECRETS, LocalModel(), [server.host])
        with pytest.raises(ModelFailed) as failure:
            await (await models.find(ADA, "mine", "gpt-3.5-turbo")).chat(ChatRequest((image,)), lambda _: None)
        assert not server.requests
        for seeing in ("gpt-4o", "a-new-one"):
            await (await models.find(ADA, "mine", seeing)).chat(ChatRequest((image,)), lambda _: None)
        await models.stop()
    assert failure.value.code == "UNSUPPORTED_INPUT"
    assert len(server.requests) == 2
