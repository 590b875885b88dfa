"""What becomes of a request beside decisions and files: cancelled, handed over, nagged, expired."""

from dataclasses import dataclass

from services.audit import AuditLog
from services.calendar import Calendar
from services.clock import Clock
from services.errors import NotAllowed, Refused
from services.lifecycle import TooLate, move_request, move_token
from services.notices import Notices
from services.phrases import people, person, quoted
from services.policy import People, Role
from services.request_deeds import request_deed
from services.requests import find_request
from services.uploads import bringers, check_waiting, drop_brought, waits_for_evidence
from storage.database import Database, Transaction
from storage.records import Decision, Request, Token
from storage.states import RequestState, StoryEvent, TokenState

CANCELLABLE = (RequestState.PENDING, RequestState.APPROVED, RequestState.AWAITING_UPLOAD)
UNUSED = (TokenState.REQUESTED, TokenState.AWAITING_TOKEN)
"""States of a token that never came into use: it ends with its request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """A hand-over as submitted; `origin` is Slack's id of the form."""

    request_id: str
    to: str
    origin: str


class RequestLife:
    """Carries requests on where nobody decides and nobody brings a file."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        audit: AuditLog,
        notices: Notices,
        calendar: Calendar,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.audit = audit
        self.notices = notices
        self.calendar = calendar
        self.clock = clock

    async def cancel(self, person_id: str, request_id: str, *, origin: str) -> None:
        """Its requester takes it back; twice is once. Raises NotFound, NotAllowed, Refused."""
        async with self.database.write() as tx:
            request, token = await find_request(tx, request_id)
            if person_id != request.requester:
                raise NotAllowed(
                    f"{person_id} did not ask for request {request.id}",
                    user_message=f"Only {person(request.requester)}, who asked for it, can cancel "
                    "it. An approver can decline it.",
                )
            if request.state is RequestState.CANCELLED:
                return
            if request.state not in CANCELLABLE:
                raise _over(request, token)
            await self._end(tx, request, token, RequestState.CANCELLED)
            ended = {"state": RequestState.CANCELLED.value}
            deed = request_deed(
                request, "request.cancel", actor=person_id, origin=origin, after=ended
            )
            await self.audit.append(tx, deed)

    async def open_hand_over(self, person_id: str, request_id: str) -> tuple[Request, Token]:
        """The request whose upload this person may hand on.

        Raises NotFound, NotAllowed, Refused.
        """
        async with self.database.read() as tx:
            request, token = await find_request(tx, request_id)
        _check_hand(person_id, request, token)
        return request, token

    async def hand_over(self, person_id: str, form: HandOver) -> Request:
        """Let somebody else bring the file. Raises as `open_hand_over`, and if they may not."""
        actor = await self.people.actor(form.to, fresh=True)
        if not actor.member:
            raise NotAllowed(
                f"{form.to} is no member",
                user_message=f"{person(form.to)} is no full member of this workspace, so they "
                "cannot upload it. Choose somebody else.",
            )
        async with self.database.write() as tx:
            request, token = await find_request(tx, form.request_id)
            _check_hand(person_id, request, token)
            decided = {one.person for one in await tx.decisions.counted(request.id)}
            if form.to in decided:
                raise NotAllowed(
                    f"{form.to} decided on request {request.id}",
                    user_message=f"{person(form.to)} decided on this request, so somebody else has "
                    "to bring the file.",
                )
            if form.to == request.handed_to:
                return request
            await tx.requests.amend(request, handed_to=form.to)
            handed, _ = await find_request(tx, request.id)
            await self.notices.steps(tx, handed, f"handed:{form.to}")
            await self.notices.story(
                tx, handed, StoryEvent.HANDED, form.to, person=person_id, to=form.to
            )
            origin, after = f"view:{form.origin}", {"handed_to": form.to}
            deed = request_deed(
                request, "request.hand", actor=person_id, origin=origin, after=after
            )
            await self.audit.append(tx, deed)
            return handed

    async def sweep(self) -> None:
        """End what is out of time, and remind those for whom something waits."""
        now = self.clock.now()
        async with self.database.read() as tx:
            late = await tx.requests.out_of_time(now)
            to_nag = await tx.requests.to_nag(now)
        for request in late:
            await self._expire(request)
        ended = {request.id for request in late}
        for request in to_nag:
            if request.id not in ended:
                await self._nag(request)

    async def _expire(self, request: Request) -> None:
        async with self.database.write() as tx:
            _, token = await find_request(tx, request.id)
            try:
                await self._end(tx, request, token, RequestState.EXPIRED)
            except TooLate:
                # Decided, cancelled or brought at the last moment, or ended by another process.
                return
            ended = {"state": RequestState.EXPIRED.value}
            await self.audit.append(tx, request_deed(request, "request.expire", after=ended))
            await self.notices.news(tx, request, "expired")

    async def _end(
        self, tx: Transaction, request: Request, token: Token, becomes: RequestState
    ) -> None:
        now = self.clock.now()
        await move_request(tx, request, becomes, now)
        if token.state in UNUSED:
            await move_token(tx, token, TokenState.CANCELLED)
        elif token.state is TokenState.DELETING:
            # Nobody took it out of use at its holder.
            await move_token(tx, token, TokenState.ACTIVE)
        await drop_brought(tx, request, notices=self.notices, now=now)
        await self.notices.request_card(tx, request, becomes)
        # Steps were sent only where somebody was to act.
        if waits_for_evidence(request):
            await self.notices.steps(tx, request, becomes)
        event = {
            RequestState.CANCELLED: StoryEvent.CANCELLED,
            RequestState.EXPIRED: StoryEvent.EXPIRED,
        }[becomes]
        await self.notices.story(tx, request, event)

    async def _nag(self, request: Request) -> None:
        now = self.clock.now()
        day = self.calendar.day(now)
        left = await self._left(request) if request.state is RequestState.PENDING else frozenset()
        async with self.database.write() as tx:
            if not await tx.requests.claim_nag(request, self.calendar.next_workday(now)):
                return
            _, token = await find_request(tx, request.id)
            if request.state is RequestState.PENDING:
                about = {"people": ",".join(sorted(left))}
                await self.notices.story(tx, request, StoryEvent.NAG, str(day), **about)
            elif request.state is RequestState.AWAITING_UPLOAD:
                counted = await tx.decisions.counted(request.id)
                for one in _reminded(request, token, counted):
                    await self.notices.upload_nag(tx, request, one, day)

    async def _left(self, request: Request) -> frozenset[str]:
        """Who could still decide: those who were approvers then, are now, and have not yet."""
        now = await self.people.holders(Role.APPROVER, fresh=True)
        async with self.database.read() as tx:
            decided = {one.person for one in await tx.decisions.counted(request.id)}
        return now & set(request.approvers) - decided - {request.requester}


def _reminded(request: Request, token: Token, counted: list[Decision]) -> set[str]:
    """The person it was handed to, else its requester; the owner answers for the token anyway."""
    decided = {decision.person for decision in counted}
    first = {request.handed_to or request.requester} - decided
    return first or bringers(request, token) - decided


def _check_hand(person_id: str, request: Request, token: Token) -> None:
    check_waiting(request, token)
    if person_id not in bringers(request, token):
        may = people(bringers(request, token))
        raise NotAllowed(
            f"{person_id} may not hand request {request.id} on",
            user_message=f"Only {may} can hand this upload to somebody else.",
        )


def _over(request: Request, token: Token) -> Refused:
    state = request.state.value.replace("_", " ")
    return Refused(
        f"request {request.id} is {state}",
        user_message=f"The request for {quoted(token.name)} is {state}; nothing is left to cancel.",
    )
