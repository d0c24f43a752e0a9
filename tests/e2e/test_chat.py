"""Somebody talks to a workflow, comes back later and goes on."""

from playwright.sync_api import Page, expect

from tests.builders import graph, node
from tests.e2e.server import Person
from tests.e2e.test_story import by, register

FIELDS = [{"name": "question", "type": "long_text", "required": True}, {"name": "history", "type": "list"}]
ECHO = "**{{ length(inputs.history) }}** said before; <img src=x> {{ inputs.question }}"
TALKS = graph(
    "start -> say -> end",
    node("start", "input", {"fields": FIELDS}),
    node("say", config={"template": ECHO}),
    node("end", "output", {}),
)
WAITS = graph(
    "start -> wait",
    node("start", "input", {"fields": FIELDS[:1]}),
    node("wait", "delay", {"seconds": 600}),
)


def test_a_conversation_goes_on_after_a_reload_and_a_new_one_knows_nothing(page: Page, person: Person):
    register(page, person)
    person.sign_in()
    workflow_id = person.post("/workflows", TALKS, 201)["id"]
    page.goto(f"/workflows/{workflow_id}")
    by(page, "open-chat").click()
    box, replies = by(page, "chat-message"), by(page, "chat-reply")
    box.fill("one line")
    box.press("Shift+Enter")
    box.press_sequentially("another")
    box.press("Enter")
    expect(replies).to_have_count(1)
    expect(by(page, "chat-said")).to_have_text("You: one line\nanother")
    expect(replies.locator("strong")).to_have_text("0")
    expect(replies).to_contain_text("<img src=x>")
    expect(replies.locator("img")).to_have_count(0)
    expect(box).to_have_value("")
    page.reload()
    expect(replies).to_have_count(1)
    box.fill("and again")
    by(page, "chat-send").click()
    expect(replies.nth(1).locator("strong")).to_have_text("2")
    by(page, "chat-new").click()
    expect(replies).to_have_count(0)
    by(page, "chat-earlier").click()
    by(page, "chat-entry").click()
    expect(replies).to_have_count(2)
    replies.nth(1).get_by_text("What it did").click()
    expect(page.get_by_role("heading", name="Result")).to_be_visible()


def test_a_turn_is_stopped(page: Page, person: Person):
    register(page, person)
    person.sign_in()
    workflow_id = person.post("/workflows", WAITS, 201)["id"]
    page.goto(f"/workflows/{workflow_id}/chat")
    by(page, "chat-message").fill("Hello")
    by(page, "chat-message").press("Enter")
    expect(by(page, "chat-live")).to_be_visible()
    by(page, "chat-stop").click()
    expect(by(page, "chat-reply")).to_contain_text("Stopped.")
    expect(by(page, "chat-send")).to_be_visible()
