"""When litellm, which takes seconds and much memory, is loaded: in the background, for those who need it."""

import threading
from typing import Any

import pytest

from awe_app.adapters import llm
from awe_app.adapters.crypto import Secrets
from awe_app.adapters.db import Database
from awe_app.adapters.local_model import LocalModel
from awe_app.adapters.model_access import NEED_LITELLM
from awe_app.adapters.model_directory import Models
from awe_app.adapters.once import Once
from awe_app.adapters.settings_store import SettingsStore
from awe_app.adapters.user_store import UserStore
from awe_app.services.settings import Settings

DIRECT = {"id": "direct", "kind": "openai", "models": ["gpt-4o"]}
OTHER = {"id": "other", "kind": "anthropic", "models": ["claude"]}


class Slow:
    """Takes the place of the import; it ends when it is let."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def make(self) -> str:
        self.threads.append(threading.current_thread())
        self.begun.set()
        self.go.wait()
        return "litellm"


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Slow()
    monkeypatch.setattr(llm, "_litellm", Once(made.make))
    yield made
    made.go.set()


async def test_it_is_loaded_beside_the_loop_once_somebody_has_a_provider_that_needs_it(slow: Slow, database: Database):
    user = await UserStore(database).add("ada", "ada@example.com", "x")
    store, secrets = SettingsStore(database), Secrets("a key for tests")
    models = Models(store, secrets, LocalModel())
    settings = Settings(store, secrets, models)

    await settings.save_llm(user, {"providers": [DIRECT, {**OTHER, "enabled": False}]})
    await models.list(user.id)
    await models.find(user.id, "direct", None)
    assert not slow.threads

    await settings.save_llm(user, {"providers": [{**OTHER, "enabled": True}]})
    assert slow.begun.wait(60)
    assert [info.id for info in await models.list(user.id)][1:] == ["local/smollm2-135m-instruct", "other/claude"]
    await models.find(user.id, "other", None)  # nobody waits for it but a call
    assert slow.threads != [threading.main_thread()]
    slow.go.set()
    assert await llm.load_litellm() == "litellm"
    assert len(slow.threads) == 1


async def test_a_new_process_asks_whether_anybody_needs_it(database: Database):
    users, store = UserStore(database), SettingsStore(database)
    ada, bob = [await users.add(name, f"{name}@example.com", "x") for name in ("ada", "bob")]
    assert not await store.any_provider(NEED_LITELLM)
    await store.put(ada.id, {"providers": [DIRECT]})
    assert not await store.any_provider(NEED_LITELLM)
    await store.put(bob.id, {"providers": [DIRECT, OTHER]})
    assert await store.any_provider(NEED_LITELLM)
