"""A token's year, and another team's token in Intune, acted out around the real `serve`."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.sandbox.apple.server import TokenFile
from tests.sandbox.deployment import Deployment, Transport, deployment, new_stage
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.render import render_message
from tests.sandbox.tour_intune import InIntune
from tests.sandbox.tour_later import LaterLife
from tests.sandbox.tour_people import People
from tests.sandbox.tour_proof import Claim, claims, common_claims
from tests.sandbox.tour_reminders import Expired, Reminded
from tests.sandbox.tour_scenes import COMMAND, Scenes, must
from tests.sandbox.tour_story import Story
from tests.sandbox.tour_time import begun, told
from tests.sandbox.tour_watch import Watch

TITLE = "The tour: an enrollment program token, from the request to its end"
TOKEN = "HQ iPads"
APPLE_ID = "it-admin@schools.example"
DEVICES = 25
LOOK_UP_DELAY = 1.5
"""Seconds that Slack takes to tell a role, so that the process dies before it weighs a click."""
SCAN_DELAY = 0.2
"""Seconds that Slack takes to tell of a file, so that the form's first answer is always seen."""
FINE, WRONG = 0, 1
Checked = tuple[str, list[Claim]]
"""A heading, and what was claimed under it."""
WEB_PAGE = b"<!doctype html><title>Sign in</title><p>Your session has ended.</p>"


def tour(write: Path | None) -> int:
    """Tell the story, and write it as Markdown where asked to; the process's exit code.

    SIGTERM ends it with KeyboardInterrupt, as Ctrl-C does.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ✅ shows a question mark
    story = Story(title=TITLE, out=sys.stdout)
    try:
        code = asyncio.run(_told(story))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None  # SIGTERM, see _end_on_sigterm
    except BrokenPipeError:
        # Whoever read the story has left; nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG
    if code == FINE and write is not None:
        write.parent.mkdir(parents=True, exist_ok=True)
        write.write_text(story.markdown(), encoding="utf-8")
    return code


async def _told(story: Story) -> int:
    _end_on_sigterm()
    began = time.monotonic()
    story.begin()
    try:
        checked = []
        for team in (_apples_team, _intunes_team):
            with tempfile.TemporaryDirectory(prefix="enroll-token-tour-") as folder:
                checked.append(await team(Path(folder), story))
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the tour says where it ended
        what = str(error) or type(error).__name__
        print(f"\nThe tour went wrong {story.where}: {what}", file=sys.stderr)
        return WRONG
    story.act("What was checked")
    for heading, found in checked:
        lines = [f"• {'NO' if claim.against else 'yes'}: {claim.words}" for claim in found]
        story.show(heading, "\n".join(lines))
    print(f"\nThe tour took {time.monotonic() - began:.1f} seconds.", flush=True)
    wrong = [trouble for _, found in checked for claim in found for trouble in claim.against]
    for trouble in wrong:
        print(f"Wrong: {trouble}.", file=sys.stderr)
    return WRONG if wrong else FINE


async def _apples_team(folder: Path, story: Story) -> Checked:
    """The team whose token the bot itself holds."""
    stage = new_stage()
    clock = begun(stage)
    async with (
        told(clock) as clock_url,
        deployment(folder, Transport.HTTP, stage, CLOCK_URL=clock_url) as deployed,
    ):
        await deployed.start()
        scenes = deployed, story, clock
        await Tour(*scenes).walk()
        calm = len(deployed.apple.requests)
        await Watch(*scenes).walk()
        await People(*scenes).walk()
        await Reminded(*scenes).walk()
        await LaterLife(*scenes).renew()
        await Reminded(*scenes).turn_green()
        await Expired(*scenes).walk()
        await LaterLife(*scenes).delete()
        found = list(claims(deployed, known_text=TOKEN, calm=calm))
        return f"After {story.steps} steps:", [*found, await _ended(deployed)]


async def _intunes_team(folder: Path, story: Story) -> Checked:
    """The team whose token Intune holds."""
    stage = new_stage(intune=True)
    clock = begun(stage)
    async with (
        told(clock) as clock_url,
        deployment(
            folder, Transport.HTTP, stage, CLOCK_URL=clock_url, ENTRA_WATCH="on"
        ) as deployed,
    ):
        before = story.steps
        act = InIntune(deployed, story, clock)
        await act.walk()
        found = list(common_claims(deployed, known_text=act.entry.name))
        return f"And after {story.steps - before} more:", [*found, await _ended(deployed)]


async def _ended(deployed: Deployment) -> Claim:
    code = await deployed.stop()
    against = [] if code in (FINE, -signal.SIGTERM) else [f"serve ended with exit code {code}"]
    return Claim(words="the process ended when it was told to", against=against)


def _end_on_sigterm() -> None:
    """A build that is cancelled ends the tour like Ctrl-C, so that `serve` is not left behind."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


class Tour(Scenes):
    """The main job, told step by step."""

    async def walk(self) -> None:
        """Act every step."""
        self.story.act("The main job: from the request to a token in use")
        self._introduce()
        await self._ask_for_help()
        card = await self._ask_for_a_token()
        await self._approve_ones_own(card)
        steps = await self._approve(card)
        file = self._visit_the_portal()
        await self._upload_a_wrong_file(steps)
        await self._upload_the_token(steps, file)
        await self._see_the_outcome(steps, card)
        await self._look_at_tokens()
        await self._inspect(file)

    def _introduce(self) -> None:
        self.story.tell(
            "Olivia is an operator: she may ask for tokens. Amir is an approver. Slack and Apple "
            "are stand-ins on this machine; what runs between them is the real `enroll-token "
            "serve`, with a database in a temporary folder. The clock is moved by the story; it is "
            f"{self.time.now():%A, %-d %B %Y}."
        )

    async def _ask_for_help(self) -> None:
        self.story.step("Olivia asks for help")
        await self.asked(self.olivia, "help")
        self.story.step("Olivia mistypes a word")
        await self.asked(self.olivia, "crate")

    async def _ask_for_a_token(self) -> Message:
        story, olivia = self.story, self.olivia
        story.step("Olivia asks for a token")
        self.types(olivia, "create")
        await olivia.command(COMMAND, "create")
        await self.view(olivia, lambda view: view.submit)
        self.shows_view(olivia, "A form opens:")
        story.step("Olivia fills the form in, with two mistakes")
        olivia.fill("Token name", "🎉🎉")
        olivia.fill("Portal", "Apple School Manager")
        olivia.fill("Apple ID", "it-admin")
        olivia.fill("Reason", "25 new iPads for the head office")
        olivia.fill("Your agreement", "I agree")
        await olivia.submit()
        must(set(olivia.errors) == {"Token name", "Apple ID"}, f"the form says {olivia.errors}")
        self.shows_view(olivia, "She presses Ask for approval; what she typed stays:")
        story.step("Olivia corrects it")
        olivia.fill("Token name", TOKEN)
        olivia.fill("Apple ID", APPLE_ID)
        story.tell(
            f"She changes the token's name to {TOKEN} and the Apple ID to {APPLE_ID}, and presses "
            "Ask for approval again."
        )
        await olivia.submit()
        must(not olivia.errors, f"the form says {olivia.errors}")
        self.shows_view(olivia, "The form becomes:")
        await olivia.close()
        card = await self.happens(lambda: self.deployed.approvals.messages[0], "the request")
        story.show("In #it-approvals stands:", render_message(card))
        return card

    async def _approve_ones_own(self, card: Message) -> None:
        self.story.step("Olivia tries to approve her own request")
        self.story.tell(
            "Slack shows *Approve* to approvers only. An older client of Slack shows it to Olivia "
            "too, and she presses it."
        )
        seen = len(self.olivia.ephemerals)
        approve = next(button for button in card.buttons if button.text == "Approve")
        pressed = {"type": "button", "block_id": approve.block_id, **approve.element}
        await self.olivia.click(pressed, message=card)
        answer = await self.happens(lambda: self.olivia.ephemerals[seen], "an answer to the click")
        self.story.show("In #it-approvals, only Olivia sees:", render_message(answer))

    async def _approve(self, card: Message) -> Message:
        story, deployed = self.story, self.deployed
        story.step("Amir approves, and the process is killed at that moment")
        self.slack.faults.delay("users.info", LOOK_UP_DELAY, times=None)
        await self.amir.click("Approve", message=card)
        await deployed.kill()
        self.slack.faults.clear()
        must(bool(card.buttons), "the card was edited before the process was killed")
        self.confirmed(self.amir)
        story.tell(
            "His click is acknowledged, and kept. Before anything can follow from it, the process "
            "is ended with kill -9. The card stands as it was."
        )
        story.step("The process starts again, and goes on where it was")
        await deployed.start()
        await self.happens(lambda: card.says("waits for the server token file"), "the card's edit")
        must(not card.buttons, "the card has buttons still")
        story.show(
            "Nobody clicks again. In #it-approvals the card is edited:", render_message(card)
        )
        steps = await self.happens(
            lambda: next((m for m in self.olivia.dm.messages if m.says("Your steps")), None),
            "the steps",
        )
        first = self.olivia.dm.messages[0]
        story.show("Olivia gets two direct messages. A file:", render_message(first))
        story.show("And what to do with it:", render_message(steps))
        return steps

    def _visit_the_portal(self) -> TokenFile:
        self.story.step("Olivia goes to Apple School Manager")
        pem = self.olivia.dm.messages[0].files[0]
        organisation = self.deployed.apple.add_organisation(
            "Example Schools", admin=APPLE_ID, type="edu"
        )
        server = organisation.add_server(TOKEN, certificate_pem=pem.content)
        serials = server.assign_devices(DEVICES)
        file = server.download_token(as_admin=APPLE_ID)
        (self.deployed.folder / file.name).write_bytes(file.content)
        self.story.show(
            f"Signed in as {APPLE_ID}, she does what the steps say:",
            f"Add a device management service: {TOKEN}, with {pem.name}\n"
            f"Assign devices to it: {len(serials)} devices\n"
            f"Download Token: the browser saves {file.name}",
        )
        return file

    async def _upload_a_wrong_file(self, steps: Message) -> None:
        story, olivia = self.story, self.olivia
        story.step("Olivia uploads a wrong file first")
        self.slack.faults.delay("files.info", SCAN_DELAY, times=None)
        await self.open_upload(steps)
        olivia.fill("Server token file", ("signin.html", WEB_PAGE))
        self.shows_view(olivia, "She presses Upload server token and chooses a saved web page:")
        seen = len(olivia.dm.messages)
        await olivia.submit()
        self.shows_view(olivia, "She presses Upload. At once the form becomes:")
        await self.view(olivia, lambda view: view.says("was not taken"))
        self.shows_view(olivia, "A moment later:")
        refused = await self.happens(lambda: olivia.dm.messages[seen], "the refusal")
        story.show("The same comes as a direct message:", render_message(refused))
        await olivia.close()

    async def _upload_the_token(self, steps: Message, file: TokenFile) -> None:
        olivia = self.olivia
        self.story.step("Olivia uploads the server token file")
        await self.open_upload(steps)
        olivia.fill("Server token file", file)
        self.shows_view(olivia, "She presses Upload server token again and chooses the .p7m:")
        await olivia.submit()
        self.shows_view(olivia, "She presses Upload. At once the form becomes:")
        await self.view(olivia, lambda view: view.says("is in use"))
        self.shows_view(olivia, "A moment later:")
        await olivia.close()

    async def _see_the_outcome(self, steps: Message, card: Message) -> None:
        story, alerts = self.story, self.deployed.alerts
        story.step("Everybody sees the outcome")
        await self.happens(lambda: steps.says("is in use"), "the outcome in the steps' place")
        story.show("Olivia's message with the steps is edited:", render_message(steps))
        please = await self.happens(
            lambda: next((m for m in self.olivia.dm.messages if m.says("delete")), None),
            "what becomes of the uploaded file",
        )
        story.show("Her last direct message is about the uploaded file:", render_message(please))
        await self.happens(lambda: card.says("in use since"), "the card's last edit")
        story.show("In #it-approvals the card is edited a last time:", render_message(card))
        active = await self.happens(lambda: alerts.messages[0], "the outcome")
        story.show("In #it-alerts:", render_message(active))
        synced = await self.happens(lambda: alerts.messages[1], "the sync's result")
        must(synced.says(f"{DEVICES} added"), "the sync's result tells other numbers")
        story.show("And right after it:", render_message(synced))

    async def _look_at_tokens(self) -> None:
        self.story.step("Amir looks at the tokens")
        await self.asked(self.amir, "list")
        await self.asked(self.amir, f"status {TOKEN.lower()}")

    async def _inspect(self, file: TokenFile) -> None:
        self.story.step("Olivia looks into the downloaded file, in a terminal")
        code, out, err = await self.deployed.command_line("inspect", file.name)
        must(code == FINE, f"inspect ended with {code}: {err}")
        line = f'$ enroll-token inspect "{file.name}"'
        self.story.show("This needs no settings and tells no secret:", f"{line}\n{out.rstrip()}")
