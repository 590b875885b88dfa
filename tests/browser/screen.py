"""Somebody at the demo's pages: reads what stands there, and presses what they read."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, Request, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDE = {"width": 1360, "height": 900}
NARROW = {"width": 390, "height": 844}
PATIENCE = 30_000
"""Milliseconds: a machine that is busy with other things may take long."""


def browser_path() -> str | None:
    """Where this machine has a browser, if it has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass(frozen=True, slots=True)
class Screen:
    """One window, and what goes wrong behind it."""

    page: Page
    url: str
    wrong: list[str]
    """Errors of scripts, and calls that left this machine."""

    @property
    def form(self) -> Locator:
        """The form that is open in Slack."""
        return self.page.locator("dialog.modal")

    def go(self, page: str) -> None:
        """Choose a page by its name in the bar above."""
        self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=page).click()
        self.whole()

    def whole(self) -> None:
        """Wait until the page shows what there is."""
        expect(self.page.locator("body")).to_have_attribute("data-whole", "yes", timeout=PATIENCE)

    def be(self, name: str) -> None:
        """Act as somebody else."""
        self.page.get_by_role("button", name="You act as").click()
        self.page.get_by_role("option", name=name).click()
        self.page.get_by_role("button", name=f"You act as {name}").wait_for()
        self.whole()

    def channel(self, name: str) -> None:
        """Open a channel, or the app, by its name in the list."""
        self.page.get_by_role("complementary", name="Channels").get_by_role(
            "link", name=re.compile(f"^(# )?{re.escape(name)}")
        ).click()

    def messages_of_app(self) -> None:
        """Open the direct messages with the app."""
        self.channel("Enroll Token")
        self.page.get_by_role("link", name="Messages", exact=True).click()

    def home(self) -> None:
        """Open the app's Home tab."""
        self.channel("Enroll Token")
        self.page.get_by_role("link", name="Home", exact=True).click()

    def command(self, text: str) -> None:
        """Type it where one writes, and send it; nobody can before the last form is gone."""
        expect(self.form).to_have_count(0)
        box = self.page.get_by_role("textbox", name=re.compile("^Message "))
        box.fill(text)
        box.press("Escape")
        self.page.get_by_role("button", name="Send").first.click()

    def message(self, text: str) -> Locator:
        """The newest message that says so."""
        found = self.page.locator("article.message").filter(has_text=text).last
        found.wait_for(timeout=PATIENCE)
        return found

    def fill(self, label: str, text: str) -> None:
        """Type into an input of the open form."""
        self.form.get_by_label(label).fill(text)

    def pick(self, label: str, option: str) -> None:
        """Open a menu of the open form, and choose."""
        self.form.get_by_role("button", name=re.compile(f"^{re.escape(label)}")).click()
        self.page.get_by_role("option", name=option).click()

    def tick(self, option: str) -> None:
        """Tick a box, or choose one of several, by its words."""
        self.form.get_by_label(option, exact=True).check()

    def attach(self, label: str, file: Path) -> None:
        """Choose a file from the disk in the open form."""
        group = self.form.locator(".b-input").filter(has_text=label)
        with self.page.expect_file_chooser() as chooser:
            group.get_by_text("Add file").click()
        chooser.value.set_files(file)
        group.get_by_text(file.name).wait_for()

    def press(self, words: str, within: Locator | None = None, *, sure: str = "") -> None:
        """Press a button; `sure` is what its dialog asks to press then."""
        (within or self.page).get_by_role("button", name=words, exact=True).first.click()
        if sure:
            self.page.locator("dialog.ask").get_by_role("button", name=sure, exact=True).click()

    def says(self, text: str, within: Locator | None = None) -> Locator:
        """Wait until that is to be read."""
        found = (within or self.page).get_by_text(text).first
        found.wait_for(timeout=PATIENCE)
        return found

    def save(self, words: str, folder: Path, within: Locator | None = None, sure: str = "") -> Path:
        """Press something that makes the browser save a file; where it is."""
        place = within or self.page
        button = place.get_by_role("button", name=words).or_(place.get_by_role("link", name=words))
        with self.page.expect_download(timeout=PATIENCE) as download:
            button.last.click()
            if sure:
                self.page.locator("dialog.ask").get_by_role("button", name=sure).click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path


@contextlib.contextmanager
def screen_of(url: str, viewport: dict[str, int] | None = None) -> Iterator[Screen]:
    """A window on a demo; it is an error if a script fails, or a page asks another machine."""
    path = browser_path()
    assert path is not None, "no browser here: apt-get install chromium"
    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            size = viewport or WIDE
            page = browser.new_page(
                viewport={"width": size["width"], "height": size["height"]},
                accept_downloads=True,
                color_scheme="light",
                locale="en-GB",
            )
            page.set_default_timeout(PATIENCE)
            screen = Screen(page, url, [])
            page.on("pageerror", lambda error: screen.wrong.append(str(error)))
            page.on("request", lambda request: _note(screen, request))
            page.goto(f"{url}/")
            screen.whole()
            yield screen
        finally:
            browser.close()


def _note(screen: Screen, request: Request) -> None:
    if not request.url.startswith((f"{screen.url}/", "data:", "blob:")):
        screen.wrong.append(f"asked {request.url}")
