"""The builder on the side of the server: opened, edited, stored, refused, in conflict."""

from typing import Any

import pytest

from awe_app.composition import Running
from awe_app.domain.accounts import User
from awe_app.domain.errors import Issue
from awe_app.domain.stored import StoredWorkflow
from awe_app.ui.pages.builder_state import BuilderState, by_node
from awe_app.ui.pages.run_form_state import RunFormState
from awe_app.ui.pages.run_state import RunState
from tests.builders import graph, node
from tests.ui.conftest import Tab

START = node("start", "input", {"fields": [{"name": "text", "required": True}, {"name": "loud", "type": "boolean"}]})


@pytest.fixture
async def stored(awe: Running, user: User) -> StoredWorkflow:
    return await awe.services.workflows.create(user, graph("start -> a", START))


@pytest.fixture
async def builder(tab: Tab, stored: StoredWorkflow) -> BuilderState:
    tab.visit(f"/workflows/{stored.id}")
    state = tab.state(BuilderState)
    await state.open_workflow()
    return state


def configure(text: str, seq: int = 1, gesture: str = "") -> dict[str, Any]:
    edit = {"op": "configure", "node": "a", "settings": {"template": text}}
    return {"seq": seq, "edit": edit, "gesture": gesture}


def of(builder: BuilderState, message: dict[str, Any]) -> dict[str, Any]:
    """The message as the tab that has this document open sends it."""
    assert builder.desk is not None
    return {"session": builder.desk.session, **message}


async def edit(builder: BuilderState, message: dict[str, Any]) -> Any:
    """What the browser causes: the edit, and the save that follows it."""
    answer = await builder.edit(of(builder, message))
    await builder.save()
    return answer


async def template(awe: Running, user: User, stored: StoredWorkflow) -> Any:
    now = await awe.services.workflows.get(user, stored.id)
    return now.workflow.nodes[-1].config.get("template")


async def test_an_opened_workflow_is_sent_as_a_document(builder: BuilderState, stored: StoredWorkflow):
    document = builder.document
    assert document["workflow"] == stored.workflow.as_json()
    assert (document["seq"], document["version"], builder.revision) == (0, 1, 1)
    assert document["faces"]["a"] == {"summary": "a"}
    assert builder.choices["models"]
    assert builder.choices["workflows"] == [{"value": stored.id, "title": stored.workflow.name, "detail": ""}]


async def test_a_picker_that_opens_brings_what_has_come_since(
    builder: BuilderState, awe: Running, user: User, stored: StoredWorkflow
):
    later = await awe.services.workflows.create(user, {**graph("start", START), "name": "Later", "description": "New."})
    await builder.choose()
    assert builder.choices["workflows"][0] == {"value": later.id, "title": "Later", "detail": "New."}
    assert len(builder.choices["workflows"]) == 2


async def test_choices_that_are_the_same_are_not_sent_again(builder: BuilderState):
    builder._clean()
    await builder.choose()
    assert "choices" not in builder.dirty_vars


async def test_each_setting_has_its_own_finding(builder: BuilderState):
    await edit(builder, configure("{{ nowhere }}"))
    assert builder.findings["a"]["template_config.template"] in builder.issues["a"]


async def test_what_the_browser_has_received_is_kept_no_longer(builder: BuilderState):
    await builder.edit({"command": "received", "revision": builder.revision})
    assert builder.document == {}


async def test_an_edit_is_stored_and_sends_no_document(
    builder: BuilderState, awe: Running, user: User, stored: StoredWorkflow
):
    await builder.edit({"command": "received", "revision": builder.revision})
    await edit(builder, configure("changed"))
    assert await template(awe, user, stored) == "changed"
    assert builder.document == {}
    assert (builder.saved["seq"], builder.saved["version"], builder.saved["problem"]) == (1, 2, "")
    assert builder.faces == {"a": {"summary": "changed"}}
    assert builder.history == {"undo": 1, "redo": 0}


async def test_a_message_that_comes_twice_counts_once(builder: BuilderState):
    await edit(builder, configure("one"))
    await edit(builder, configure("two", seq=1))
    assert builder.history == {"undo": 1, "redo": 0}


async def test_an_edit_of_a_document_that_is_no_longer_open_is_not_done(builder: BuilderState):
    await edit(builder, {**configure("meant for another"), "session": "of another workflow"})
    assert builder.history == {"undo": 0, "redo": 0}


async def test_undo_and_redo_answer_with_a_document(
    builder: BuilderState, awe: Running, user: User, stored: StoredWorkflow
):
    await edit(builder, configure("changed"))
    await edit(builder, {"seq": 2, "command": "undo"})
    assert builder.revision == 2
    assert builder.document["seq"] == 2
    assert await template(awe, user, stored) == "a"
    await edit(builder, {"seq": 3, "command": "redo"})
    assert await template(awe, user, stored) == "changed"
    assert builder.history == {"undo": 1, "redo": 0}


async def test_undo_goes_on_after_a_reload(builder: BuilderState, awe: Running, user: User, stored: StoredWorkflow):
    await edit(builder, configure("changed"))
    await builder.open_workflow()
    await edit(builder, {"seq": 1, "command": "undo"})
    assert await template(awe, user, stored) == "a"


async def test_an_edit_that_does_not_fit_shows_the_truth_again(builder: BuilderState, stored: StoredWorkflow):
    answer = await edit(builder, {"seq": 1, "edit": {"op": "move", "positions": {"gone": {"x": 1, "y": 1}}}})
    assert answer is not None
    assert builder.revision == 2
    assert builder.document["workflow"] == stored.workflow.as_json()
    assert builder.saved["seq"] == 1


async def test_unfinished_settings_are_stored_and_shown_beside_the_node(builder: BuilderState):
    await edit(builder, {"seq": 1, "edit": {"op": "configure", "node": "a", "unset": ["template"]}})
    assert builder.saved["seq"] == 1
    assert "template" in builder.issues["a"]


async def test_a_newer_version_of_somebody_else_is_never_overwritten_unasked(
    builder: BuilderState, awe: Running, user: User, stored: StoredWorkflow
):
    theirs = stored.workflow.model_copy(update={"name": "Theirs"})
    await awe.services.workflows.save(user, stored.id, theirs, 1)
    await edit(builder, configure("mine"))
    assert builder.conflict
    assert builder.saved["seq"] == 0
    assert (await awe.services.workflows.get(user, stored.id)).workflow.name == "Theirs"
    await edit(builder, configure("mine too", seq=2))
    assert (await awe.services.workflows.get(user, stored.id)).version == 2

    await builder.overwrite()
    assert not builder.conflict
    assert await template(awe, user, stored) == "mine too"
    assert (await awe.services.workflows.get(user, stored.id)).workflow.name == "Test"


async def test_a_conflict_can_be_ended_by_taking_theirs(
    builder: BuilderState, awe: Running, user: User, stored: StoredWorkflow
):
    theirs = stored.workflow.model_copy(update={"name": "Theirs"})
    await awe.services.workflows.save(user, stored.id, theirs, 1)
    await edit(builder, configure("mine"))
    await builder.take_theirs()
    await builder.open_workflow()
    assert builder.document["workflow"]["name"] == "Theirs"
    assert builder.document["discard"]
    assert not builder.conflict


async def test_unstored_work_survives_a_reconnection(builder: BuilderState):
    await builder.edit(of(builder, configure("not stored yet")))
    await builder.open_workflow()
    assert builder.document["discard"] is False


async def test_a_workflow_of_somebody_else_is_not_shown(awe: Running, stored: StoredWorkflow):
    stranger, other = Tab(), await awe.services.accounts.register("eve", "eve@example.org", "correct horse")
    await stranger.sign_in(other)
    stranger.visit(f"/workflows/{stored.id}")
    state = stranger.state(BuilderState)
    assert await state.open_workflow() is not None
    assert state.document == {}


async def test_without_a_user_nothing_is_shown(stored: StoredWorkflow):
    nobody = Tab()
    nobody.visit(f"/workflows/{stored.id}")
    assert await nobody.state(BuilderState).open_workflow() is not None
    assert nobody.state(BuilderState).document == {}


async def test_run_asks_for_the_declared_inputs(builder: BuilderState, tab: Tab):
    await tab.state(RunState).run()
    form = tab.state(RunFormState)
    assert form.shown
    assert [field["name"] for field in form.fields] == ["text", "loud"]
    assert tab.state(RunState).execution == {}


async def test_run_stores_what_is_not_stored_yet(
    builder: BuilderState, tab: Tab, awe: Running, user: User, stored: StoredWorkflow
):
    await builder.edit(of(builder, configure("just typed")))
    await tab.state(RunState).run()
    assert await template(awe, user, stored) == "just typed"


async def test_submitting_the_form_starts_an_execution(
    builder: BuilderState, tab: Tab, awe: Running, user: User, stored: StoredWorkflow
):
    run, form = tab.state(RunState), tab.state(RunFormState)
    await run.run()
    assert await run.submit({"text": "hello"}) is not None
    assert not form.shown
    state = await awe.services.executions.wait(user, run.execution["id"], 30)
    assert state.inputs == {"text": "hello", "loud": False}
    await run.run()
    assert form.fields[0]["value"] == "hello"


async def test_a_missing_input_is_said_in_the_form(builder: BuilderState, tab: Tab):
    run, form = tab.state(RunState), tab.state(RunFormState)
    await run.run()
    await run.submit({"text": ""})
    assert form.shown
    assert "text" in form.problem
    assert run.execution == {}


async def test_an_unfinished_workflow_is_not_run_and_the_nodes_say_why(builder: BuilderState, tab: Tab):
    await builder.edit(of(builder, {"seq": 1, "edit": {"op": "configure", "node": "a", "unset": ["template"]}}))
    run = tab.state(RunState)
    await run.run()
    await run.submit({"text": "hello"})
    assert run.execution == {}
    assert "a" in builder.issues
    assert not tab.state(RunFormState).shown


async def test_after_a_reload_the_last_run_is_found_again(
    builder: BuilderState, tab: Tab, awe: Running, user: User, stored: StoredWorkflow
):
    started = await awe.services.executions.start(user, stored.id, {"text": "x"})
    await awe.services.executions.wait(user, started.execution_id, 30)
    run = tab.state(RunState)
    await run.find_last()
    assert run.execution["id"] == started.execution_id
    await run.look_at("a")
    assert run.io == {"node_id": "a", "input": {}, "output": "a", "error": None}


def test_issues_are_gathered_by_node_errors_first():
    issues = (
        Issue("warning", "W", "odd", "a"),  # type: ignore[arg-type]
        Issue("error", "E", "wrong", "a"),  # type: ignore[arg-type]
        Issue("error", "E", "empty"),
    )
    assert by_node(issues) == {"a": "wrong; odd", "": "empty"}
