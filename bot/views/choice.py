"""Which token is meant, where a name fits several or none was given: a button for each."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from bot.views import delete, renew
from bot.views.blocks import Block, Message, View, button, context, modal, section
from bot.views.wording import day, escape, token_state
from storage.records import Token, TokenOutline
from storage.states import Action

TITLES = {
    renew.OPEN: renew.TITLE,
    delete.OPEN: delete.TITLES[Action.DELETE],
    delete.REMOVE: delete.TITLES[Action.REMOVE],
}
"""The titles of what the choice leads to."""
SHOWN = 40


def choose(
    tokens: Sequence[Token] | Sequence[TokenOutline], action_id: str, zone: ZoneInfo
) -> View:
    """The tokens, the most urgent first, each with the button that goes on."""
    return modal(TITLES[action_id], _offered(tokens, action_id, zone))


def offer(
    tokens: Sequence[Token] | Sequence[TokenOutline], action_id: str, zone: ZoneInfo
) -> Message:
    """The same as an answer to a command that needs no form."""
    return Message(text="Which token?", blocks=_offered(tokens, action_id, zone))


def _offered(
    tokens: Sequence[Token] | Sequence[TokenOutline], action_id: str, zone: ZoneInfo
) -> list[Block]:
    blocks = [section("Which token?")]
    for token in tokens[:SHOWN]:
        ends = f", expires {day(token.expires_at, zone)}" if token.expires_at else ""
        line = f"*{escape(token.name)}*: {token_state(token.state, token.health)}{ends}"
        block = section(line)
        blocks.append(block | {"accessory": button("Choose", action_id, token.id)})
    if len(tokens) > SHOWN:
        blocks.append(context("There are more; write the name behind the command."))
    return blocks
