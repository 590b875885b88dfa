"""A person's part in the Intune admin center, by what is to be read there."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.browser.screen import Screen
from tests.browser.story import APPLE_ID, NAME


def in_its_tab(screen: Screen, steps: str) -> Screen:
    """Follow the steps' link to the admin center, which stands in a tab of its own."""
    with screen.page.context.expect_page() as opened:
        screen.message(steps).get_by_role("link", name="Intune admin center").first.click()
    tab = Screen(opened.value, screen.url, screen.wrong)
    tab.whole()
    return tab


def done(screen: Screen, steps: str) -> None:
    """Say that the steps are done; the bot looks, and finds it so."""
    screen.messages_of_app()
    screen.press("Done", screen.message(steps))
    screen.says("is in use", screen.form)
    screen.press("Close", screen.form)


def create(screen: Screen, folder: Path, name: str = NAME) -> None:
    """Make a token by hand: the key from here, the file from Apple in another tab."""
    screen.press("Create")
    screen.page.get_by_label("I agree").check()
    pem = screen.save("Download your public key", folder)
    file = _at_apple(screen, pem, folder, name)
    screen.page.get_by_label("Apple ID").fill(APPLE_ID)
    screen.page.get_by_label("Token name").fill(name)
    screen.page.get_by_label("Apple token (.p7m)").set_input_files(file)
    screen.press("Create")
    screen.says(f"{name} was created.")


def renew(screen: Screen, folder: Path, name: str = NAME) -> None:
    """Renew a token by hand: only a newer file is needed."""
    screen.press(name)
    screen.press("Renew token")
    with _apple(screen) as apple:
        apple.page.get_by_role("button", name=name).click()
        file = apple.save("Download Token", folder, sure="Download Server Token")
    screen.page.get_by_label("Apple token (.p7m)").set_input_files(file)
    screen.press("Renew token")
    screen.says(f"{name} was renewed.")


def _at_apple(screen: Screen, pem: Path, folder: Path, name: str) -> Path:
    with _apple(screen) as apple:
        apple.press("Add")
        apple.page.get_by_label("Name").fill(name)
        apple.page.get_by_label("Public key (.pem)").set_input_files(pem)
        apple.press("Save")
        apple.page.get_by_role("button", name=name).click()
        apple.press("Assign devices…")
        apple.press("Assign")
        apple.says("devices were assigned")
        return apple.save("Download Token", folder, sure="Download Server Token")


@contextlib.contextmanager
def _apple(screen: Screen) -> Iterator[Screen]:
    """Another tab at Apple, closed at the end; the one in which the form stands stays open."""
    with screen.page.context.expect_page() as opened:
        screen.page.get_by_role("link", name="Go to Apple in another tab").click()
    apple = Screen(opened.value, screen.url, screen.wrong)
    apple.whole()
    yield apple
    apple.page.close()
