"""The end of the year: a reminder, a snooze, an escalation, and a token that nobody renewed."""

from datetime import UTC, datetime, timedelta

from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.render import render_message
from tests.sandbox.tour_scenes import Scenes, must
from tests.sandbox.tour_watch import APPLE_ID, FIRST, SECOND

FRIDAY = datetime(2027, 11, 12, 9, 0, tzinfo=UTC)
"""60 days before the end is a Saturday."""
SNOOZED_UNTIL = datetime(2028, 1, 3, 9, 0, tzinfo=UTC)
WEEK_LEFT = datetime(2028, 1, 5, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Reminded(Scenes):
    """Nobody can say that they were not told."""

    async def walk(self) -> None:
        """Act every step up to the renewal, which is told by others."""
        self.story.act("The end of the year: reminders")
        warning = await self._remind()
        await self._snooze(warning)
        await self._remind_again()
        await self._escalate()

    async def _remind(self) -> Message:
        story = self.story
        story.step("60 days before the end there is a reminder")
        self.goes_on_to(FRIDAY)
        story.tell("60 days before the end is a Saturday, so it comes on the Friday.")
        warning = await self.said(self.alerts, f"*{FIRST} expires in")
        story.show("In #it-alerts:", render_message(warning))
        direct = await self.said(self.olivia.dm, f"*{FIRST} expires in")
        story.show("Olivia, who answers for the token, directly:", render_message(direct))
        return warning

    async def _snooze(self, warning: Message) -> None:
        story, olivia = self.story, self.olivia
        story.step("Olivia snoozes it")
        await olivia.click("Snooze…", message=warning)
        await self.opened(olivia)
        olivia.fill("Remind us again on", "2028-02-01")
        await olivia.submit()
        self.shows_view(olivia, "She chooses a day after the token's end:")
        must(bool(olivia.errors), "the form takes a day after the end")
        olivia.fill("Remind us again on", SNOOZED_UNTIL.date().isoformat())
        await olivia.submit()
        must(not olivia.errors, f"the form says {olivia.errors}")
        self.shows_view(olivia, f"She chooses {SNOOZED_UNTIL:%-d %B %Y} instead:")
        await olivia.close()
        await self.edited(warning, "Snoozed by")
        story.show("In #it-alerts the reminder now reads:", render_message(warning))

    async def _remind_again(self) -> None:
        self.story.step("That morning it goes on")
        self.goes_on_to(SNOOZED_UNTIL)
        warning = await self.said(self.alerts, f"*{FIRST} expires in 9 days")
        self.story.show("In #it-alerts:", render_message(warning))

    async def _escalate(self) -> None:
        story = self.story
        story.step("With a week left nobody answers, and the approvers are told")
        self.goes_on_to(WEEK_LEFT)
        warning = await self.said(self.alerts, f"*{FIRST} expires in 7 days")
        story.show("In #it-alerts:", render_message(warning))
        self.goes_on(DAY, "A day goes by without an answer.")
        told = await self.said(self.amir.dm, f"Nobody has answered the reminder for {FIRST}")
        story.show("Amir gets a direct message:", render_message(told))
        await self.amir.click("I'm on it", message=told)
        await self.edited(warning, "is on it")
        await self.edited(told, "is on it")
        story.show(
            "He presses I'm on it, which is quiet for three days. In #it-alerts:",
            render_message(warning),
        )
        story.show("And his own message now reads:", render_message(told))

    async def turn_green(self) -> None:
        """After the renewal: what was said before says so in its place."""
        warnings = [m for m in self.alerts.messages if m.says(FIRST) and m.says("was renewed")]
        await self.happens(lambda: not any(m.buttons for m in warnings), "the warnings' last edit")
        warning = await self.said(self.alerts, f"*{FIRST}* was renewed")
        self.story.step("The reminders turn green")
        self.story.show("Each of them now reads:", render_message(warning))


class Expired(Scenes):
    """What happens when nobody renews."""

    async def walk(self) -> None:
        """Act every step."""
        story = self.story
        story.step("The other token is forgotten, and expires")
        token = self.server(SECOND).token
        must(token is not None, f"{SECOND} has no token")
        if token is not None:
            end = token.credentials.access_token_expiry
            self.goes_on_to(datetime(end.year, end.month, end.day, 9, 0, tzinfo=UTC) + DAY)
        alert = await self.said(self.alerts, f"*{SECOND}: it has expired")
        story.show("In #it-alerts:", render_message(alert))
        warning = await self.said(self.alerts, f"*{SECOND} expired on")
        story.show("And a reminder, every day from now on:", render_message(warning))
        story.step("Olivia renews it after all")
        await self.renews(SECOND, why="Its year is almost over", apple_id=APPLE_ID)
        await self.edited(alert, "works again")
        await self.edited(warning, "was renewed")
        story.show("The alert now reads:", render_message(alert))
        story.show("And the reminder:", render_message(warning))
