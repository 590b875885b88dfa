"""What every scene of the tour is made of: people act, and the story tells what each sees."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server, TokenFile
from tests.sandbox.demo.time import MovedTime
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.conversations import Channel, Message
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.render import render_message, render_view
from tests.sandbox.slack.views import View
from tests.sandbox.tour_story import Story

T = TypeVar("T")
COMMAND = "/enroll-token"
PATIENCE = 30.0
"""Seconds until something that has to happen counts as missing; a busy machine is slow."""


class Scenes:
    """The people act, and the story tells what each of them sees."""

    def __init__(self, deployed: Deployment, story: Story, time: MovedTime) -> None:
        self.deployed = deployed
        self.story = story
        self.time = time
        self.slack = deployed.slack
        self.olivia = deployed.cast.operator
        self.amir = deployed.cast.approver
        self.bea = deployed.cast.second_approver
        self.adele = deployed.cast.admin
        self.alerts = deployed.alerts

    async def asked(self, person: Person, words: str) -> None:
        """Somebody types a command, and sees its answer."""
        seen = len(person.ephemerals)
        self.types(person, words)
        await person.command(COMMAND, words)
        answer = await self.happens(lambda: person.ephemerals[seen], "an answer to the command")
        self.story.show(f"Only {first_name(person)} sees:", render_message(answer))

    async def open_upload(self, steps: Message) -> None:
        """Olivia presses the upload button, and the form opens."""
        await self.olivia.click("Upload server token", message=steps)
        await self.view(self.olivia, lambda view: view.submit)

    def types(self, person: Person, words: str) -> None:
        """Tell what somebody types."""
        self.story.show(f"{first_name(person)} types:", f"{COMMAND} {words}")

    def confirmed(self, person: Person) -> None:
        """Tell what Slack asked before the click."""
        self.story.show(
            f"{first_name(person)} presses Approve. Slack asks first, and gets a yes:",
            person.confirms[-1],
        )

    def shows_view(self, person: Person, sentence: str) -> None:
        """Show the form that somebody looks at."""
        view = person.view
        must(view is not None, f"{person.name} has no form open; Slack said {person.notices}")
        if view is not None:
            self.story.show(sentence, with_errors(render_view(view), person.errors))

    async def opened(self, person: Person) -> View:
        """Wait for a form that can be sent."""
        return await self.view(person, lambda view: view.submit)

    async def sends(self, person: Person) -> None:
        """Send the form that is open, and close what it becomes."""
        await person.submit()
        must(not person.errors, f"the form says {person.errors}")
        await self.view(person, lambda view: not view.submit)
        await person.close()

    def goes_on_to(self, moment: datetime) -> None:
        """Move the time on to that moment, for the bot, Slack and Apple alike."""
        self.time.move_to(moment)
        self.story.tell(f"The clock is moved on: it is {moment:%A, %-d %B %Y, %H:%M}.")

    def goes_on(self, span: timedelta, words: str) -> None:
        """Move the time on by so much, and say so."""
        self.time.move(span)
        self.story.tell(words)

    async def said(self, where: Channel, *words: str) -> Message:
        """Wait for a message with all these words; the newest of them."""
        return await self.happens(
            lambda: [m for m in where.messages if all(m.says(one) for one in words)][-1],
            f"{words} in #{where.name or 'direct messages'}",
        )

    async def edited(self, message: Message, words: str) -> None:
        """Wait until a message says so in its place."""
        await self.happens(lambda: message.says(words), f"{words!r} in an earlier message")

    @property
    def organisation(self) -> Organisation:
        """The only one that Apple has."""
        (organisation,) = self.deployed.apple.organisations
        return organisation

    def server(self, name: str) -> Server:
        """The device management service of that name."""
        return next(one for one in self.organisation.servers if one.name == name)

    async def approved_steps(self, asked: str, steps: str) -> Message:
        """Amir approves what the newest card asks; the steps that Olivia gets."""
        dm, before = self.olivia.dm, len(self.olivia.dm.messages)
        cards = self.deployed.approvals
        card = await self.happens(
            lambda: [m for m in cards.messages if m.says(asked) and m.buttons][-1], "the request"
        )
        await self.amir.click("Approve", message=card)
        return await self.happens(
            lambda: [m for m in dm.messages[before:] if m.says(steps)][-1], "the steps"
        )

    async def uploads(self, steps: Message, file: TokenFile) -> None:
        """Olivia uploads the file under her steps, and it is in use."""
        await self.open_upload(steps)
        self.olivia.fill("Server token file", file)
        await self.olivia.submit()
        await self.view(self.olivia, lambda view: view.says("is in use"))
        await self.olivia.close()

    async def renews(self, name: str, *, why: str, apple_id: str) -> None:
        """Renew a token as in the first acts, from the form to the upload; nothing is shown."""
        await self.olivia.command(COMMAND, f"renew {name}")
        await self.opened(self.olivia)
        self.olivia.fill("Why", why)
        self.olivia.fill("Apple ID that downloads the new token", apple_id)
        await self.sends(self.olivia)
        steps = await self.approved_steps(f"asks to renew the token *{name}*", "open the server")
        await self.uploads(steps, self.server(name).download_token(as_admin=apple_id))

    async def view(self, person: Person, fits: Callable[[View], object]) -> View:
        """Wait for a form that fits."""

        def shown() -> View | None:
            return person.view if person.view is not None and fits(person.view) else None

        return await self.happens(shown, f"what {person.name} should see in the form")

    async def happens(self, condition: Callable[[], T | None], what: str) -> T:
        """Wait until something is there."""
        return await self.slack.wait_for(condition, within=PATIENCE, what=what)


def with_errors(rendered: str, errors: dict[str, str]) -> str:
    """Write what a form complains about under the fields, where Slack shows it."""
    lines: list[str] = []
    owed = ""
    for line in rendered.split("\n"):
        if owed and not line.startswith("│   "):
            lines.append(f"│   ! {owed}")
            owed = ""
        lines.append(line)
        owed = errors.get(line.removeprefix("│ "), owed)
    return "\n".join(lines)


def first_name(person: Person) -> str:
    """How the story calls somebody."""
    return person.name.partition(" ")[0]


def must(holds: bool, trouble: str) -> None:  # noqa: FBT001 - reads like an assertion
    """End the tour unless it holds."""
    if not holds:
        raise AssertionError(trouble)
