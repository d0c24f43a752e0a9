"""Somebody is asked, answers in the browser, and the workflow goes on."""

from playwright.sync_api import Page, expect

from tests.builders import graph, node
from tests.e2e.server import Person
from tests.e2e.test_story import by, register

ASKED = graph(
    "ask:approved -> yes -> end; ask:rejected -> no -> end",
    node("ask", "approval", {"message": "Send the letter?", "form": [{"name": "copies", "type": "integer"}]}),
    node("yes", config={"template": "sent {{ nodes.ask.output.form.copies }} times"}),
    node("end", "output", {}),
)


def test_an_approval_is_answered_on_the_page_of_the_execution(page: Page, person: Person):
    register(page, person)
    person.sign_in()
    workflow_id = person.post("/workflows", ASKED, 201)["id"]
    execution = person.post(f"/workflows/{workflow_id}/execute", {}, 202)
    page.goto(f"/executions/{execution['execution_id']}")
    card = by(page, "approval")
    expect(card).to_contain_text("Send the letter?")
    by(page, "run-input-copies").fill("2")
    by(page, "approval-approved").click()
    expect(card).to_have_count(0)
    expect(page.get_by_text("sent 2 times").first).to_be_visible()
