"""A forgotten password, as a person without a mail server gets a new one: by the link in the server's log."""

import re
import time

from playwright.sync_api import Page, expect

from tests.e2e.server import Person
from tests.e2e.test_pages import by, sign_in


def link_for(person: Person) -> str:
    """The newest link that was written to the log for this account."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        mails = person.server.log.read_text(errors="replace").split(f"this mail to {person.email}")
        if len(mails) > 1 and (found := re.search(r"/reset-password\?token=\S+", mails[-1])):
            return found[0]
        time.sleep(0.2)
    raise AssertionError("no link was written")


def test_a_forgotten_password_is_exchanged_for_a_new_one(page: Page, person: Person) -> None:
    person.register()
    page.goto("/login")
    by(page, "login-forgot").click()
    by(page, "forgot-email").fill(person.email)
    by(page, "forgot-submit").click()
    expect(by(page, "forgot-sent")).to_be_visible()

    link = link_for(person)
    page.goto(link)
    by(page, "reset-password").fill("short")
    by(page, "reset-submit").click()
    expect(page.get_by_text("at least 8 characters").last).to_be_visible()
    person.password = "another correct horse"
    by(page, "reset-password").fill(person.password)
    by(page, "reset-submit").click()
    expect(by(page, "login-submit")).to_be_visible()
    sign_in(page, person)

    page.context.clear_cookies()
    page.goto(link)
    by(page, "reset-password").fill("yet another horse")
    by(page, "reset-submit").click()
    expect(page.get_by_text("has been used already")).to_be_visible()
