"""Decisions: a click is kept and answered first, then weighed with roles looked up for it."""

from dataclasses import dataclass

from services.audit import AuditLog, Deed
from services.clock import Clock
from services.errors import NotFound, UpstreamError
from services.lifecycle import move_request, move_token
from services.notices import Notices
from services.phrases import person
from services.policy import Actor, People, why_not_decide
from storage.database import Database, Transaction
from storage.records import Decision, Request, new_id
from storage.states import DecisionState, RequestState, TokenState, Verdict

HOME = "home:"
CONVERSATIONS = ("C", "G", "D")
"""What the ids of channels, private channels and direct messages begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A click on Approve or Decline; `key` names the click.

    `origin` is `<channel>/<message>`, or `home:<view>` for one that came from no conversation.
    """

    request_id: str
    person: str
    verdict: Verdict
    origin: str
    key: str


class Decisions:
    """Records clicks, and gives each its effect or its refusal."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        audit: AuditLog,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.audit = audit
        self.notices = notices
        self.clock = clock

    async def record(self, click: Click) -> None:
        """Keep the click; delivered twice it is one. Raises NotFound."""
        async with self.database.write() as tx:
            if await tx.decisions.of_key(click.key) is not None:
                return
            if await tx.requests.get(click.request_id) is None:
                raise NotFound(
                    f"no request {click.request_id!r}",
                    user_message="This request is not known here (any more). "
                    "Look at the newest messages, or use /enroll-token list.",
                )
            decision = Decision(
                id=new_id(),
                request_id=click.request_id,
                person=click.person,
                verdict=click.verdict,
                state=DecisionState.RECORDED,
                refusal=None,
                origin=click.origin,
                dedupe_key=click.key,
                recorded_at=self.clock.now(),
            )
            await tx.decisions.add(decision)

    async def finish_recorded(self) -> None:
        """Weigh every recorded click, the oldest first; also those from before a restart."""
        async with self.database.read() as tx:
            recorded = await tx.decisions.recorded()
        for decision in recorded:
            await self._weigh(decision)

    async def _weigh(self, decision: Decision) -> None:
        try:
            actor = await self.people.actor(decision.person, fresh=True)
        except UpstreamError:
            async with self.database.write() as tx:
                await self._refuse(
                    tx, decision, "Slack did not tell us your role just now. Click again."
                )
            return
        async with self.database.write() as tx:
            request = await tx.requests.get(decision.request_id)
            if request is None:
                raise AssertionError("a decision refers to its request")
            counted = await tx.decisions.counted(request.id)
            why_not = _too_late(request, counted) or why_not_decide(request, actor, counted)
            if why_not is not None:
                await self._refuse(tx, decision, why_not)
            else:
                await self._count(tx, decision, request, actor)

    async def _refuse(self, tx: Transaction, decision: Decision, why: str) -> None:
        if await tx.decisions.finish(decision.id, DecisionState.REFUSED, why):
            await self.notices.click_answer(tx, decision, _answer_to(decision))

    async def _count(
        self, tx: Transaction, decision: Decision, request: Request, actor: Actor
    ) -> None:
        if not await tx.decisions.finish(decision.id, DecisionState.COUNTED):
            return
        counted = await tx.decisions.counted(request.id)
        becomes = request.state
        if decision.verdict is Verdict.DECLINE:
            becomes = RequestState.DECLINED
            await self._cancel_token(tx, request)
            await self.notices.declined(tx, request)
        elif len(counted) >= request.approvals_required:
            becomes = RequestState.APPROVED
        if becomes is not request.state:
            await move_request(tx, request, becomes, self.clock.now())
        await self.audit.append(tx, _deed(decision, request, actor, becomes))
        await self.notices.request_card(tx, request, f"{becomes}:{len(counted)}")

    async def _cancel_token(self, tx: Transaction, request: Request) -> None:
        token = await tx.tokens.get(request.token_id)
        if token is not None and token.state is TokenState.REQUESTED:
            await move_token(tx, token, TokenState.CANCELLED)


def _answer_to(decision: Decision) -> str:
    """The conversation of the click; the person's own where it came from none."""
    place, slash, _ = decision.origin.partition("/")
    return place if slash and place.startswith(CONVERSATIONS) else decision.person


def _too_late(request: Request, counted: list[Decision]) -> str | None:
    if request.state is RequestState.PENDING:
        return None
    done = {Verdict.APPROVE: "approved", Verdict.DECLINE: "declined"}
    if counted:
        first = counted[-1]
        return f"{person(first.person)} was first: this was {done[first.verdict]} already."
    return f"This request is {request.state.value.replace('_', ' ')}; nothing is left to decide."


def _origin(decision: Decision) -> str:
    from_home = decision.origin.startswith(HOME)
    return decision.origin if from_home else f"message:{decision.origin}"


def _deed(decision: Decision, request: Request, actor: Actor, becomes: RequestState) -> Deed:
    return Deed(
        actor=actor.id,
        action=f"request.{decision.verdict.value}",
        subject=f"request:{request.id}",
        token_id=request.token_id,
        origin=_origin(decision),
        before={"state": request.state},
        after={"state": becomes},
    )
