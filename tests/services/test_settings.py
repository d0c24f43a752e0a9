"""Model providers of a user: what goes in, what comes out, and what never does."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.db import Database
from awe_app.adapters.local_model import LocalModel
from awe_app.adapters.model_directory import Models
from awe_app.adapters.settings_store import SettingsStore
from awe_app.adapters.user_store import UserStore
from awe_app.domain.accounts import User
from awe_app.domain.errors import Invalid
from awe_app.domain.models import ModelFailed
from awe_app.services.settings import Settings
from tests.http_server import HttpServer, says
from tests.model_server import ModelServer, Reply

KEY = "sk-very-secret-0123456789"
WORK = {"id": "work", "kind": "openai", "api_key": KEY, "models": ["gpt-4o-mini"]}
SHOWN = {
    "id": "work",
    "kind": "openai",
    "name": "",
    "base_url": None,
    "key_last4": "6789",
    "models": ["gpt-4o-mini"],
    "default_model": None,
    "enabled": True,
}


class Desk:
    """The service over a real database, and one user at it."""

    def __init__(self, database: Database, user: User, allowed: tuple[str, ...] = ()) -> None:
        self.user, self.store, self.secrets = user, SettingsStore(database), Secrets("a key for tests")
        self.models = Models(self.store, self.secrets, LocalModel(), allowed)
        self.settings = Settings(self.store, self.secrets, self.models)

    async def save(self, *providers: dict[str, Any], **rest: Any) -> dict[str, Any]:
        return await self.settings.save_llm(self.user, {"providers": list(providers), **rest})

    async def shown(self) -> dict[str, Any]:
        return await self.settings.llm(self.user)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    made = Desk(database, await UserStore(database).add("ada", "ada@example.com", "x"))
    yield made
    await made.models.stop()


async def test_a_new_user_has_no_providers_and_no_choice(desk: Desk):
    assert await desk.shown() == {"default_model": None, "providers": []}


async def test_a_saved_provider_is_shown_without_its_key(desk: Desk):
    assert await desk.save(WORK) == {"default_model": None, "providers": [SHOWN]}
    assert await desk.shown() == {"default_model": None, "providers": [SHOWN]}
    stored = json.dumps(await desk.store.get(desk.user.id))
    assert KEY not in stored


async def test_what_was_shown_can_be_sent_back(desk: Desk):
    await desk.save(WORK)
    shown = await desk.shown()
    assert await desk.settings.save_llm(desk.user, shown) == shown
    assert desk.secrets.open(desk.user.id, (await desk.store.get(desk.user.id))["providers"][0]["api_key"]) == KEY


async def test_providers_are_changed_by_id_and_the_others_stay(desk: Desk):
    await desk.save(WORK, {"id": "home", "kind": "ollama", "models": ["llama3"]})
    changed = await desk.save({"id": "work", "enabled": False})
    assert changed["providers"][0] == {**SHOWN, "enabled": False}
    assert [provider["id"] for provider in changed["providers"]] == ["work", "home"]


async def test_a_key_is_kept_replaced_or_removed(desk: Desk):
    await desk.save(WORK)
    for given, last4 in (({}, "6789"), ({"api_key": None}, "6789"), ({"api_key": "sk-another-key-4321"}, "4321")):
        assert (await desk.save({"id": "work", **given}))["providers"][0]["key_last4"] == last4
    assert (await desk.save({"id": "work", "api_key": ""}))["providers"][0]["key_last4"] is None
    assert (await desk.save({"id": "work", "api_key": "short"}))["providers"][0]["key_last4"] == "****"


async def test_a_provider_can_be_removed(desk: Desk):
    await desk.save(WORK, default_model="work/gpt-4o-mini")
    assert await desk.save({"id": "work", "delete": True}) == {"default_model": None, "providers": []}


async def test_the_default_model_is_chosen_kept_and_given_up(desk: Desk):
    await desk.save(WORK, default_model="work/gpt-4o-mini")
    assert (await desk.save())["default_model"] == "work/gpt-4o-mini"
    assert (await desk.save(default_model=None))["default_model"] is None
    local = "local/smollm2-135m-instruct"
    assert (await desk.save(default_model=local))["default_model"] == local
    await desk.save(default_model="work/gpt-4o-mini")
    assert (await desk.save({"id": "work", "enabled": False}))["default_model"] is None


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"surprise": 1}, "surprise"),
        ({"providers": "all"}, "providers"),
        ({"providers": [{"id": "a", "kind": "openai", "surprise": 1}]}, "providers.0.surprise"),
        ({"providers": [{"id": "a"}]}, "providers.0.kind"),
        ({"providers": [{"id": "a", "kind": "skynet"}]}, "providers.0.kind"),
        ({"providers": [{"id": "a/b", "kind": "openai"}]}, "providers.0.id"),
        ({"providers": [{"id": 7, "kind": "openai"}]}, "providers.0.id"),
        ({"providers": [{"id": "a", "kind": "azure"}]}, "providers.0.base_url"),
        ({"providers": [{"id": "a", "kind": "openai_compatible"}]}, "providers.0.base_url"),
        ({"providers": [{"id": "a", "kind": "openai", "base_url": "file:///etc/passwd"}]}, "providers.0.base_url"),
        ({"providers": [{"id": "a", "kind": "openai", "base_url": "http://u:p@h/"}]}, "providers.0.base_url"),
        ({"providers": [{"id": "a", "kind": "openai", "api_key": KEY + "\nX: y"}]}, "providers.0.api_key"),
        ({"default_model": "nowhere/gpt"}, "default_model"),
    ],
)
async def test_bad_settings_are_refused_and_change_nothing(desk: Desk, raw: dict[str, Any], field: str):
    with pytest.raises(Invalid) as error:
        await desk.settings.save_llm(desk.user, raw)
    assert error.value.code == "INVALID_SETTINGS"
    assert [issue.field for issue in error.value.issues] == [field]
    assert KEY not in f"{error.value} {error.value.issues} {error.value.__cause__!r}"
    assert (await desk.shown())["providers"] == []


async def test_a_test_says_that_a_model_answers(database: Database):
    user = await UserStore(database).add("ada", "ada@example.com", "x")
    async with ModelServer(Reply("OK")) as server:
        desk = Desk(database, user, (server.host,))
        await desk.save({"id": "mine", "kind": "openai_compatible", "base_url": server.base_url, "api_key": KEY})
        tested = await desk.settings.test_llm(user, "mine", "m")
        await desk.models.stop()
    assert tested["ok"] is True
    assert tested["error"] is None
    assert isinstance(tested["latency_ms"], int)
    assert server.keys == [KEY]


async def test_a_test_says_why_a_model_does_not_answer(database: Database):
    user = await UserStore(database).add("ada", "ada@example.com", "x")
    async with ModelServer(Reply(status=401, error="wrong key {key}")) as server:
        desk = Desk(database, user, (server.host,))
        await desk.save({"id": "mine", "kind": "openai_compatible", "base_url": server.base_url, "api_key": KEY})
        tested = await desk.settings.test_llm(user, "mine", "m")
        unknown = await desk.settings.test_llm(user, "nowhere", "m")
        await desk.models.stop()
    assert tested["ok"] is False
    assert "wrong key" in tested["error"]
    assert KEY not in tested["error"]
    assert unknown["ok"] is False
    assert "nowhere" in unknown["error"]


async def test_what_embeds_memories_is_chosen_shown_and_given_up_with_its_provider(desk: Desk):
    chosen = "work/text-embedding-3-small"
    assert "embedding_model" not in await desk.save(WORK)
    assert (await desk.save(embedding_model=chosen))["embedding_model"] == chosen
    for unfit in ("nobody/x", "work", "work/"):
        with pytest.raises(Invalid, match="embedding_model"):
            await desk.save(embedding_model=unfit)
    assert (await desk.save())["embedding_model"] == chosen
    assert "embedding_model" not in await desk.save(embedding_model=None)
    await desk.save(embedding_model=chosen)
    assert "embedding_model" not in await desk.save({"id": "work", "delete": True})


async def test_so_many_calls_at_once_are_kept_shown_and_taken_back(desk: Desk):
    await desk.save({**WORK, "max_parallel": 3})
    assert (await desk.shown())["providers"] == [{**SHOWN, "max_parallel": 3}]
    await desk.save({"id": "work", "name": "Work"})
    assert (await desk.shown())["providers"][0]["max_parallel"] == 3
    await desk.save({"id": "work", "name": "", "max_parallel": None})
    assert (await desk.shown())["providers"] == [SHOWN]


async def test_a_provider_tells_its_models_to_its_owner_alone(database: Database):
    users = UserStore(database)
    ada, bob = [await users.add(name, f"{name}@example.com", "x") for name in ("ada", "bob")]
    body = json.dumps({"object": "list", "data": [{"id": "b"}, {"id": "a"}]})
    async with HttpServer() as server:
        server.otherwise = says(body, content_type="application/json")
        desk = Desk(database, ada, (server.host,))
        await desk.save({"id": "mine", "kind": "openai_compatible", "base_url": f"{server.url}/v1", "api_key": KEY})
        assert await desk.settings.offered_models(ada, "mine") == ["a", "b"]
        with pytest.raises(Invalid) as refusal:
            await desk.settings.offered_models(bob, "mine")
        await desk.models.stop()
    assert refusal.value.code == "MODELS_NOT_LISTED"
    assert [(asked.target, asked.headers["authorization"]) for asked in server.asked] == [
        ("/v1/models", f"Bearer {KEY}")
    ]


async def test_an_entry_moved_to_another_user_does_not_open(desk: Desk, database: Database):
    await desk.save(WORK)
    bob = await UserStore(database).add("bob", "bob@example.com", "x")
    await desk.store.put(bob.id, await desk.store.get(desk.user.id))
    assert (await desk.settings.llm(bob))["providers"][0]["key_last4"] is None
    with pytest.raises(ModelFailed) as failure:
        await desk.models.find(bob.id, "work", None)
    assert failure.value.code == "MODEL_AUTH"
