"""What one person sees of it all: what waits for them, what waits for others, and every token.

A picture of the records is loaded once and serves any number of people; what each of them sees of
it follows from their roles alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.clock import Clock
from services.errors import NotAllowed
from services.next_steps import NextStep, next_step
from services.phrases import people as named
from services.policy import Actor, People, Role, require_viewer, why_not_decide
from services.tokens import by_urgency, days_left, page_of
from services.uploads import bringers, waits_for_evidence
from storage.database import Database, Transaction
from storage.records import Decision, Request, Token
from storage.requests import UNDER_WAY
from storage.states import RequestState


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A request under way, and its token."""

    request: Request
    token: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """A token at a glance; `days_left` is None where no expiry is known."""

    token: Token
    days_left: int | None
    step: NextStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What one person sees; `page` counts from 0."""

    person: str
    may_start: bool
    decide: Sequence[Waiting]
    bring: Sequence[Waiting]
    others: Sequence[Waiting]
    tokens: Sequence[Glance]
    page: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mark:
    """What an overview depends on: the newest audit entry, and the day by which days are counted.

    Every change of a token or a request has an audit entry, and its number is one row to read.
    """

    audited: int
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The records at one moment: living tokens by urgency, requests under way by age."""

    mark: Mark
    now: datetime
    tokens: Sequence[Token]
    waiting: Sequence[Waiting]
    decisions: Mapping[str, Sequence[Decision]]
    """Those that counted, by the request's id."""


class Overviews:
    """Loads pictures, and says what a person sees of one."""

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

    async def mark(self) -> Mark:
        """What an overview depends on, now."""
        async with self.database.read() as tx:
            return await self._mark(tx)

    async def picture(self) -> Picture:
        """Everything at this moment, in one transaction."""
        async with self.database.read() as tx:
            mark = await self._mark(tx)
            living = await tx.tokens.living()
            requests = [one for state in UNDER_WAY for one in await tx.requests.in_state(state)]
            decided = await tx.decisions.counted_under_way()
        tokens = {token.id: token for token in living}
        waiting = [
            Waiting(request=request, token=tokens[request.token_id])
            for request in sorted(requests, key=lambda one: one.created_at)
            if request.token_id in tokens
        ]
        return Picture(
            mark=mark,
            now=self.clock.now(),
            tokens=by_urgency(living),
            waiting=waiting,
            decisions=_by_request(decided),
        )

    async def seen_by(self, person: str, picture: Picture, *, page: int = 0) -> Overview:
        """What the person sees. Raises NotAllowed for guests and people without any role."""
        actor = await self.people.actor(person, fresh=False)
        await self._require_role(actor)
        bring = [one for one in picture.waiting if _may_bring(actor, one, picture)]
        own = [one for one in picture.waiting if one.request.requester == person]
        shown = page_of(picture.tokens, page)
        requests = {one.token.id: one.request for one in picture.waiting}
        return Overview(
            person=person,
            may_start=Role.OPERATOR in actor.roles,
            decide=[one for one in picture.waiting if _may_decide(actor, one, picture)],
            bring=bring,
            others=[one for one in own if one not in bring],
            tokens=[self._glance(one, requests.get(one.id), picture.now) for one in shown.items],
            page=shown.number,
            pages=shown.pages,
            total=len(picture.tokens),
        )

    async def _mark(self, tx: Transaction) -> Mark:
        head = await tx.audit.head()
        today = self.clock.now().astimezone(self.zone).date()
        return Mark(audited=head.number if head else 0, today=today)

    async def _require_role(self, actor: Actor) -> None:
        if actor.member and not actor.may_view():
            admins = await self.people.holders(Role.ADMIN, fresh=False)
            ask = f"ask {named(admins)}" if admins else "ask whoever runs this app"
            raise NotAllowed(
                f"{actor.id} has no role",
                user_message="Here people with a role see their organisation's enrollment program "
                f"tokens. You have none; to get one, {ask}.",
            )
        require_viewer(actor)

    def _glance(self, token: Token, request: Request | None, now: datetime) -> Glance:
        left = days_left(token.expires_at, now, self.zone)
        step = next_step(token, request, now=now, patience=2 * self.sync_every)
        return Glance(token=token, days_left=left, step=step)


def _may_decide(actor: Actor, one: Waiting, picture: Picture) -> bool:
    counted = list(picture.decisions.get(one.request.id, ()))
    pending = one.request.state is RequestState.PENDING
    return pending and why_not_decide(one.request, actor, counted) is None


def _may_bring(actor: Actor, one: Waiting, picture: Picture) -> bool:
    decided = {decision.person for decision in picture.decisions.get(one.request.id, ())}
    return (
        waits_for_evidence(one.request) and actor.id in bringers(one.request, one.token) - decided
    )


def _by_request(decisions: Sequence[Decision]) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = {}
    for decision in decisions:
        found.setdefault(decision.request_id, []).append(decision)
    return found
