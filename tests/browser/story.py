"""The yearly job as somebody does it on the pages, by nothing but what is to be read there."""

from collections.abc import Callable
from pathlib import Path

from tests.browser.screen import Screen

OLIVIA, AMIR, ADELE = "Olivia Operator", "Amir Approver", "Adele Admin"
APPLE_ID = "it-admin@schools.example"
NAME = "HQ iPads"
HELD_BY = "this bot, for an MDM that cannot hold it"

Looked = Callable[[str], None]


def unseen(_: str) -> None:
    """Look at nothing on the way."""


def ask(screen: Screen, name: str = NAME, look: Looked = unseen, held_by: str = HELD_BY) -> None:
    """Olivia asks for a token."""
    screen.channel("general")
    screen.command("/enroll-token create")
    if held_by:
        screen.pick("Held by", held_by)
        screen.says("this service exchanges device information", screen.form)
    screen.fill("Token name", name)
    screen.pick("Portal", "Apple School Manager")
    screen.fill("Reason", "New iPads for the primary school")
    screen.tick("I agree")
    screen.press("Ask for approval")
    error = screen.says("Please complete this required field.", screen.form)
    assert error.is_visible()
    look("create-form")
    screen.fill("Apple ID", APPLE_ID)
    screen.press("Ask for approval")
    screen.says(f"The request for {name} is in", screen.form)
    screen.press("Close", screen.form)


def approve(screen: Screen, words: str, look: Looked = unseen) -> None:
    """Amir approves what the request says."""
    screen.be(AMIR)
    screen.channel("it-approvals")
    card = screen.message(words)
    look("request")
    screen.press("Approve", card, sure="Approve")
    screen.says("Approved by", card)
    screen.be(OLIVIA)


def fetch(screen: Screen, folder: Path, name: str = NAME, look: Looked = unseen) -> Path:
    """Olivia takes the certificate to Apple and comes back with the token's file."""
    screen.messages_of_app()
    screen.message(f"Your steps for {name}")
    look("steps")
    certificate = screen.message(f"The public-key certificate for {name}")
    pem = screen.save("Download", folder, certificate)
    screen.go("Apple")
    screen.press("Management Services")
    screen.press("Add")
    screen.page.get_by_label("Name").fill(name)
    screen.page.get_by_label("Public key (.pem)").set_input_files(pem)
    screen.press("Save")
    screen.page.get_by_role("button", name=name).click()
    screen.press("Assign devices…")
    screen.press("Assign")
    screen.says("devices were assigned")
    look("apple")
    file = screen.save("Download Token", folder, sure="Download Server Token")
    screen.go("Slack")
    return file


def bring(screen: Screen, file: Path, words: str) -> None:
    """Olivia uploads the file under her steps."""
    screen.messages_of_app()
    screen.press("Upload server token", screen.message(words))
    screen.attach("Server token file", file)
    screen.press("Upload", screen.form)
    screen.says("is in use", screen.form)
    screen.press("Close", screen.form)


def create(screen: Screen, folder: Path, name: str = NAME, look: Looked = unseen) -> None:
    """From the wish to a token in use."""
    ask(screen, name, look)
    approve(screen, name, look)
    file = fetch(screen, folder, name, look)
    bring(screen, file, f"Your steps for {name}")


def renew(screen: Screen, folder: Path, name: str = NAME, look: Looked = unseen) -> None:
    """The same token, a year later: another file from Apple, and the old one dies."""
    screen.channel("general")
    screen.command(f"/enroll-token renew {name}")
    screen.says("Download Token invalidates the token in use", screen.form)
    screen.pick("Why", "Its year is almost over")
    look("renew-form")
    screen.press("Ask for approval", screen.form)
    screen.says("is in", screen.form)
    screen.press("Close", screen.form)
    approve(screen, f"asks to renew the token {name}")
    screen.messages_of_app()
    screen.message("open the server")
    look("renew-steps")
    screen.go("Apple")
    screen.press("Management Services")
    screen.page.get_by_role("button", name=name).click()
    screen.press("Download Token")
    screen.says("resets the one in use")
    look("apple-warning")
    file = screen.save("Download Server Token", folder, screen.page.locator("dialog.ask"))
    screen.go("Slack")
    bring(screen, file, "open the server")


def let_terms_change(screen: Screen, look: Looked = unseen) -> None:
    """Apple has new terms; the bot sees it at its next look."""
    screen.go("Apple")
    screen.press("Things that go wrong")
    look("mishaps")
    screen.press("Put new terms")
    screen.says("New terms wait for Example Schools")
    a_day_on(screen)
    screen.channel("it-alerts")
    screen.message("new terms at Apple wait for a signature")
    look("alert")


def sign_terms(screen: Screen) -> None:
    """Somebody signs them; the bot sees that too."""
    screen.go("Apple")
    screen.press("Review and agree")
    screen.says("The terms are signed.")
    a_day_on(screen)
    screen.channel("it-alerts")
    screen.message("works again since")


def a_day_on(screen: Screen) -> None:
    """Move the clock, and come back to Slack."""
    screen.go("Clock")
    screen.press("A day on")
    screen.says("It is ")
    screen.go("Slack")


def reminded(screen: Screen, look: Looked = unseen) -> None:
    """Go on to the first reminder, past what else is due before, and read it."""
    screen.go("Clock")
    look("clock")
    entry = screen.page.locator("li").filter(has_text="A reminder").first
    screen.press("Go there", entry)
    screen.says("It is ")
    screen.go("Slack")
    screen.channel("it-alerts")
    screen.message("expires")
    look("reminder")


def snooze(screen: Screen) -> None:
    """Olivia is reminded again later, on the day that the form offers."""
    reminder = screen.message("expires in")
    screen.press("Snooze…", reminder)
    screen.says("Remind us again on", screen.form)
    screen.press("Snooze", screen.form)
    screen.says("Nobody is reminded", screen.form)
    screen.press("Close", screen.form)
