"""The pages around the builder, in a browser: signing in, lists, one execution, settings."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.builders import graph, node
from tests.e2e.conftest import Observed
from tests.e2e.server import Person, Server

EVERY_PAGE = (
    "/workflows",
    "/executions",
    "/templates",
    "/knowledge",
    "/knowledge/memories",
    "/settings",
    "/settings/appearance",
    "/settings/models",
)


def by(page: Page | Locator, test_id: str) -> Locator:
    return page.get_by_test_id(test_id)


def sign_in(page: Page, person: Person, path: str = "/workflows", remember: bool = False) -> None:
    page.goto(path)
    expect(by(page, "login-submit")).to_be_enabled()
    by(page, "login-username").fill(person.username)
    by(page, "login-password").fill(person.password)
    if remember:
        by(page, "login-remember").click()
    by(page, "login-submit").click()
    expect(by(page, "nav-workflows")).to_be_visible()


def workflow(name: str) -> dict[str, Any]:
    return {**graph("text -> copy", node("text", "input", {"fields": [{"name": "text"}]})), "name": name}


@pytest.fixture
def member(person: Person) -> Person:
    return person.register()


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_a_page_that_needs_a_user_sends_to_the_sign_in_and_back(path: str, page: Page, member: Person) -> None:
    sign_in(page, member, path)
    expect(page).to_have_url(f"{member.server.url}{path}")
    expect(by(page, "theme-toggle")).to_be_visible()


def test_a_refused_sign_in_says_so_beside_the_field(page: Page, member: Person) -> None:
    page.goto("/login")
    by(page, "login-username").fill(member.username)
    by(page, "login-password").fill("something else")
    by(page, "login-submit").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(by(page, "login-password")).to_have_attribute("aria-invalid", "true")
    assert "password" not in page.url


def test_a_refused_registration_says_what_is_wrong_with_which_field(page: Page, member: Person) -> None:
    page.goto("/register")
    by(page, "register-username").fill(member.username)
    by(page, "register-email").fill("no address")
    by(page, "register-password").fill("short")
    by(page, "register-submit").click()
    expect(page.locator("#register-email-error")).to_be_visible()
    expect(page.locator("#register-password-error")).to_be_visible()
    by(page, "register-email").fill(f"other-{member.email}")
    by(page, "register-password").fill(member.password)
    by(page, "register-submit").click()
    expect(page.locator("#register-username-error")).to_be_visible()


def test_the_way_back_leads_to_no_other_site(page: Page, member: Person) -> None:
    sign_in(page, member, "/login?next=//example.org/workflows")
    expect(page).to_have_url(f"{member.server.url}/workflows")


def test_tabs_share_the_sign_in_and_signing_out_ends_it_everywhere(page: Page, member: Person) -> None:
    sign_in(page, member)
    second = page.context.new_page()
    second.goto("/settings")
    expect(by(second, "profile-username")).to_have_text(member.username)
    by(second, "user-menu").click()
    by(second, "sign-out").click()
    expect(by(second, "login-submit")).to_be_visible()
    page.bring_to_front()
    by(page, "nav-executions").click()
    expect(by(page, "login-submit")).to_be_visible()


@pytest.mark.parametrize("remember", [True, False])
def test_only_who_asks_for_it_is_remembered_after_the_browser_closed(
    remember: bool, page: Page, browser: Browser, member: Person
) -> None:
    sign_in(page, member, remember=remember)
    page.wait_for_function("localStorage.getItem('awe_remembered') || document.cookie.includes('awe_session=ey')")
    kept: Any = page.context.storage_state()
    kept["cookies"] = [cookie for cookie in kept["cookies"] if cookie["expires"] != -1]  # what closing does
    again = browser.new_context(base_url=member.server.url, storage_state=kept)
    try:
        reopened = again.new_page()
        reopened.goto("/workflows")
        expect(by(reopened, "nav-workflows" if remember else "login-submit")).to_be_visible()
        if remember:
            expect(by(reopened, "template-card").first).to_be_visible()
    finally:
        again.close()


def test_the_list_of_workflows_makes_copies_exports_imports_and_deletes(
    page: Page, member: Person, tmp_path: Path
) -> None:
    member.post("/workflows", workflow("Sort the post"), 201)
    sign_in(page, member)
    row = by(page, "workflow-row")
    expect(row).to_have_count(1)
    by(row, "workflow-menu").click()
    by(page, "workflow-duplicate").click()
    expect(row).to_have_count(2)
    expect(by(page, "toast")).to_be_visible()

    expect(page.get_by_role("menu")).to_have_count(0)  # the first menu fades; its end gives the focus back
    by(row.filter(has_text="copy"), "workflow-menu").click()
    with page.expect_download() as download:
        by(page, "workflow-export").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert json.loads(file.read_text())["name"] == "Sort the post (copy)"

    with page.expect_file_chooser() as chooser:
        by(page, "workflow-import").click()
    (tmp_path / "broken.json").write_text("{")
    chooser.value.set_files(tmp_path / "broken.json")
    expect(by(page, "toast").filter(has_text="JSON")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        by(page, "workflow-import").click()
    chooser.value.set_files(file)
    expect(by(page, "canvas")).to_be_visible()

    by(page, "nav-workflows").click()
    expect(row).to_have_count(3)
    by(page, "search").fill("copy")
    expect(row).to_have_count(2)
    for place in (0, 1):
        row.nth(place).hover()
        row.nth(place).get_by_role("checkbox").click()
    by(page, "bulk-delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    expect(row).to_have_count(2)
    by(page, "bulk-delete").click()
    by(page, "confirm").click()
    expect(row).to_have_count(0)
    by(page, "search").fill("")
    expect(row).to_have_count(1)


def test_a_new_workflow_is_empty_and_opens(page: Page, member: Person) -> None:
    sign_in(page, member)
    by(page, "workflow-new").click()
    expect(by(page, "canvas")).to_be_visible()
    assert [w["nodes"] for w in member.get("/workflows")["items"]] == [[]]


def test_an_execution_is_found_by_status_and_shows_what_it_did(page: Page, member: Person) -> None:
    stored = member.post("/workflows", workflow("Copy a text"), 201)
    done = member.post(f"/workflows/{stored['id']}/execute", {"inputs": {"text": "hello there"}}, 200, wait=30)
    sign_in(page, member, "/executions")
    row = by(page, "execution-row")
    expect(row).to_have_count(1)
    by(page, "status-filter").click()
    page.get_by_role("option", name="Failed").click()
    expect(row).to_have_count(0)
    by(page, "status-filter").click()
    page.get_by_role("option", name="Completed").click()
    row.click()
    expect(page).to_have_url(f"{member.server.url}/executions/{done['execution_id']}")
    expect(by(page, "execution-node")).to_have_count(2)
    expect(page.get_by_text('"text": "hello there"').first).to_be_visible()
    page.get_by_role("button", name="Run again").click()
    expect(page).not_to_have_url(f"{member.server.url}/executions/{done['execution_id']}")
    expect(by(page, "execution-node")).to_have_count(2)
    assert member.get("/executions")["total"] == 2


def test_new_executions_appear_in_the_open_list_by_themselves(page: Page, member: Person) -> None:
    stored = member.post("/workflows", workflow("Copy a text"), 201)
    run = f"/workflows/{stored['id']}/execute"
    member.post(run, {"inputs": {"text": "1"}}, 200, wait=30)
    sign_in(page, member, "/executions")
    expect(by(page, "execution-row")).to_have_count(1)
    member.post(run, {"inputs": {"text": "2"}}, 200, wait=30)
    expect(by(page, "execution-row")).to_have_count(2)


def test_another_ones_execution_does_not_exist(page: Page, member: Person, server: Server) -> None:
    other = Person(server).register()
    stored = other.post("/workflows", workflow("Not yours"), 201)
    done = other.post(f"/workflows/{stored['id']}/execute", {"inputs": {"text": "1"}}, 200, wait=30)
    sign_in(page, member, f"/executions/{done['execution_id']}")
    expect(page.get_by_text("There is no such execution")).to_be_visible()
    expect(page.get_by_text("Not yours")).to_have_count(0)


def test_a_provider_is_added_with_a_key_that_never_comes_back(page: Page, member: Person, observed: Observed) -> None:
    key = "sk-secret-key-of-mine-4321"
    sign_in(page, member, "/settings/models")
    by(page, "provider-add").click()
    by(page, "provider-name").fill("Work account")
    by(page, "provider-api_key").fill(key)
    by(page, "provider-models").fill("gpt-4o-mini\ngpt-4o")
    by(page, "provider-save").click()
    row = by(page, "provider-row")
    expect(row).to_contain_text("4321")
    by(page, "default-model").click()
    page.get_by_role("option").filter(has=page.get_by_text("gpt-4o", exact=True)).click()
    expect(by(page, "toast").filter(has_text="Default model")).to_be_visible()
    assert not [text for way, text in observed.frames if way == "in" and key in text]
    by(page, "provider-edit").click()
    expect(by(page, "provider-api_key")).to_have_value("")
    by(page, "provider-remove").click()
    expect(row).to_have_count(0)
    assert member.get("/settings/llm")["providers"] == []


def test_the_theme_is_kept(page: Page, member: Person) -> None:
    page.goto("/login")
    before = page.locator("html").get_attribute("class") or ""
    by(page, "theme-toggle").click()
    after = "light" if "dark" in before else "dark"
    expect(page.locator("html")).to_have_class(after)
    page.reload()
    expect(page.locator("html")).to_have_class(after)


@pytest.mark.parametrize("width", [360, 768, 2560])
def test_no_page_is_wider_than_its_window(width: int, page: Page, member: Person) -> None:
    member.post("/workflows", workflow("Averyverylongnamewithoutanyspaces" * 6), 201)
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, member)
    for path in EVERY_PAGE:
        page.goto(path)
        expect(by(page, "nav-workflows")).to_be_visible()
        page.wait_for_timeout(300)
        assert page.evaluate(
            "[document.documentElement, document.querySelector('#content')].every("
            "e => e.scrollWidth <= e.clientWidth + 1)"
        ), path


def test_a_failed_execution_is_resumed_by_a_button(page: Page, member: Person) -> None:
    broken = graph("a -> b", node("b", "template", {"template": "{{ sum(nodes.a.output) }}"}))
    stored = member.post("/workflows", {**broken, "name": "Breaks"}, 201)
    failed = member.post(f"/workflows/{stored['id']}/execute", {}, 200, wait=30)
    assert failed["status"] == "failed"
    sign_in(page, member, f"/executions/{failed['execution_id']}")
    by(page, "resume").click()
    expect(page.get_by_text(f"Resumed by {member.username}")).to_be_visible()
    expect(by(page, "resume")).to_be_visible()  # it has failed again, with the same workflow
    again = member.get(f"/executions/{failed['execution_id']}")
    assert (again["status"], again["node_states"]["b"]["attempts"]) == ("failed", 1)
    assert again["node_states"]["a"] == failed["node_states"]["a"]
