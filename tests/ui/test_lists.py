"""What the lists, the page of one execution and the settings hold, over a whole AWE."""

from typing import Any

import pytest

from awe_app.composition import Running
from awe_app.domain.accounts import User
from awe_app.domain.errors import Invalid
from awe_app.domain.ids import ExecutionId
from awe_app.domain.pages import PageQuery
from awe_app.domain.stored import StoredWorkflow
from awe_app.ui import routes
from awe_app.ui.components.thumbnail import thumbnail_svg
from awe_app.ui.pages.execution import ExecutionPageState
from awe_app.ui.pages.executions import ExecutionListState
from awe_app.ui.pages.mcp_settings_state import server_in
from awe_app.ui.pages.provider_form_state import ProviderFormState, provider_in
from awe_app.ui.pages.providers_state import ProvidersState
from awe_app.ui.pages.secrets_state import SecretsState
from awe_app.ui.pages.templates import TemplateGalleryState
from awe_app.ui.pages.workflows_state import PAGE_SIZE, WorkflowListState, workflow_in_file
from tests.builders import graph, node, read
from tests.ui.conftest import Tab

START = node("start", "input", {"fields": [{"name": "text", "required": True}]})


async def many(awe: Running, user: User, count: int) -> list[StoredWorkflow]:
    file = graph("start -> a", START)
    return [await awe.services.workflows.create(user, file | {"name": f"W{n:03}"}) for n in range(count)]


async def run(awe: Running, user: User, stored: StoredWorkflow, **inputs: Any) -> ExecutionId:
    state = await awe.services.executions.start(user, stored.id, inputs)
    await awe.services.executions.wait(user, state.execution_id, 30)
    return state.execution_id


async def test_a_list_handler_without_a_sign_in_shows_nothing_and_leads_to_the_sign_in(awe: Running) -> None:
    tab = Tab()
    tab.visit(routes.WORKFLOWS)
    state = tab.state(WorkflowListState)
    answer = await state.load()
    assert "/login" in str(answer.args)
    assert not state.loaded


async def test_workflows_are_shown_page_by_page_and_the_emptied_last_page_gives_way(
    awe: Running, user: User, tab: Tab
) -> None:
    await many(awe, user, PAGE_SIZE + 1)
    state = tab.state(WorkflowListState)
    await state.load()
    assert (len(state.cards), state.total) == (PAGE_SIZE, PAGE_SIZE + 1)
    await state.sort_by("name")
    await state.turn_page(1)
    assert [card.name for card in state.cards] == [f"W{PAGE_SIZE:03}"]
    state.ask_to_delete(state.cards[0].id)
    await state.delete()
    assert (state.offset, len(state.cards), state.total) == (0, PAGE_SIZE, PAGE_SIZE)


async def test_only_ones_own_workflows_are_listed_copied_exported_or_deleted(awe: Running, tab: Tab) -> None:
    other = await awe.services.accounts.register("eve", "eve@example.org", "correct horse")
    [theirs] = await many(awe, other, 1)
    state = tab.state(WorkflowListState)
    await state.load()
    assert state.total == 0
    for handler in (state.duplicate, state.export):
        assert "toast" in str(await handler(theirs.id))
    state.ask_to_delete(theirs.id)
    await state.delete()
    assert await awe.services.workflows.get(other, theirs.id)


async def test_a_card_shows_the_last_runs_and_what_is_unfinished(awe: Running, user: User, tab: Tab) -> None:
    [stored] = await many(awe, user, 1)
    await awe.services.workflows.create(
        user, graph("start -> b", START, node("b", "template", {"template": "{{ nope }}"}))
    )
    await run(awe, user, stored, text="x")
    state = tab.state(WorkflowListState)
    await state.load()
    cards = {card.name: card for card in state.cards}
    assert (cards["W000"].runs, cards["W000"].to_finish, cards["W000"].nodes) == (["completed"], "", "2 nodes")
    assert (cards["Test"].runs, cards["Test"].to_finish) == ([], "1 to finish")


async def test_a_copy_of_a_longest_name_still_has_a_name_that_fits(awe: Running, user: User, tab: Tab) -> None:
    stored = await awe.services.workflows.create(user, {"name": "x" * 200})
    state = tab.state(WorkflowListState)
    await state.duplicate(stored.id)
    assert sorted(len(card.name) for card in state.cards) == [200, 200]
    assert any(card.name.endswith(" (copy)") for card in state.cards)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"name": "x"}', b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_holds_no_workflow_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(Invalid, match=r"notes\.json"):
        workflow_in_file("notes.json", content)


def test_what_only_the_server_writes_is_left_out_of_an_import() -> None:
    assert workflow_in_file("a.json", b'{"id": "1", "version": 3, "name": "A", "nodes": []}') == {
        "name": "A",
        "nodes": [],
    }


async def test_using_a_template_opens_a_workflow_of_ones_own(awe: Running, user: User, tab: Tab) -> None:
    state = tab.state(TemplateGalleryState)
    await state.load()
    events = [event async for event in state.use(state.cards[0].id) if event is not None]
    [stored] = (await awe.services.workflows.list(user, PageQuery())).items
    assert stored.workflow.name == state.cards[0].name
    assert stored.id in str(events[-1].args)
    assert state.using == ""


async def test_executions_are_filtered_and_an_unchanged_list_is_not_sent_again(
    awe: Running, user: User, tab: Tab
) -> None:
    [stored] = await many(awe, user, 1)
    await run(awe, user, stored, text="x")
    state = tab.state(ExecutionListState)
    await state.load()
    assert [(row.workflow, row.status) for row in state.rows] == [("W000", "completed")]
    tab.root._clean()
    await state.refresh()
    assert state.get_full_name() not in tab.root.get_delta()
    await state.filter_by("failed")
    assert state.rows == []


async def test_the_page_of_an_execution_shows_inputs_result_and_steps(awe: Running, user: User, tab: Tab) -> None:
    [stored] = await many(awe, user, 1)
    execution_id = await run(awe, user, stored, text="hello")
    tab.visit(routes.execution(execution_id))
    state = tab.state(ExecutionPageState)
    await state.load()
    assert (state.head.status, state.head.ended, state.outcome.result) == ("completed", True, '{\n  "a": "a"\n}')
    assert "hello" in state.head.inputs
    assert [(row.title, row.type, row.status) for row in state.nodes] == [
        ("start", "input", "completed"),
        ("a", "template", "completed"),
    ]
    tab.visit(routes.execution("00000000-0000-0000-0000-000000000000"))
    await state.load()
    assert state.missing
    assert state.head.id == ""


async def test_the_providers_are_shown_without_keys(awe: Running, user: User, tab: Tab) -> None:
    form = {"name": "Work account", "api_key": "sk-a-long-secret-key", "models": "gpt-4o, gpt-4o-mini", "enabled": "on"}
    await awe.services.settings.save_llm(user, {"providers": [provider_in(form, "", "openai", set())]})
    state = tab.state(ProvidersState)
    await state.load()
    [row] = state.providers
    assert (row.id, row.title, row.kind_title, row.key) == ("work-account", "Work account", "OpenAI", "•••• -key")
    assert "work-account/gpt-4o" in [model["id"] for model in state.models]
    assert "sk-a-long-secret-key" not in str(tab.root.dict())


async def test_the_last_test_of_a_model_stands_with_it_and_its_provider(awe: Running, user: User, tab: Tab) -> None:
    wrong = {"name": "Nowhere", "base_url": "http://localhost:9", "models": "m n", "max_parallel": "3"}
    await awe.services.settings.save_llm(user, {"providers": [provider_in(wrong, "", "openai_compatible", set())]})
    state = tab.state(ProvidersState)
    await state.load()
    assert state.providers[0].max_parallel == "3"
    async for _ in state.test("nowhere", "n"):
        assert state.testing == "nowhere/n"
    said = state.outcomes["nowhere"]
    assert (said.ok, said.model, state.testing) == (False, "n", "")
    assert state.outcomes["nowhere/n"].words == said.words != ""
    await state.load()
    assert "nowhere" in state.outcomes


def test_a_limit_of_calls_that_is_no_number_is_refused_by_the_settings() -> None:
    assert provider_in({"name": "A", "max_parallel": "4"}, "", "openai", set())["max_parallel"] == 4
    assert provider_in({"name": "A", "max_parallel": ""}, "", "openai", set())["max_parallel"] is None
    assert provider_in({"name": "A", "max_parallel": "many"}, "", "openai", set())["max_parallel"] == "many"


async def test_models_are_picked_from_the_providers_own_list(tab: Tab) -> None:
    form = tab.state(ProviderFormState)
    form.begin()
    form.offered = ["gpt-4o", "gpt-4o-mini", "o3"]
    form.seek("GPT")
    assert form.found == ["gpt-4o", "gpt-4o-mini"]
    form.write_models("mine")
    form.pick("o3", True)
    assert form.chosen == ["mine", "o3"]
    form.pick("mine", False)
    assert form.models == "o3"


async def test_a_secret_is_listed_by_its_ending_and_deleted_after_a_question(tab: Tab, user: User) -> None:
    state = tab.state(SecretsState)
    form = {"name": "github", "value": "ghp_a-long-secret-value", "hosts": "api.github.com, *.github.com"}
    async for _ in state.save({**form, "hosts": ""}):
        pass
    assert "hosts" in state.problem
    async for _ in state.save(form):
        pass
    [row] = state.rows
    assert (row.name, row.hosts) == ("github", "api.github.com, *.github.com")
    assert "ghp_a-long" not in str(tab.root.dict())
    state.ask("github")
    await state.delete()
    assert (state.rows, state.doomed) == ([], "")


def test_a_key_that_was_left_empty_is_not_sent() -> None:
    assert "api_key" not in provider_in({"name": "A", "api_key": " "}, "a", "openai", {"a"})
    assert provider_in({"name": "A"}, "", "openai", {"a"})["id"] == "a-2"


def test_a_thumbnail_holds_nothing_that_people_wrote() -> None:
    nasty = '"><script>alert(1)</script>'
    drawn = thumbnail_svg(read(graph("start -> a", START | {"name": nasty}) | {"name": nasty}))
    assert drawn.count("<path") == 1
    assert "script" not in drawn
    assert thumbnail_svg(read({"name": "Empty"})) == ""


def test_a_filled_in_mcp_form_says_what_to_store_and_leaves_an_empty_secret_out():
    form = {"name": " The Docs ", "url": "https://docs.example.org/mcp", "auth_value": "", "enabled": "on"}
    assert server_in(form, "", {"the_docs"}) == {
        "id": "the_docs_2",
        "name": "The Docs",
        "url": "https://docs.example.org/mcp",
        "auth_header": "Authorization",
        "enabled": True,
        "trusts_read_only": False,
    }
    assert server_in({**form, "auth_value": "t0ken"}, "docs", set())["auth_value"] == "t0ken"
    assert server_in({"url": "stdio:files"}, "", set())["id"] == "files"
