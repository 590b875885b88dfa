"""People: a password is changed, an account is deleted, an owner leaves."""

from datetime import UTC, date, datetime, timedelta

from tests.sandbox.slack.person import Person
from tests.sandbox.slack.render import render_message
from tests.sandbox.tour_scenes import COMMAND, Scenes, must
from tests.sandbox.tour_watch import APPLE_ID, DEPOT_ID, LOOK, SECOND

LAST_DAY = date(2027, 6, 30)
WEEK_BEFORE = datetime(2027, 6, 23, 9, 0, tzinfo=UTC)


class People(Scenes):
    """What happens to people happens to their tokens."""

    async def walk(self) -> None:
        """Act every step."""
        self.story.act("People: passwords, accounts, owners")
        await self._report_a_password()
        await self._let_apple_end_it()
        await self._delete_the_account()
        await self._report_a_leaver()
        await self._a_week_before()
        await self._deactivate()
        await self._hand_over()

    async def _report_a_password(self) -> None:
        story, amir = self.story, self.amir
        story.step("Amir changes an Apple ID's password, and says so")
        await self._reports(amir, "An Apple ID's password changed")
        amir.fill("Apple ID", DEPOT_ID.upper())
        self.shows_view(amir, "He types /enroll-token report and chooses the password:")
        await self.sends(amir)
        told = await self.said(self.alerts, "The password of the Apple ID")
        story.show("In #it-alerts, before a device has failed:", render_message(told))
        await self.said(self.bea.dm, "The password of the Apple ID")
        story.tell("Bea, who answers for the token, gets the same as a direct message.")

    async def _reports(self, person: Person, what: str) -> None:
        await person.command(COMMAND, "report")
        await self.view(person, lambda view: view.says("What happened"))
        await person.click(what)
        await self.opened(person)

    async def _let_apple_end_it(self) -> None:
        story = self.story
        story.step("Nobody renews it, and Apple ends the token")
        self.organisation.change_password(DEPOT_ID)
        self.goes_on(LOOK, "At the next look:")
        alert = await self.said(self.alerts, f"*{SECOND}:", "password changed")
        story.show("In #it-alerts:", render_message(alert))
        await self.renews(SECOND, why="The Apple ID's password was changed", apple_id=DEPOT_ID)
        await self.edited(alert, "works again")
        over = await self.said(self.alerts, "Every token of the Apple ID whose password changed")
        must(not over.buttons, "the report has buttons still")
        story.show("Olivia renews it. The alert now reads:", render_message(alert))
        story.show("And the report:", render_message(over))

    async def _delete_the_account(self) -> None:
        story = self.story
        story.step("The account that downloaded a token is deleted")
        self.organisation.remove_admin(DEPOT_ID)
        self.goes_on(LOOK, "At the next look:")
        alert = await self.said(self.alerts, f"*{SECOND}:", "is gone or barred")
        story.show("In #it-alerts:", render_message(alert))
        await self.renews(
            SECOND,
            why="The person whose Apple ID downloaded it has left",
            apple_id=APPLE_ID,
        )
        renewed = await self.said(self.alerts, f"{SECOND} is renewed", APPLE_ID)
        story.show(
            "Olivia renews it with another Apple ID, which is said aloud:",
            render_message(renewed),
        )
        await self.edited(alert, "works again")

    async def _report_a_leaver(self) -> None:
        story, amir = self.story, self.amir
        story.step("An owner will leave: Amir reports it in time")
        await self._reports(amir, "An owner leaves")
        amir.fill("Who leaves", self.bea.name)
        amir.fill("Last day", LAST_DAY.isoformat())
        self.shows_view(amir, "He types /enroll-token report again:")
        await self.sends(amir)
        told = await self.said(self.alerts, "a new owner by")
        must(not told.says(self.bea.id), "the channel names who leaves")
        story.show("In #it-alerts, where nobody is named:", render_message(told))
        named = await self.said(self.adele.dm, "leaves on")
        story.show("Adele is an admin. She is told who it is:", render_message(named))

    async def _a_week_before(self) -> None:
        self.story.step("A week before the last day it is said again")
        before = len(self.adele.dm.messages)
        self.goes_on_to(WEEK_BEFORE)
        again = await self.happens(lambda: self.adele.dm.messages[before], "the second message")
        self.story.show("Adele gets one more direct message:", render_message(again))

    async def _deactivate(self) -> None:
        self.story.step("The account at Slack is deactivated")
        self.goes_on(timedelta(days=7), "On the last day:")
        await self.bea.deactivate()
        told = await self.said(self.alerts, "was deactivated")
        self.story.show("At once, in #it-alerts:", render_message(told))

    async def _hand_over(self) -> None:
        story, adele = self.story, self.adele
        story.step("Adele hands the token over")
        told = await self.said(self.alerts, "was deactivated")
        await adele.click("Hand over…", message=told)
        await self.opened(adele)
        adele.fill("New owner", self.olivia.name)
        self.shows_view(adele, "She presses Hand over… and chooses Olivia:")
        await self.sends(adele)
        news = await self.said(self.olivia.dm, "from now on")
        story.show("Olivia gets a direct message:", render_message(news))
        await self.edited(told, "has a new owner")
        story.show("And in #it-alerts the message now reads:", render_message(told))
