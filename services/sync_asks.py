"""What a wish for a sync does to its token, be it a person's in Slack or on the command line."""

from dataclasses import dataclass
from datetime import datetime

from services.audit import AuditLog, Deed
from services.errors import Refused
from services.phrases import quoted
from services.sync_plan import list_anew
from storage.database import Transaction
from storage.records import Token
from storage.states import TokenState


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Who wishes for a sync, when and from where; `full` asks for every device anew."""

    asked_by: str
    asked_at: datetime
    origin: str
    full: bool = False


def check_in_use(token: Token) -> None:
    """Raise Refused for a token that has no devices to sync."""
    if token.state is TokenState.ACTIVE:
        return
    state = token.state.value.replace("_", " ")
    raise Refused(
        f"token {token.id} is {state}",
        user_message=f"{quoted(token.name)} is not in use ({state}), so it has no devices to "
        "sync. See `/enroll-token list`.",
    )


async def accept(tx: Transaction, audit: AuditLog, token: Token, ask: Ask) -> bool:
    """Write the wish down; whether it begins the syncs of a token whose devices were removed here.

    Its devices come back then, as far as its holder still lists them.
    """
    begins = token.removed_here_at is not None
    if begins:
        await tx.tokens.renewed(token.id, removed_here_at=None)
        await list_anew(tx, token.id, ask.asked_at)
    elif ask.full:
        await tx.sync_places.forget(token.id)
    devices = {"devices": "all anew" if begins or ask.full else "changes"}
    await audit.append(
        tx,
        Deed(
            actor=ask.asked_by,
            action="sync.ask",
            subject=f"token:{token.id}",
            token_id=token.id,
            origin=ask.origin,
            before={"sync": "stopped"} if begins else {},
            after=devices | ({"sync": "begins again"} if begins else {}),
        ),
    )
    return begins
