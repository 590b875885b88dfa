"""Who answers for a token that was found at its holder: nobody, until somebody takes it."""

from bot.views.blocks import Block, Message, button, section
from bot.views.wording import escape
from storage.records import Token

TAKE = "owner.take"
TITLE = "Answer for a token"


def take_button(token: Token) -> Block:
    """*I answer for it*; whoever may not is told so by the click."""
    return button("I answer for it", TAKE, token.id)


def taken(token: Token) -> Message:
    """What the person who took it is told."""
    name = escape(token.name)
    text = (
        f"You answer for *{name}* from now on: its reminders go to you directly too. To hand it "
        "on, use *Hand over…* in `/enroll-token report`, or ask an admin."
    )
    return Message(text=f"You answer for {name}", blocks=[section(text)])
