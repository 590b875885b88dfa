"""Which of Intune's entries is the one that a person made for a token, and what if none shows."""

from datetime import timedelta

from services.errands import NotShown, Patience
from services.graph import words
from services.graph.errors import SYSTEM
from services.graph.found import is_called
from services.graph.intune import Intune
from services.graph.messages import Setting
from storage.database import Database
from storage.intune_records import IntuneStep
from storage.records import Token
from storage.states import ProgramName

PATIENCE = Patience(
    kept_for=timedelta(hours=1), first=timedelta(seconds=5), longest=timedelta(minutes=5)
)
"""For what Intune took, or a person did, and Intune does not show yet."""


async def new_entry(database: Database, intune: Intune, token: Token, step: IntuneStep) -> Setting:
    """The entry that a person made for this token. Raises NotShown, Refused, GraphError."""
    settings = await intune.settings()
    async with database.read() as tx:
        held = {one.holder_id for one in await tx.tokens.held_by(ProgramName.INTUNE)}
        others = [one.token_id for one in await tx.intune_steps.creating()]
        beside = [one for one in await tx.tokens.these(others) if one.id != token.id]
    new = [one for one in settings if one.expires_at and one.id not in {*step.seen, *held}]
    called = [one for one in new if is_called(token, one)]
    rest = [one for one in new if not any(is_called(other, one) for other in beside)]
    if len(called) == 1:
        return called[0]
    if called:
        raise words.several(token, called)
    if not rest:
        raise not_shown(words.no_entry())
    if beside:
        raise words.other_names(token, rest)
    if len(rest) > 1:
        raise words.several(token, rest)
    return rest[0]


def not_shown(user_message: str) -> NotShown:
    """Intune answers, and does not show it (yet)."""
    return NotShown(
        "Intune does not show it", system=SYSTEM, user_message=user_message, patience=PATIENCE
    )
