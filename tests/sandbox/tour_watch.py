"""The watch: the Monday's digest, and everything that can go wrong with a token during its year."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

from tests.sandbox.apple import faults
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.render import render_message
from tests.sandbox.tour_scenes import COMMAND, Scenes, must

FIRST, SECOND = "HQ iPads", "Depot iPads"
APPLE_ID, DEPOT_ID = "it-admin@schools.example", "depot@schools.example"
MONDAY = datetime(2027, 1, 18, 9, 0, tzinfo=UTC)
LOOK = timedelta(hours=6)
"""How often Apple is asked about a token (`HEALTH_EVERY`)."""
SOON = timedelta(minutes=31)
"""How often, about one in trouble."""
CALLS = ("/account", "/session")
MANY = 1000
SILENT = "SELECT count(*) FROM token WHERE health IN ('throttled', 'unreachable')"


class Watch(Scenes):
    """A year under watch, told step by step."""

    async def walk(self) -> None:
        """Act every step."""
        self.story.act("The year: a weekly digest, and what can go wrong")
        await self._bring_a_second_token()
        await self._read_the_digest()
        await self._let_terms_change()
        await self._let_apple_be_busy()
        await self._let_apple_be_silent()
        await self._download_out_of_curiosity()

    async def _bring_a_second_token(self) -> None:
        olivia = self.olivia
        self.story.step("A second token comes into use")
        await olivia.command(COMMAND, "create")
        await self.opened(olivia)
        olivia.fill("Token name", SECOND)
        olivia.fill("Portal", "Apple School Manager")
        olivia.fill("Apple ID", DEPOT_ID)
        olivia.fill("Owner", self.bea.name)
        olivia.fill("Reason", "iPads for the warehouse")
        olivia.fill("Your agreement", "I agree")
        await self.sends(olivia)
        steps = await self.approved_steps(
            f"asks for the token *{SECOND}*", f"Your steps for {SECOND}"
        )
        pem = [file for message in olivia.dm.messages for file in message.files][-1]
        self.organisation.add_admin(DEPOT_ID)
        server = self.organisation.add_server(SECOND, certificate_pem=pem.content)
        server.assign_devices(10)
        await self.uploads(steps, server.download_token(as_admin=DEPOT_ID))
        await self.said(self.alerts, f"*{SECOND}* has 10 devices now")
        self.story.tell(
            f"In the same way {SECOND} comes into use. It was downloaded with another Apple ID, "
            f"{DEPOT_ID}, and Bea answers for it."
        )

    async def _read_the_digest(self) -> None:
        self.story.step("On Monday morning there is a digest, with a picture")
        self.goes_on_to(MONDAY)
        digest = await self.said(self.alerts, "Enrollment tokens, week of")
        self.story.show("In #it-alerts, whether or not there is anything to do:", drawn(digest))
        self.story.tell(
            "The picture shows every token on a time line up to its end. What stands in brackets "
            "is what somebody hears who cannot see it. `/enroll-token list` offers it too."
        )

    async def _let_terms_change(self) -> None:
        story = self.story
        story.step("Apple has new terms")
        self.organisation.change_terms()
        self.goes_on(LOOK, "Apple is asked every six hours. The next time:")
        alert = await self.said(self.alerts, f"*{FIRST}:", "new terms")
        story.show("In #it-alerts:", drawn(alert))
        await self.said(self.alerts, f"*{SECOND}:", "new terms")
        story.tell(f"{SECOND} is of the same organisation, and gets the same message.")
        story.step("An Administrator signs them")
        self.organisation.sign_terms()
        self.goes_on(SOON, "A token in trouble is asked about every half hour:")
        await self._all_clear(alert, f"*{FIRST}* works again")

    async def _all_clear(self, alert: Message, words: str) -> None:
        clear = await self.happens(
            lambda: [m for m in self.alerts.messages if m.says(words) and m.ts > alert.ts][-1],
            "the all-clear",
        )
        self.story.show("In #it-alerts:", drawn(clear))
        await self.edited(alert, "again since")
        must(not alert.buttons, "the alert has buttons still")
        self.story.show("And the alert itself now reads:", drawn(alert))

    async def _let_apple_be_busy(self) -> None:
        self.story.step("Apple asks to be left alone for a while")
        await self._outage(
            faults.throttled(1),
            "asking us to wait",
            "Every call is answered with “too many requests”. For an hour that is nobody's "
            "business; then it is one message, whatever the number of tokens:",
        )

    async def _let_apple_be_silent(self) -> None:
        self.story.step("Apple does not answer")
        await self._outage(
            faults.status(500, "oops"), "no usable answer", "Every call fails. After an hour:"
        )

    async def _outage(self, fault: faults.Fault, words: str, told: str) -> None:
        for call in CALLS:
            self.deployed.apple.faults.next(call, fault, times=MANY)
        self.time.move(LOOK)
        await self.happens(lambda: self._silent() == len((FIRST, SECOND)), "calls that fail")
        self.goes_on(2 * SOON, told)
        alert = await self.said(self.alerts, "2 tokens:", words)
        self.story.show("In #it-alerts:", drawn(alert))
        self.deployed.apple.faults.clear()
        self.goes_on(SOON, "Apple answers again:")
        await self._all_clear(alert, "*2 tokens* work again")

    def _silent(self) -> int:
        """Of how many tokens Apple says nothing, as the bot's database has it."""
        path = f"{self.deployed.database.as_uri()}?mode=ro"
        with closing(sqlite3.connect(path, uri=True)) as db:
            (count,) = db.execute(SILENT).fetchone()
        return int(count)

    async def _download_out_of_curiosity(self) -> None:
        story, olivia = self.story, self.olivia
        story.step("Somebody presses Download Token out of curiosity")
        server = self.server(SECOND)
        file = server.download_token(as_admin=DEPOT_ID)
        self.goes_on(LOOK, "The token in use died with that click. At the next look:")
        alert = await self.said(self.alerts, f"*{SECOND}:", "a newer token of its server")
        story.show("In #it-alerts:", drawn(alert))
        story.step("Olivia brings the newest file")
        await olivia.click("Renew", message=alert)
        await self.opened(olivia)
        self.shows_view(olivia, "She presses Renew under the alert. The form knows already:")
        before = len(olivia.dm.messages)
        await self.sends(olivia)
        steps = await self.happens(
            lambda: [m for m in olivia.dm.messages[before:] if m.says("Half done")][-1], "the steps"
        )
        story.show("She need not wait for anybody, as waiting protects nobody:", drawn(steps))
        await self.uploads(steps, file)
        renewed = await self.said(self.alerts, f"{SECOND} is renewed")
        story.show("She uploads the file that was downloaded. In #it-alerts:", drawn(renewed))
        await self.edited(alert, "works again")
        story.show("And the alert now reads:", drawn(alert))


def drawn(message: Message) -> str:
    """The message as lines of text."""
    return render_message(message)
