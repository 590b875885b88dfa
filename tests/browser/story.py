"""The yearly job as somebody does it on the pages, by nothing but what is to be read there."""

from collections.abc import Callable
from pathlib import Path

from tests.browser.screen import Screen

OLIVIA, AMIR, ADELE = "Olivia Operator", "Amir Approver", "Adele Admin"
APPLE_ID = "it-admin@schools.example"
NAME = "HQ iPads"

Looked = Callable[[str], None]


def unseen(_: str) -> None:
    """Look at nothing on the way."""


def ask(screen: Screen, name: str = NAME, look: Looked = unseen) -> None:
    """Olivia asks for a token."""
    screen.channel("general")
    screen.command("/enroll-token create")
    screen.fill("Token name", name)
    screen.fill("Reason", "New iPads for the primary school")
    screen.tick("I agree")
    screen.press("Ask for approval")
    error = screen.says("Please complete this required field.", screen.form)
    assert error.is_visible()
    screen.fill("Apple ID", APPLE_ID)
    look("create-form")
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
    screen.says("25 devices were assigned")
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
