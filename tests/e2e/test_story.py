"""The whole story: somebody new registers, takes a template, changes a prompt, runs it, and finds it again."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Observed
from tests.e2e.server import Person, Server
from tests.source_tree import ROOT

TEMPLATE = "Outline, then write"
PROMPT = "Name two facts about {{ inputs.topic }}. One short line each."
TOPIC = "honey bees"
RUN_MS = 120_000
"""The small model on two shared cores."""


def by(page: Page, test_id: str) -> Locator:
    return page.get_by_test_id(test_id)


def open_workflow(page: Page) -> dict[str, Any]:
    return json.loads(by(page, "workflow-json").text_content() or "null")


def spec(page: Page, node_id: str) -> dict[str, Any]:
    """The node as the open workflow has it."""
    return next(node for node in open_workflow(page)["nodes"] if node["id"] == node_id)


def wait_for(page: Page, what: Callable[[], bool]) -> None:
    """Give the page up to ten seconds; Playwright's own ``expect`` sees no text inside a script element."""
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline, open_workflow(page)
        page.wait_for_timeout(50)


def register(page: Page, person: Person) -> None:
    page.goto("/register")
    by(page, "register-username").fill(person.username)
    by(page, "register-email").fill(person.email)
    by(page, "register-password").fill(person.password)
    by(page, "register-submit").click()
    expect(by(page, "nav-workflows")).to_be_visible()


def take_template(page: Page, name: str) -> str:
    """Use the template; the id of the workflow that was made from it and is open now."""
    by(page, "nav-templates").click()
    card = by(page, "template-card").filter(has_text=name)
    card.get_by_test_id("template-use").click()
    expect(by(page, "canvas")).to_be_visible()
    page.wait_for_url("**/workflows/*")
    return page.url.rstrip("/").rpartition("/")[2]


def change_prompt(page: Page, node_id: str, prompt: str) -> None:
    by(page, f"node-{node_id}").click()
    field = by(page, "field-user_prompt")
    expect(field).to_be_visible()
    field.fill(prompt)
    field.blur()
    wait_for(page, lambda: spec(page, node_id)["agent_config"]["user_prompt"] == prompt)
    expect(by(page, "save-state")).to_have_attribute("data-saved", "true")


def run(page: Page, topic: str) -> None:
    by(page, "run").click()
    by(page, "run-input-topic").fill(topic)
    by(page, "run-submit").click()


def test_from_registration_to_a_workflow_that_ran(page: Page, person: Person, observed: Observed, tmp_path: Path):
    register(page, person)
    workflow_id = take_template(page, TEMPLATE)
    change_prompt(page, "outline", PROMPT)

    run(page, TOPIC)
    outline, write = by(page, "node-outline"), by(page, "node-write")
    expect(outline).to_have_attribute("data-status", "running", timeout=RUN_MS)
    preview = by(page, "preview-outline")
    expect(preview).not_to_be_empty(timeout=RUN_MS)
    first_words = preview.inner_text()
    expect(preview).not_to_have_text(first_words, timeout=RUN_MS)
    expect(outline).to_have_attribute("data-status", "completed", timeout=RUN_MS)
    expect(write).to_have_attribute("data-status", "running", timeout=RUN_MS)
    for node_id in ("topic", "outline", "write", "page", "result"):
        expect(by(page, f"node-{node_id}")).to_have_attribute("data-status", "completed", timeout=RUN_MS)
    expect(by(page, "edge-e1")).to_have_attribute("data-state", "taken")
    expect(by(page, "console-result")).to_contain_text(TOPIC)

    page.reload()
    expect(outline).to_be_visible()
    assert spec(page, "outline")["agent_config"]["user_prompt"] == PROMPT
    expect(outline).to_have_attribute("data-status", "completed")
    by(page, "nav-executions").click()
    expect(by(page, "execution-row").first).to_contain_text(TEMPLATE)

    person.sign_in()
    stored = person.get(f"/workflows/{workflow_id}")
    assert stored["nodes"][2]["agent_config"]["user_prompt"] == PROMPT
    execution = person.post(f"/workflows/{workflow_id}/execute", {"inputs": {"topic": TOPIC}}, 200, wait=120)
    assert execution["status"] == "completed"
    assert TOPIC in execution["result"]
    assert execution["node_states"]["outline"]["input"] is not None
    assert execution["usage"]["completion_tokens"] > 0

    server_keys = ("id", "owner_id", "is_public", "version", "created_at", "updated_at", "issues")
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps({key: value for key, value in stored.items() if key not in server_keys}))
    command = [sys.executable, "-m", "awe_app", "run", str(file), "--input", f"topic={TOPIC}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert TOPIC in done.stdout


def test_no_frame_goes_over_the_socket_while_a_node_is_dragged(page: Page, person: Person, observed: Observed):
    register(page, person)
    take_template(page, TEMPLATE)
    node = by(page, "node-outline")
    expect(node).to_be_visible()
    expect(by(page, "save-state")).to_have_attribute("data-saved", "true")
    page.wait_for_timeout(1_000)
    before = spec(page, "outline")["position"]
    box = node.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 16
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 4, y + 4)
    page.wait_for_timeout(300)
    observed.frames.clear()
    for step in range(60):
        page.mouse.move(x + 4 + step * 2, y + 4 + step)
    during = list(observed.frames)
    page.mouse.up()
    assert during == []
    wait_for(page, lambda: spec(page, "outline")["position"] != before)
    expect(by(page, "save-state")).to_have_attribute("data-saved", "true")
    sent = [text for way, text in observed.frames if way == "out"]
    assert 1 <= len(sent) <= 3, "one gesture is one edit"
    after = spec(page, "outline")["position"]
    assert after["x"] > before["x"]


def test_the_five_lines_of_the_readme_work(server: Server):
    block = re.search(r"## REST in five lines\n\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    lines = block[1].replace("http://localhost:8000", server.url)
    done = subprocess.run(["bash", "-euc", lines], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "# honey bees" in done.stdout
