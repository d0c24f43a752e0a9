"""Collections and memories as a person uses them, in a browser."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.server import Person

TEXT = "# Leave\n\nEveryone has thirty days off a year.\n\n# Travel\n\n" + "Trains come before planes. " * 30
INDEXED_MS = 90_000
"""The embedder starts with the first document."""


def by(page: Page | Locator, test_id: str) -> Locator:
    return page.get_by_test_id(test_id)


def sign_in(page: Page, person: Person, path: str) -> None:
    page.goto(path)
    expect(by(page, "login-submit")).to_be_enabled()
    by(page, "login-username").fill(person.username)
    by(page, "login-password").fill(person.password)
    by(page, "login-submit").click()
    expect(by(page, "nav-knowledge")).to_be_visible()


@pytest.fixture
def member(person: Person) -> Person:
    return person.register()


def test_a_collection_is_made_filled_searched_and_deleted(page: Page, member: Person, tmp_path: Path) -> None:
    sign_in(page, member, "/workflows")
    by(page, "nav-knowledge").click()
    by(page, "collection-new").click()
    by(page, "collection-save").click()
    expect(page.get_by_role("alert")).to_contain_text("name")
    by(page, "collection-name").fill("Handbook")
    by(page, "collection-chunk_chars").fill("200")
    by(page, "collection-overlap_chars").fill("0")
    by(page, "collection-save").click()
    expect(by(page, "collection-facts")).to_contain_text("No documents")

    by(page, "collection-add-text").click()
    by(page, "add-text-name").fill("House rules")
    by(page, "add-text-field").fill(TEXT)
    by(page, "add-save").click()
    row = by(page, "document-row")
    expect(row).to_have_count(1)
    (tmp_path / "animals.md").write_text("# Cats\n\nA cat purrs when it is content.")
    (tmp_path / "prices.csv").write_text("item,price\ntea,3\n")
    with page.expect_file_chooser() as chooser:
        by(page, "document-upload").click()
    chooser.value.set_files([tmp_path / "animals.md", tmp_path / "prices.csv"])
    expect(by(page, "toast").filter(has_text="2 files added")).to_be_visible()
    drop(page, "dropped.txt", "Whales sing under water.")
    expect(row).to_have_count(4)
    for place in range(4):
        expect(row.nth(place)).to_have_attribute("data-status", "ready", timeout=INDEXED_MS)
    expect(page.get_by_text("Uploading")).to_have_count(0)

    by(page, "passage-query").fill("how much vacation do I get")
    by(page, "passage-search").click()
    best = by(page, "passage").first
    expect(best).to_contain_text("House rules")
    expect(best).to_contain_text("thirty days off")
    expect(by(best, "passage-source")).to_contain_text("Leave")
    page.get_by_role("radio", name="Words").click()
    expect(page.get_by_text("Nothing found")).to_be_visible()
    by(page, "passage-query").fill("purrs")
    by(page, "passage-query").press("Enter")
    expect(by(page, "passage")).to_have_count(1)
    expect(best).to_contain_text("animals.md")
    by(best, "passage-open").click()
    expect(by(page, "chunk")).to_contain_text("A cat purrs")
    page.keyboard.press("Escape")
    by(page, "passages-close").click()
    by(row.filter(has_text="House rules"), "document-open").click()
    expect(by(page, "chunk").nth(1)).to_contain_text("Trains come before planes")
    page.keyboard.press("Escape")

    by(row.filter(has_text="prices.csv"), "document-delete").click()
    by(page, "confirm").click()
    expect(row).to_have_count(3)
    by(page, "collection-more").click()
    by(page, "collection-delete").click()
    by(page, "confirm").click()
    expect(page).to_have_url(f"{member.server.url}/knowledge")
    expect(page.get_by_text("No collections yet")).to_be_visible()
    assert member.get("/knowledge/collections")["total"] == 0


def drop(page: Page, name: str, text: str) -> None:
    """Drag a file from outside over the page and let go."""
    make = """([name, text]) => {
        const data = new DataTransfer();
        data.items.add(new File([text], name, {type: "text/plain"}));
        return data;
    }"""
    dragged: Any = page.evaluate_handle(make, [name, text])
    zone = page.locator(".drop-zone")
    zone.dispatch_event("dragenter", {"dataTransfer": dragged})
    expect(page.get_by_text("Drop files to add them")).to_be_visible()
    zone.dispatch_event("drop", {"dataTransfer": dragged})
    expect(page.get_by_text("Drop files to add them")).to_be_hidden()


def test_a_document_that_fails_says_why_and_may_be_tried_again(page: Page, member: Person) -> None:
    made = member.post("/knowledge/collections", {"name": "Pages"}, 201)
    documents = f"/knowledge/collections/{made['id']}/documents"
    member.post(documents, {"url": f"{member.server.url}/health"}, 202)
    sign_in(page, member, f"/knowledge/{made['id']}")
    row = by(page, "document-row")
    expect(row).to_have_attribute("data-status", "failed", timeout=INDEXED_MS)
    expect(by(row, "document-problem")).to_contain_text("not on the public internet")
    [before] = member.get(documents)["items"]
    by(row, "document-again").click()
    for _ in range(300):
        [after] = member.get(documents)["items"]
        if after["status"] == "failed" and after["updated_at"] != before["updated_at"]:
            break
        page.wait_for_timeout(100)
    else:
        raise AssertionError(after)
    expect(row).to_have_attribute("data-status", "failed")
