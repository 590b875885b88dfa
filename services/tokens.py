"""Tokens as people look at them: by urgency, with what is known and what waits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from services.calendar import local_day
from services.clock import Clock
from services.errors import NotFound
from services.next_steps import NextStep, next_step
from services.phrases import quoted
from services.policy import People, require_viewer
from storage.database import Database, Transaction
from storage.entra_records import EntraAccount
from storage.records import Profile, Request, SyncRun, Token, TokenOutline
from storage.states import Health, TokenState

PAGE = 20
IN_TROUBLE = {
    Health.TERMS_UNSIGNED,
    Health.SUPERSEDED,
    Health.REVOKED,
    Health.ACCOUNT_FORBIDDEN,
    Health.EXPIRED,
    Health.SYNC_ERROR,
}
"""Enrolment is down until somebody acts, however many days the token has left."""
QUOTES = "\"'\u201c\u201d\u2018\u2019"
TYPED = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}

ItemT = TypeVar("ItemT")
TokenT = TypeVar("TokenT", Token, TokenOutline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[ItemT]):
    """A part of a longer list; `number` counts from 0, and there is always a first page."""

    items: Sequence[ItemT]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A token with what belongs beside it; `days_left` is None where no expiry is known."""

    token: Token
    devices: int
    days_left: int | None
    request: Request | None
    last_run: SyncRun | None
    step: NextStep = NextStep.NOTHING
    profiles: Sequence[Profile] = ()
    """Those that the holder has for it; looked up for one token alone, as is what follows."""
    evidence: str = ""
    """What the holder said of it last."""
    account: EntraAccount | None = None
    """What Entra said of its Apple ID last, where that is watched."""


class Tokens:
    """What people may see of tokens."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        clock: Clock,
        zone: ZoneInfo,
        sync_every: timedelta,
    ) -> None:
        self.database = database
        self.people = people
        self.clock = clock
        self.zone = zone
        self.sync_every = sync_every

    async def page(self, person: str, number: int, words: str = "") -> Page[TokenView]:
        """One page of the living tokens whose name holds the words, the most urgent first.

        Only what the page shows is looked up for each token. Raises NotAllowed.
        """
        require_viewer(await self.people.actor(person, fresh=False))
        asked = words.strip().casefold()
        async with self.database.read() as tx:
            living = by_urgency(await tx.tokens.outlines())
            fitting = [token for token in living if asked in token.name.casefold()]
            page = page_of(fitting, number)
            tokens = await tx.tokens.these(token.id for token in page.items)
            views = await self._views(tx, tokens)
        return Page(items=views, number=page.number, pages=page.pages, total=len(fitting))

    async def status(self, person: str, text: str) -> TokenView:
        """One token by its name. Raises NotAllowed, NotFound, Several to choose from."""
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.read() as tx:
            meant = named_in(text, await tx.tokens.outlines())
            (token,) = await tx.tokens.these([meant.id])
            return await self._whole(tx, token)

    async def status_of(self, person: str, token_id: str) -> TokenView:
        """One token by its id, those that are gone included. Raises NotAllowed, NotFound."""
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.read() as tx:
            token = await tx.tokens.get(token_id)
            if token is None:
                raise NotFound(
                    f"no token {token_id!r}",
                    user_message="This token is not known here (any more). Use /enroll-token list.",
                )
            return await self._whole(tx, token)

    async def of_request(self, request: Request) -> TokenView:
        """The token that a request is for, for whoever made it."""
        return await self.status_of(request.requester, request.token_id)

    async def named(self, person: str, text: str, *, active: bool = False) -> Token:
        """The token that the text names. Raises NotAllowed, NotFound, Several to choose from."""
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.read() as tx:
            living = by_urgency(await tx.tokens.outlines())
            states = {TokenState.ACTIVE} if active else set(TokenState)
            meant = named_in(text, [token for token in living if token.state in states])
            (token,) = await tx.tokens.these([meant.id])
        return token

    async def _whole(self, tx: Transaction, token: Token) -> TokenView:
        """Everything about one token."""
        (view,) = await self._views(tx, [token])
        keeping = await tx.watch.keeping(token.id)
        profiles = await tx.profiles.of(token.id)
        account = await tx.entra.of((token.admin_id or token.apple_id).casefold())
        return replace(view, profiles=profiles, evidence=keeping.evidence or "", account=account)

    async def _views(self, tx: Transaction, tokens: Sequence[Token]) -> Sequence[TokenView]:
        """What belongs beside these tokens, each kind of it in one query."""
        now, ids = self.clock.now(), [token.id for token in tokens]
        devices = await tx.devices.counts(ids)
        requests = await tx.requests.latest(ids)
        runs = await tx.sync_runs.last_ended_of(ids)
        patience = 2 * self.sync_every
        return [
            TokenView(
                token=token,
                devices=devices.get(token.id, 0),
                days_left=days_left(token.expires_at, now, self.zone),
                request=requests.get(token.id),
                last_run=runs.get(token.id),
                step=next_step(token, requests.get(token.id), now=now, patience=patience),
            )
            for token in tokens
        ]


def by_urgency(living: Sequence[TokenT]) -> list[TokenT]:
    """Those that need somebody at once first; else in the order given, the soonest to expire."""
    return sorted(living, key=lambda token: token.health not in IN_TROUBLE)


def page_of(items: Sequence[ItemT], number: int) -> Page[ItemT]:
    """The page of that number, or the nearest that there is."""
    pages = max(1, -(-len(items) // PAGE))
    number = min(max(number, 0), pages - 1)
    shown = items[number * PAGE : (number + 1) * PAGE]
    return Page(items=shown, number=number, pages=pages, total=len(items))


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


def named_in(text: str, living: Sequence[TokenT]) -> TokenT:
    """The token that the text names, in any case: the longest name that begins it wins.

    Raises Several where it is the beginning or a part of more than one name, else NotFound naming
    those there are.
    """
    typed = plain_name(text)
    name = typed.casefold()
    begun = [token for token in living if _begins(token.name.casefold(), name)]
    if begun:
        return max(begun, key=lambda token: len(token.name))
    for fits in (str.startswith, str.__contains__):
        found = [token for token in living if name and fits(token.name.casefold(), name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Several(found, typed)
    if not name and living:
        raise Several(living, "")
    raise _unknown(typed, living)


class Several(NotFound):
    """The text names more than one token, or none where it had to; `tokens` are to choose from."""

    def __init__(self, tokens: Sequence[Token] | Sequence[TokenOutline], name: str) -> None:
        names = ", ".join(quoted(token.name) for token in tokens[:10])
        what = f"Several tokens fit {quoted(name)}." if name else "Say which token."
        super().__init__(f"{len(tokens)} tokens fit", user_message=f"{what} There are: {names}.")
        self.tokens = tokens


def _begins(name: str, text: str) -> bool:
    """Whether the text is the name, or the name and more words."""
    return text == name or text.startswith((f"{name} ", f"{name}\n", *(name + q for q in QUOTES)))


def _unknown(name: str, living: Sequence[TokenT]) -> NotFound:
    names = ", ".join(quoted(token.name) for token in living[:10])
    what = f"There is no token named {quoted(name)}." if name else "There are no tokens."
    then = f"There are: {names}." if names else "Start one with `/enroll-token create`."
    return NotFound("no token of that name", user_message=f"{what} {then}")
