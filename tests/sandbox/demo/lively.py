"""A lively organisation: its people ask, approve, go to Apple and upload, as anybody would.

Nothing is written past the product. What a year would take is shortened at Apple: the portal
hands out tokens whose year is nearly over, as if they had been downloaded long ago.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from tests.sandbox.apple.credentials import LIFETIME
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server
from tests.sandbox.demo.house import APPLE_ID, House
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.hand import NotThere

log = logging.getLogger(__name__)
T = TypeVar("T")

COMMAND = "/enroll-token"
HELD_BY = "this bot, for an MDM that cannot hold it"
AGREED = "this service exchanges device information"
PATIENCE = 30.0
PASSED = timedelta(days=2)
"""What the time is moved by, so that the bot finds out what went wrong meanwhile."""
NOON = time(12)
ACADEMY, ACADEMY_ID = "Example Academy", "mdm@academy.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One token that the organisation has."""

    name: str
    devices: int
    reason: str
    days_left: int = LIFETIME.days
    """How much of its year is left at the end of the story; -1: it ended the day before."""
    academy: bool = False
    """Whether it belongs to the other organisation."""


EXPIRED = Plan(
    name="Library Apple TVs",
    devices=180,
    reason="Screens for the reading room",
    days_left=-1,
)
SOON = Plan(
    name="Staff MacBooks",
    devices=310,
    reason="New laptops for all teachers",
    days_left=7,
)
LATER = Plan(
    name="Secondary School iPads",
    devices=420,
    reason="Years 7 to 10",
    days_left=60,
)
SUPERSEDED = Plan(name="Exam iPhones", devices=120, reason="Phones for oral exams")
UNSIGNED = Plan(name="Academy iPads", devices=70, reason="The academy joins us", academy=True)
FRESH = Plan(name="Primary School iPads", devices=900, reason="One iPad for every pupil")
WAITING = (
    Plan(name="Art Room Vision Pros", devices=0, reason="Sculpting in three dimensions"),
    Plan(name="Sports Hall Apple TVs", devices=0, reason="Scores and slow motion"),
)
APPROVED = Plan(name="Reception iPads", devices=0, reason="Visitors sign in on them")
STEPS = 11


class Lively:
    """Makes the organisation, once, while the pages go on."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._slack = house.stage.slack
        self._olivia = house.stage.cast.operator
        self._amir = house.stage.cast.approver
        self._task: asyncio.Task[None] | None = None
        self._done = 0

    def start(self) -> None:
        """Begin. Raises NotThere where it was made, or is being made."""
        if self._house.kept.lively or (self._task and not self._task.done()):
            raise NotThere("The lively organisation is there already.")
        self._house.is_making = True
        self._task = asyncio.create_task(self._made())

    async def _made(self) -> None:
        try:
            await self._make()
        except Exception as error:  # whatever it is, the page says where it ended
            log.exception("lively organisation")
            self._says(f"It stopped at step {self._done}: {str(error).splitlines()[0]}")
        else:
            self._house.kept.lively = True
            self._says("")
        finally:
            self._house.is_making = False
            self._house.changes.mark()

    async def _make(self) -> None:
        schools = self._house.stage.apple.organisations[0]
        academy = self._house.stage.apple.add_organisation(ACADEMY, admin=ACADEMY_ID)
        servers: dict[Plan, Server] = {}
        for plan in (EXPIRED, SOON, LATER, SUPERSEDED, UNSIGNED):
            self._step(f"{plan.name}: asked for, approved, downloaded, uploaded")
            servers[plan] = await self._bring(plan, academy if plan.academy else schools)
        self._step("Somebody downloads a token out of curiosity; Apple has new terms")
        servers[SUPERSEDED].download_token()
        academy.change_terms()
        self._step("Two days go by")
        self._house.time.move(PASSED)
        self._step(f"{FRESH.name}: asked for, approved, downloaded, uploaded")
        await self._bring(FRESH, schools)
        self._step(f"{APPROVED.name}: asked for and approved")
        await self._approved(APPROVED)
        for plan in WAITING:
            self._step(f"{plan.name}: asked for")
            await self._asked(plan)

    async def _bring(self, plan: Plan, organisation: Organisation) -> Server:
        steps = await self._approved(plan)
        pem = self._pem(steps)
        server = organisation.add_server(plan.name, certificate_pem=pem)
        server.assign_devices(plan.devices)
        file = server.download_token(lifetime=self._lifetime(plan))
        await self._olivia.click("Upload server token", message=steps)
        await self._wait(lambda: self._olivia.view and self._olivia.view.submit, "the upload form")
        self._olivia.fill("Server token file", (file.name, file.content))
        await self._olivia.submit()
        await self._closed("is in use")
        alerts = self._house.stage.alerts
        said = f"*{plan.name}* has {plan.devices} devices"
        await self._wait(lambda: any(m.says(said) for m in alerts.messages), "the first sync")
        return server

    def _lifetime(self, plan: Plan) -> timedelta:
        """What is left of the token's year, to the noon of a day; a fresh one has it whole."""
        if plan.days_left == LIFETIME.days:
            return LIFETIME
        now = self._house.time.now()
        zone = ZoneInfo(self._house.zone)
        last = (now + PASSED).astimezone(zone).date() + timedelta(days=plan.days_left)
        return datetime.combine(last, NOON, zone) - now

    async def _asked(self, plan: Plan) -> Message:
        olivia = self._olivia
        await olivia.command(COMMAND, "create", channel=self._house.general())
        await self._wait(lambda: olivia.view and olivia.view.submit, "the form")
        await olivia.change("Held by", HELD_BY)
        await self._wait(lambda: olivia.view and olivia.view.says(AGREED), "the bot's own form")
        olivia.fill("Token name", plan.name)
        olivia.fill("Portal", "Apple Business" if plan.academy else "Apple School Manager")
        olivia.fill("Apple ID", ACADEMY_ID if plan.academy else APPLE_ID)
        olivia.fill("Reason", plan.reason)
        olivia.fill("Your agreement", "I agree")
        await olivia.submit()
        if olivia.errors:
            raise NotThere(" ".join(olivia.errors.values()))
        await self._closed("")
        asked = f"asks for the token *{plan.name}*"
        approvals = self._house.stage.approvals
        return await self._wait(
            lambda: next((m for m in reversed(approvals.messages) if m.says(asked)), None),
            "the request",
        )

    async def _approved(self, plan: Plan) -> Message:
        card = await self._asked(plan)
        await self._amir.click("Approve", message=card)
        messages = self._olivia.dm.messages
        steps = f"Your steps for {plan.name}"
        return await self._wait(
            lambda: next((m for m in reversed(self._olivia.dm.messages) if m.says(steps)), None),
            f"the steps after {len(messages)} messages",
        )

    def _pem(self, steps: Message) -> bytes:
        """The certificate that came last before the steps."""
        before = [m for m in self._olivia.dm.messages if m.ts < steps.ts]
        return [file for message in before for file in message.files][-1].content

    async def _closed(self, words: str) -> None:
        """Read what the form became, and close it."""
        olivia = self._olivia
        await self._wait(
            lambda: olivia.view and not olivia.view.submit and olivia.view.says(words),
            f"a form that says {words!r}",
        )
        await olivia.close(all_views=True)

    async def _wait(self, condition: Callable[[], T | None], what: str) -> T:
        return await self._slack.wait_for(condition, within=PATIENCE, what=what)

    def _step(self, words: str) -> None:
        self._done += 1
        self._says(f"{self._done} of {STEPS}: {words}")

    def _says(self, words: str) -> None:
        self._house.making = words
        self._house.changes.mark()
