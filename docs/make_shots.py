"""``make shots``: the pictures of docs/shots, taken from the running app while somebody works with it."""

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import chromium
from tests.e2e.server import Person, Server

SHOTS = Path(__file__).with_name("shots")
SIZE = {"width": 1440, "height": 900}
FRAME_MS = 250
ANIMATION_WIDTH = 960
RUN_MS = 180_000


def main() -> None:
    """Take all pictures, in both themes; and the animation of a run."""
    SHOTS.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for theme in ("light", "dark"):
            context = browser.new_context(base_url=server.url, viewport=SIZE, color_scheme=theme)
            page = context.new_page()
            page.set_default_timeout(30_000)
            tour(page, Person(server), theme)
            context.close()
        browser.close()


def tour(page: Page, person: Person, theme: str) -> None:
    """Register, take a template, run it, look at the lists."""

    def shoot(name: str) -> None:
        page.wait_for_timeout(800)
        page.screenshot(path=SHOTS / f"{name}-{theme}.png")

    page.goto("/register")
    expect(page.get_by_test_id("register-submit")).to_be_visible()
    shoot("register")
    page.get_by_test_id("register-username").fill("ada" if theme == "light" else "grace")
    page.get_by_test_id("register-email").fill(person.email)
    page.get_by_test_id("register-password").fill(person.password)
    page.get_by_test_id("register-submit").click()
    page.get_by_test_id("nav-templates").click()
    card = page.get_by_test_id("template-card").filter(has_text="Outline, then write")
    expect(card).to_be_visible()
    shoot("templates")
    card.get_by_test_id("template-use").click()
    expect(page.get_by_test_id("node-outline")).to_be_visible()
    skip_tour(page)
    page.get_by_test_id("node-outline").click()
    shoot("builder")
    page.get_by_test_id("run").click()
    page.get_by_test_id("run-input-topic").fill("honey bees")
    page.get_by_test_id("run-submit").click()
    frames = record(page)
    if theme == "light":
        save_animation(frames, SHOTS / "run.webp")
    shoot("run")
    page.get_by_test_id("nav-executions").click()
    expect(page.get_by_test_id("execution-row").first).to_be_visible()
    shoot("executions")
    page.get_by_test_id("nav-workflows").click()
    expect(page.get_by_test_id("workflow-row").first).to_be_visible()
    shoot("workflows")
    page.get_by_test_id("nav-settings").click()
    shoot("settings")
    work_with_an_agent(page, shoot)


def work_with_an_agent(page: Page, shoot: Callable[[str], None]) -> None:
    """Take a template whose agent has a tool: its settings, what it said and did, and a talk with it."""
    page.get_by_test_id("nav-templates").click()
    card = page.get_by_test_id("template-card").filter(has_text="Sums done right")
    card.get_by_test_id("template-use").click()
    page.get_by_test_id("node-clerk").click()
    shoot("agent")
    builder = page.url.rstrip("/")
    page.get_by_test_id("run").click()
    page.get_by_test_id("run-submit").click()
    expect(page.get_by_test_id("node-answer")).to_have_attribute("data-status", "completed", timeout=RUN_MS)
    page.get_by_test_id("nav-executions").click()
    page.get_by_test_id("execution-row").first.get_by_role("link").first.click()
    expect(page.get_by_text("Answer 1")).to_be_visible()
    shoot("transcript")
    page.goto(f"{builder}/chat")
    expect(page.get_by_test_id("chat-message")).to_be_visible()
    shoot("chat")


def skip_tour(page: Page) -> None:
    """Close the first-run tour where there is one."""
    button = page.get_by_test_id("tour-skip")
    if button.count():
        button.click()


def record(page: Page) -> list[tuple[Image.Image, int]]:
    """Pictures until the run has ended, each with how long it stood, in milliseconds."""
    frames: list[tuple[Image.Image, int]] = []
    last = page.get_by_test_id("node-result")
    deadline = time.monotonic() + RUN_MS / 1000
    ended = False
    while not ended:
        assert time.monotonic() < deadline, "the run did not end"
        ended = last.get_attribute("data-status") == "completed"
        begin = time.monotonic()
        picture = Image.open(io.BytesIO(page.screenshot()))
        height = round(picture.height * ANIMATION_WIDTH / picture.width)
        smaller = picture.convert("RGB").resize((ANIMATION_WIDTH, height), Image.Resampling.LANCZOS)
        page.wait_for_timeout(max(0.0, FRAME_MS - (time.monotonic() - begin) * 1000))
        frames.append((smaller, round((time.monotonic() - begin) * 1000)))
    return frames


def save_animation(frames: list[tuple[Image.Image, int]], path: Path) -> None:
    """One file that browsers play for ever; the last picture stands for three seconds."""
    pictures = [picture for picture, _ in frames]
    durations = [duration for _, duration in frames]
    durations[-1] = 3_000
    pictures[0].save(
        path,
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        loop=0,
        quality=70,
        method=4,
        minimize_size=True,
    )


if __name__ == "__main__":
    main()
