"""Somebody runs an agent and reads what it was told and what it said."""

from playwright.sync_api import Page, expect

from tests.builders import graph, node
from tests.e2e.server import Person
from tests.e2e.test_story import by, register

ASKS = {"system_prompt": "Be brief.", "user_prompt": "Say hello to Ada.", "max_tokens": 12}
AGENT = graph("talk -> end", node("talk", "agent", ASKS, name="Greeter"), node("end", "output", {}))


def test_what_an_agent_said_is_reached_from_the_run_and_read(page: Page, person: Person):
    register(page, person)
    person.sign_in()
    workflow_id = person.post("/workflows", AGENT, 201)["id"]
    execution = person.post(f"/workflows/{workflow_id}/execute", {}, 200, wait=120)
    assert execution["status"] == "completed", execution["error"]
    page.goto(f"/workflows/{workflow_id}")
    by(page, "console-transcript").click()
    panel = by(page, "transcript")
    agent = panel.get_by_test_id("transcript-agent")
    expect(agent).to_contain_text("Greeter")
    expect(agent).to_contain_text("1 answer")
    expect(agent).to_have_attribute("aria-expanded", "true")
    expect(panel).to_contain_text("Be brief.")
    panel.get_by_text("User", exact=True).click()
    expect(panel.locator("pre", has_text="Say hello to Ada.")).to_be_visible()
    turn = panel.get_by_test_id("transcript-turn")
    expect(turn).to_contain_text("Answer 1")
    expect(turn).to_contain_text("local/")
    [read] = person.get(f"/executions/{execution['execution_id']}/transcript")["items"]
    assert read["turns"][0]["text"] == execution["result"]
    agent.click()
    expect(turn).to_have_count(0)
