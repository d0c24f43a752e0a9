"""The inspector's forms for agents, by mouse and by keyboard: what is chosen there stands in the workflow."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.e2e.server import Person
from tests.e2e.test_story import by, register, spec, wait_for

AGENT = {
    "name": "Sums",
    "nodes": [{"id": "agent", "type": "agent", "name": "Agent", "agent_config": {"user_prompt": "What is 6 * 7?"}}],
    "edges": [],
}
WANTED = {
    "user_prompt": "What is 6 * 7?",
    "tools": [{"name": "calculator", "requires_approval": True}],
    "memory": {"short_term": True},
    "output_schema": {
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "A short heading"},
            "score": {"type": "number"},
        },
        "required": ["title"],
    },
}


def open_agent(page: Page, person: Person) -> None:
    """A new account with one workflow of one agent, its form open."""
    register(page, person)
    workflow = person.sign_in().post("/workflows", AGENT, 201)
    page.goto(f"/workflows/{workflow['id']}")
    by(page, "node-agent").click()
    expect(by(page, "field-model")).to_be_visible()


def config(page: Page) -> dict[str, Any]:
    return spec(page, "agent")["agent_config"]


def offered(page: Page) -> Locator:
    """What the open picker lists."""
    return page.get_by_role("listbox").get_by_role("option")


def saved(page: Page) -> None:
    expect(by(page, "save-state")).to_have_attribute("data-saved", "true")


def test_an_agent_is_set_up_by_mouse_and_is_the_same_after_a_reload(page: Page, person: Person):
    open_agent(page, person)

    by(page, "field-tools-add").click()
    offered(page).filter(has_text="calculator").click()
    by(page, "field-tools-0-requires_approval").check(force=True)
    by(page, "field-memory-short_term").check(force=True)
    schema = "field-output_schema"
    by(page, f"{schema}-add").click()
    by(page, f"{schema}-0-name").fill("title")
    by(page, f"{schema}-0-description").fill("A short heading")
    by(page, f"{schema}-add").click()
    by(page, f"{schema}-1-name").fill("score")
    by(page, f"{schema}-1-type").select_option("number")
    by(page, f"{schema}-1-required").uncheck()
    wait_for(page, lambda: config(page) == WANTED)
    saved(page)
    expect(by(page, "node-agent")).to_contain_text("1 tool · memory")

    page.reload()
    expect(by(page, "node-agent")).to_be_visible()
    assert config(page) == WANTED
    by(page, "node-agent").click()
    expect(by(page, "field-tools-0-name")).to_have_value("calculator")
    expect(by(page, "field-tools-0-requires_approval")).to_be_checked()
    expect(by(page, f"{schema}-1-name")).to_have_value("score")
    expect(by(page, f"{schema}-1-required")).not_to_be_checked()
    assert config(page) == WANTED, "looking at it changes nothing"


def test_tools_are_added_and_removed_by_keyboard_alone(page: Page, person: Person):
    open_agent(page, person)
    by(page, "field-tools-add").focus()

    page.keyboard.press("Enter")
    expect(by(page, "field-tools-0-name")).to_be_focused()
    page.keyboard.type("arithm")
    expect(offered(page)).to_have_count(1)
    page.keyboard.press("Enter")
    wait_for(page, lambda: config(page).get("tools") == ["calculator"])
    expect(by(page, "field-tools-add")).to_be_focused()

    page.keyboard.press("Enter")
    expect(by(page, "field-tools-1-name")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(by(page, "field-tools-1-name")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Escape")
    expect(by(page, "field-tools-add")).to_be_focused()

    page.keyboard.press("Shift+Tab")
    expect(by(page, "field-tools-0-requires_approval")).to_be_focused()
    page.keyboard.press("Space")
    wait_for(page, lambda: config(page)["tools"] == [{"name": "calculator", "requires_approval": True}])
    page.keyboard.press("Shift+Tab")
    expect(by(page, "field-tools-0-remove")).to_be_focused()
    page.keyboard.press("Enter")
    wait_for(page, lambda: "tools" not in config(page))


def test_a_tool_shows_the_form_and_the_findings_of_its_own_settings(page: Page, person: Person):
    open_agent(page, person)
    other = person.post("/workflows", {"name": "Translate", "nodes": [], "edges": []}, 201)

    by(page, "field-tools-add").click()
    by(page, "field-tools-0-name").fill("workflow")
    page.keyboard.press("Enter")
    saved(page)
    expect(by(page, "finding-field-tools-0-settings-workflow_id")).to_be_visible()
    by(page, "field-tools-0-settings-workflow_id").click()
    offered(page).filter(has_text="Translate").click()
    wait_for(page, lambda: config(page)["tools"] == [{"name": "workflow", "settings": {"workflow_id": other["id"]}}])
    saved(page)
    expect(by(page, "finding-field-tools-0-settings-workflow_id")).to_have_count(0)


def test_a_model_is_found_by_its_name_and_any_id_may_be_typed(page: Page, person: Person):
    open_agent(page, person)
    model = by(page, "field-model")

    model.fill("smol")
    expect(offered(page).first).to_contain_text("free")
    page.keyboard.press("Enter")
    wait_for(page, lambda: config(page).get("provider") == "local")
    model.fill("later/some-model")
    model.blur()
    wait_for(page, lambda: (config(page).get("model"), config(page).get("provider")) == ("later/some-model", None))
    model.fill("")
    model.blur()
    wait_for(page, lambda: "model" not in config(page))
