"""Tokens as people look at them: by urgency, with what is known and what waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from services.calendar import local_day
from services.clock import Clock
from services.errors import NotFound
from services.phrases import quoted
from services.policy import People, require_viewer
from storage.database import Database, Transaction
from storage.records import Request, SyncRun, Token
from storage.states import Health

PAGE = 20
IN_TROUBLE = {
    Health.TERMS_UNSIGNED,
    Health.SUPERSEDED,
    Health.REVOKED,
    Health.ACCOUNT_FORBIDDEN,
    Health.EXPIRED,
}
"""Enrolment is down until somebody acts, however many days the token has left."""
QUOTES = "\"'\u201c\u201d\u2018\u2019"
TYPED = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[ItemT]):
    """A part of a longer list; `number` counts from 0, and there is always a first page."""

    items: Sequence[ItemT]
    number: int
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A token with what belongs beside it; `days_left` is None where no expiry is known."""

    token: Token
    devices: int
    days_left: int | None
    request: Request | None
    last_run: SyncRun | None


class Tokens:
    """What people may see of tokens."""

    def __init__(self, *, database: Database, people: People, clock: Clock, zone: ZoneInfo) -> None:
        self.database = database
        self.people = people
        self.clock = clock
        self.zone = zone

    async def list(self, person: str, words: str) -> list[TokenView]:
        """The living tokens whose name holds the words, the most urgent first.

        Raises NotAllowed.
        """
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.read() as tx:
            tokens = by_urgency(await tx.tokens.living())
            counts = await tx.devices.counts()
            asked = words.strip().casefold()
            return [
                await self._view(tx, token, counts.get(token.id, 0))
                for token in tokens
                if asked in token.name.casefold()
            ]

    async def page(self, person: str, number: int) -> Page[TokenView]:
        """One page of all living tokens, the most urgent first. Raises NotAllowed."""
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.read() as tx:
            page = page_of(by_urgency(await tx.tokens.living()), number)
            views = [
                await self._view(tx, token, await tx.devices.count(token.id))
                for token in page.items
            ]
        return Page(items=views, number=page.number, pages=page.pages)

    async def status(self, person: str, text: str) -> TokenView:
        """One token by its name. Raises NotAllowed, or NotFound naming those there are."""
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.read() as tx:
            name = plain_name(text)
            token = await tx.tokens.named(name) or only_beginning(name, await tx.tokens.living())
            return await self._view(tx, token, await tx.devices.count(token.id))

    async def _view(self, tx: Transaction, token: Token, devices: int) -> TokenView:
        return TokenView(
            token=token,
            devices=devices,
            days_left=days_left(token.expires_at, self.clock.now(), self.zone),
            request=await tx.requests.latest_of(token.id),
            last_run=await tx.sync_runs.last_ended(token.id),
        )


def by_urgency(living: Sequence[Token]) -> list[Token]:
    """Those that need somebody at once first; else in the order given, the soonest to expire."""
    return sorted(living, key=lambda token: token.health not in IN_TROUBLE)


def page_of(items: Sequence[ItemT], number: int) -> Page[ItemT]:
    """The page of that number, or the nearest that there is."""
    pages = max(1, -(-len(items) // PAGE))
    number = min(max(number, 0), pages - 1)
    return Page(items=items[number * PAGE : (number + 1) * PAGE], number=number, pages=pages)


def days_left(expires_at: datetime | None, now: datetime, zone: ZoneInfo) -> int | None:
    """Calendar days until then, negative once it has passed; None where it is not known."""
    if expires_at is None:
        return None
    return (local_day(expires_at, zone) - local_day(now, zone)).days


def plain_name(text: str) -> str:
    """What was typed after the command as a name: without quotes, and as Slack escaped it."""
    name = text.strip().strip(QUOTES).strip()
    for escaped, mark in TYPED.items():
        name = name.replace(escaped, mark)
    return name


def only_beginning(name: str, living: list[Token]) -> Token:
    """The only living token whose name begins so. Raises NotFound naming those there are."""
    begun = [token for token in living if token.name.casefold().startswith(name.casefold())]
    if len(begun) == 1 and name:
        return begun[0]
    raise _unknown(name, begun if name and begun else living)


def _unknown(name: str, living: list[Token]) -> NotFound:
    names = ", ".join(quoted(token.name) for token in living[:10])
    what = f"There is no token named {quoted(name)}." if name else "Say which token."
    then = f"There are: {names}." if names else "Start one with `/enroll-token create`."
    return NotFound("no token of that name", user_message=f"{what} {then}")
