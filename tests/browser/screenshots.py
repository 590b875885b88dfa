"""`python -m tests.browser.screenshots`: the main screens of the demo, into docs/screenshots."""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import expect

from tests.browser import intune, story
from tests.browser.screen import PATIENCE, Screen, screen_of
from tests.demo.running import ROOT, Running, running, wait_for

FOLDER = ROOT / "docs" / "screenshots"
KEPT = (
    "create-form",
    "request",
    "steps",
    "renew-form",
    "apple-warning",
    "mishaps",
    "alert",
    "reminder",
)
"""Screens on the way of the story; the rest of it is not kept."""
MAKING_SECONDS = 300.0
PORT = 4980


def main() -> None:
    """Take all of them anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        data, saved = Path(folder) / "data", Path(folder) / "saved"
        saved.mkdir()
        with running(data, port=PORT) as demo, screen_of(demo.url) as screen:
            _of_the_story(screen, saved)
        with running(data, "--fresh", port=PORT) as demo, screen_of(demo.url) as screen:
            _of_the_organisation(demo, screen)
        with running(data, "--fresh", port=PORT) as demo, screen_of(demo.url) as screen:
            _in_intune(screen, saved)


def _of_the_story(screen: Screen, saved: Path) -> None:
    def look(name: str) -> None:
        if name in KEPT:
            take(screen, name)

    story.create(screen, saved, look=look)
    story.renew(screen, saved, look=look)
    story.let_terms_change(screen, look)
    story.sign_terms(screen)
    story.reminded(screen, look)


def _in_intune(screen: Screen, saved: Path) -> None:
    screen.press("Hide the first steps")
    screen.go("Intune")
    intune.create(screen, saved, "Library iPads")
    screen.press("Library iPads")
    screen.press("Sync")
    screen.says("iOS/iPadOS")
    take(screen, "intune")


def _of_the_organisation(demo: Running, screen: Screen) -> None:
    screen.press("Make a lively organisation")
    wait_for(lambda: demo.seen()["lively"]["done"], "the organisation", MAKING_SECONDS)
    screen.press("Hide the first steps")
    screen.home()
    screen.says("Reception iPads")
    take(screen, "home")
    screen.go("Clock")
    take(screen, "clock")
    screen.press("To the next thing due")
    screen.says("It is ")
    entry = screen.page.locator("li").filter(has_text="The weekly digest")
    if entry.count():
        screen.press("Go there", entry.first)
    screen.go("Slack")
    screen.channel("it-alerts")
    digest = screen.message("Enrollment tokens, week of")
    digest.locator("img.b-picture").scroll_into_view_if_needed()
    take(screen, "digest")
    screen.go("Apple")
    screen.press("Management Services")
    take(screen, "apple")


def take(screen: Screen, name: str) -> None:
    """Take one, once nothing moves any more: no passing notes, no half-loaded picture."""
    expect(screen.page.locator(".toast, .busy")).to_have_count(0, timeout=PATIENCE)
    screen.page.evaluate("Promise.allSettled([...document.images].map((one) => one.decode()))")
    screen.page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
