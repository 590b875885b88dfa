"""The ways by which a token comes into use: held by us, or by Intune in one of its three modes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from html import escape
from pathlib import Path

from bot.views.wording import HELD_BY
from storage.states import ProgramName
from tests.journeys.conftest import USUAL
from tests.journeys.steps import APPLE_ID, upload
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server
from tests.sandbox.deployment import Deployment, deployment, new_stage
from tests.sandbox.graph.applications import FULL, GUIDED
from tests.sandbox.graph.entries import TokenEntry
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.views import View

DAY = timedelta(days=1)
APPLE_SHARES = "this service exchanges device information with Apple"
MICROSOFT_SHARES = "give permission to Microsoft to send user and device information to Apple"
TAG = "Schools"


class Way(StrEnum):
    """Who holds the token, and what is brought for it."""

    APPLE = "apple"
    """We hold it; the file is brought here."""
    FULL = "full"
    """Intune holds it; the file is brought here, and we hand it in."""
    GUIDED = "guided"
    """Intune holds it; a person hands the file in there, and we look."""
    RECORDED = "recorded"
    """Intune holds it; a person hands the file in there, and tells the date."""

    @property
    def in_intune(self) -> bool:
        """Whether Intune holds it."""
        return self is not Way.APPLE


@asynccontextmanager
async def deployed_for(way: Way, folder: Path) -> AsyncIterator[Deployment]:
    """A deployment that goes that way; both programs are offered in each."""
    stage = new_stage(intune=way in {Way.FULL, Way.GUIDED})
    stage.roles = GUIDED if way is Way.GUIDED else FULL
    if stage.intune is not None:
        stage.intune.add_scope_tag(TAG)
    async with deployment(folder, USUAL, stage, PROGRAMS="apple,intune") as running:
        await running.start()
        yield running
        assert not running.slack.violations


class Walk:
    """One token's life along one way, by the same steps for all of them."""

    def __init__(self, deployed: Deployment, way: Way, name: str) -> None:
        self.deployed = deployed
        self.way = way
        self.name = name
        self.server: Server | None = None
        self.entry: TokenEntry | None = None

    async def ask(self) -> Message:
        """Fill in the create form; the request's card."""
        olivia = self.deployed.cast.operator
        await olivia.command("/enroll-token", "create")
        await self._choose_program()
        form = await self._form("Who syncs the devices")
        assert form.says(MICROSOFT_SHARES if self.way.in_intune else APPLE_SHARES)
        assert form.says("this is the wrong choice") is not self.way.in_intune
        olivia.fill("Token name", self.name)
        olivia.fill("Apple ID", APPLE_ID)
        olivia.fill("Reason", "New iPads for the primary school")
        olivia.fill("Your agreement", "I agree")
        if self.way in {Way.FULL, Way.GUIDED}:
            olivia.fill("Scope tags", [TAG])
        elif self.way is Way.RECORDED:
            olivia.fill("Scope tags", "1")
        await olivia.submit()
        assert not olivia.errors, olivia.errors
        asked = f"asks for the token *{escape(self.name, quote=False)}*"
        return await self._said_in_approvals(asked)

    async def renew(self) -> Message:
        """Fill in the renew form; the request's card."""
        olivia = self.deployed.cast.operator
        await olivia.command("/enroll-token", f"renew {self.name}")
        form = await self._form("Download Token invalidates the token in use")
        assert form.says("another server") is not self.way.in_intune
        olivia.fill("Why", "Its year is almost over")
        await olivia.submit()
        assert not olivia.errors, olivia.errors
        return await self._said_in_approvals(f"asks to renew the token *{self.name}*")

    async def approve(self, card: Message) -> Message:
        """The approver agrees; the steps in the requester's direct messages."""
        olivia, slack = self.deployed.cast.operator, self.deployed.slack
        before = {message.ts for message in olivia.dm.messages}
        await self.deployed.cast.approver.click("Approve", message=card)
        return await slack.wait_for(
            lambda: [
                m
                for m in olivia.dm.messages
                if m.says(f"Your steps for {self.name}") and m.ts not in before
            ][-1],
            what="the steps",
        )

    async def bring_first(self, steps: Message) -> None:
        """What the person does at Apple and in Intune for a new token, and brings."""
        match self.way:
            case Way.APPLE | Way.FULL:
                self.server = self._at_apple(self._pem())
                await upload(self.deployed, steps, *self.server.download_token(as_admin=APPLE_ID))
            case Way.GUIDED:
                assert steps.says("Keep this tab open until you press Create")
                self.entry = self._made_by_hand()
                await self._done(steps)
            case Way.RECORDED:
                assert steps.says("Keep this tab open until you press Create")
                await self.enter_date(steps, datetime.now(UTC) + 300 * DAY)

    async def bring_next(self, steps: Message) -> None:
        """The same for a renewal."""
        if self.way is Way.RECORDED:
            await self.enter_date(steps, datetime.now(UTC) + 365 * DAY)
            return
        assert self.server is not None
        file = self.server.download_token(as_admin=APPLE_ID)
        if self.way is Way.GUIDED:
            assert self.entry is not None
            portal = self.deployed.tenant.portal
            portal.renew_token(self.entry, file.content, apple_id=APPLE_ID)
            await self._done(steps)
        else:
            await upload(self.deployed, steps, *file)

    async def enter_date(self, steps: Message, on: datetime) -> None:
        """Fill in the form for the date."""
        olivia = self.deployed.cast.operator
        await olivia.click("Enter the expiry date", message=steps)
        await self._form("reminders follow the date that you enter")
        olivia.fill("Expiry date of the new token", f"{on:%Y-%m-%d}")
        await olivia.submit()

    def file_for(self, certificate_pem: bytes) -> bytes:
        """A server token file for that certificate, of a server of its own."""
        name = f"{self.name} {len(self._organisation().servers)}"
        server = self._organisation().add_server(name, certificate_pem=certificate_pem)
        return server.download_token(as_admin=APPLE_ID).content

    async def _choose_program(self) -> None:
        """The form opens for Intune where it can be asked, else for us; choose the other."""
        olivia = self.deployed.cast.operator
        await self._form("Held by")
        asked = self.way in {Way.FULL, Way.GUIDED}
        if self.way.in_intune is asked and (asked or self.deployed.intune is None):
            return
        held = HELD_BY[ProgramName.INTUNE if self.way.in_intune else ProgramName.APPLE]
        await olivia.change("Held by", held)
        await self._form(MICROSOFT_SHARES if self.way.in_intune else APPLE_SHARES)

    async def _form(self, words: str) -> View:
        olivia, slack = self.deployed.cast.operator, self.deployed.slack
        return await slack.wait_for(
            lambda: (
                olivia.view
                if olivia.view and olivia.view.submit and olivia.view.says(words)
                else None
            ),
            what=f"the form that says {words!r}",
        )

    async def _done(self, steps: Message) -> None:
        await self.deployed.cast.operator.click("Done", message=steps)

    async def _said_in_approvals(self, words: str) -> Message:
        return await self.deployed.slack.wait_for(
            lambda: [m for m in self.deployed.approvals.messages if m.says(words)][-1],
            what=words,
        )

    def _made_by_hand(self) -> TokenEntry:
        portal = self.deployed.tenant.portal
        tab = portal.open_create()
        self.server = self._at_apple(tab.certificate_pem)
        file = self.server.download_token(as_admin=APPLE_ID).content
        return portal.create_token(tab, file, apple_id=APPLE_ID, name=self.name)

    def _at_apple(self, certificate_pem: bytes) -> Server:
        server = self._organisation().add_server(self.name, certificate_pem=certificate_pem)
        server.assign_devices(3)
        return server

    def _organisation(self) -> Organisation:
        apple = self.deployed.apple
        for found in apple.organisations:
            return found
        return apple.add_organisation("Example Schools", admin=APPLE_ID)

    def _pem(self) -> bytes:
        messages = self.deployed.cast.operator.dm.messages
        return [file for message in messages for file in message.files][-1].content
