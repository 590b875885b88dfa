"""Somebody at a screen: points at what they see, where a Person in a test goes by its words."""

from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.slack import payloads
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.delivery import Answer, Form
from tests.sandbox.slack.filling import attach_at, uploaded
from tests.sandbox.slack.forms import options_of, pointed
from tests.sandbox.slack.linter import lint_options
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.reading import Button, Json, elements_of
from tests.sandbox.slack.views import View

Place = View | Message
Spot = tuple[str, str]
"""The ids of a block and of an element in it."""


class NotThere(Exception):
    """What was pointed at is not on this person's screen any more; its text is for them."""


@dataclass(slots=True, kw_only=True, eq=False)
class Hand:
    """Acts for one person, by the ids of what is on their screen."""

    person: Person
    offered: dict[Spot, list[Json]] = field(default_factory=dict)
    """The options that the app suggested last, for menus that ask it."""

    def message(self, channel_id: str, ts: str) -> Message:
        """Find a message that this person sees."""
        team = self.person.team
        channel = team.channels.get(channel_id)
        if channel is None or self.person.id not in channel.members:
            raise NotThere("You are not in that channel.")
        alone = [m for m in self.person.ephemerals if m.channel_id == channel_id]
        found = next((m for m in [*channel.posted, *alone] if m.ts == ts), None)
        if found is None:
            raise NotThere("That message is gone.")
        return found

    def view(self, view_id: str) -> View:
        """Find the modal on top, or the Home tab."""
        for view in (self.person.view, self.person.home):
            if view is not None and view.id == view_id and not view.closed:
                return view
        raise NotThere("That form is closed.")

    async def press(self, place: Place, spot: Spot, option: str | None = None) -> Answer:
        """Press a button, or an entry of an overflow menu by its value."""
        block, element = _at(place, spot)
        entries = {entry.get("value"): entry for entry in element.get("options", [])}
        chosen = None if option is None else entries.get(option)
        button = Button("", block["block_id"], element, chosen)
        return await self._send(place, payloads.pressed(button))

    def put(self, view: View, spot: Spot, given: Any) -> None:  # noqa: ANN401 - by element
        """Put something into an input that tells nobody before the form is sent."""
        block, element = _at(view, spot)
        if element["type"] == "file_input":
            kept = [f for f in view.value(block, element)["files"] if f["id"] in (given or [])]
            view.values[spot] = {"type": "file_input", "files": kept}
        else:
            view.values[spot] = pointed(element, given, self.offered.get(spot))

    async def change(self, place: Place, spot: Spot, given: Any) -> Answer:  # noqa: ANN401 - by element
        """Pick in a menu, or fill in an input, that reports each change to the app."""
        block, element = _at(place, spot)
        value = pointed(element, given, self.offered.get(spot))
        if isinstance(place, View):
            place.values[spot] = value
        return await self._send(place, payloads.action(block["block_id"], element) | value)

    async def suggest(self, place: Place, spot: Spot, typed: str) -> list[Json]:
        """Ask the app for the options, or groups of options, that fit what was typed."""
        team = self.person.team
        block, element = _at(place, spot)
        named = payloads.action(block["block_id"], element)
        asked = payloads.block_suggestion(team, self.person.member, place, named, typed)
        kind = f"block_suggestion {spot[1]}"
        answer = await self.person.courier.send(Form.INTERACTION, kind, asked)
        body = (answer.json() if answer.ok else None) or {}
        if team.hold_against(lint_options(body), kind):
            return []
        self.offered[spot] = options_of(body)
        return list(body.get("option_groups") or body.get("options") or [])

    def upload(self, view: View, spot: Spot, file: tuple[str, bytes]) -> None:
        """Upload a file of one's own into a file input. Raises AssertionError if not taken."""
        block, element = _at(view, spot)
        attach_at(view, (block, element), uploaded(self.person.team, self.person.id, file))

    async def _send(self, place: Place, action: Json) -> Answer:
        person = self.person
        made = (
            payloads.view_actions(person.team, person.member, place, [action])
            if isinstance(place, View)
            else payloads.message_actions(person.team, person.member, place, [action])
        )
        return await person.interact(f"click {action['action_id']}", made)


def _at(place: Place, spot: Spot) -> tuple[Json, Json]:
    for block in place.blocks:
        for element in elements_of(block):
            if (block["block_id"], element.get("action_id")) == spot:
                return block, element
    raise NotThere("That is not there any more.")
