"""What every scene of the tour is made of: people act, and the story tells what each sees."""

from collections.abc import Callable
from typing import TypeVar

from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.render import render_message, render_view
from tests.sandbox.slack.views import View
from tests.sandbox.tour_story import Story

T = TypeVar("T")
COMMAND = "/enroll-token"
PATIENCE = 15.0
"""Seconds until something that has to happen counts as missing; a busy machine is slow."""


class Scenes:
    """The people act, and the story tells what each of them sees."""

    def __init__(self, deployed: Deployment, story: Story) -> None:
        self.deployed = deployed
        self.story = story
        self.slack = deployed.slack
        self.olivia = deployed.cast.operator
        self.amir = deployed.cast.approver

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
