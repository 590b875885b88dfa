"""Decisions: a click is kept and answered first, then weighed with roles looked up for it."""

from dataclasses import dataclass

from services.audit import AuditLog, Deed
from services.clock import Clock
from services.conditions import ConditionReader, Conditions
from services.errors import Refused, UpstreamError
from services.lifecycle import move_request, move_token
from services.notices import Notices
from services.phrases import person
from services.policy import Actor, People, why_not_decide
from services.request_deeds import request_deed
from services.request_facts import COUNTED, digest_of, facts_of
from services.requests import find_request
from services.uploads import drop_brought, waits_for_evidence
from storage.database import Database, Transaction
from storage.records import Decision, Request, Token, new_id
from storage.states import (
    Action,
    DecisionState,
    RequestState,
    StoryEvent,
    TokenState,
    Verdict,
)

HOME = "home:"
CHANGED = (
    "The facts have changed since this card was drawn, so your click decided nothing. The card now "
    "shows the new ones: read it, then click again."
)
NOT_EMPTY = (
    "This cannot be approved now: devices or profiles are back, as the card shows. Decline it, or "
    "wait until they are gone and click again."
)
CONVERSATIONS = ("C", "G", "D")
"""What the ids of channels, private channels and direct messages begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A click on Approve, or a submitted Decline; `key` names it.

    `digest` is the fingerprint of the facts that the person saw. `origin` is
    `<channel>/<message>`, or `home:<view>` for one that came from no conversation.
    """

    request_id: str
    person: str
    verdict: Verdict
    origin: str
    key: str
    digest: str
    reason: str | None = None


class Decisions:
    """Records clicks, and gives each its effect or its refusal."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        audit: AuditLog,
        notices: Notices,
        conditions: ConditionReader,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.audit = audit
        self.notices = notices
        self.conditions = conditions
        self.clock = clock

    async def record(self, click: Click) -> None:
        """Keep the click; delivered twice it is one. Raises NotFound."""
        async with self.database.write() as tx:
            if await tx.decisions.of_key(click.key) is not None:
                return
            await find_request(tx, click.request_id)
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
                digest=click.digest,
                reason=click.reason,
            )
            await tx.decisions.add(decision)

    async def open_decline(self, person_id: str, request_id: str) -> tuple[Request, Token]:
        """The request that this person may decline, for the form that asks why.

        Raises NotFound, or Refused with what a click would be told. Only what is drawn hangs on
        it: the submission is weighed like any click.
        """
        actor = await self.people.actor(person_id, fresh=False)
        async with self.database.read() as tx:
            request, token = await find_request(tx, request_id)
            counted = await tx.decisions.counted(request_id)
        why_not = _too_late(request, counted) or why_not_decide(request, actor, counted)
        if why_not is not None:
            raise Refused(f"{person_id} cannot decline {request_id}", user_message=why_not)
        return request, token

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
        conditions = await self._conditions(decision)
        async with self.database.write() as tx:
            request, token = await find_request(tx, decision.request_id)
            counted = await tx.decisions.counted(request.id)
            why_not = _too_late(request, counted) or why_not_decide(request, actor, counted)
            if why_not is None:
                request, why_not = await self._facts(tx, decision, request, token, conditions)
            if why_not is not None:
                await self._refuse(tx, decision, why_not)
            else:
                await self._count(tx, decision, request, actor)

    async def _conditions(self, decision: Decision) -> Conditions | None:
        """What stands in the way of a deletion now, where that is what is decided on."""
        async with self.database.read() as tx:
            request, token = await find_request(tx, decision.request_id)
        asked = request.action in COUNTED and request.state is RequestState.PENDING
        return await self.conditions.read(token) if asked else None

    async def _facts(
        self,
        tx: Transaction,
        decision: Decision,
        request: Request,
        token: Token,
        conditions: Conditions | None,
    ) -> tuple[Request, str | None]:
        """The request with its facts as they are now, and why the click decides nothing."""
        facts = await facts_of(
            tx,
            token,
            request.action,
            apple_id=request.apple_id or token.apple_id,
            scope_tags=request.scope_tags,
            conditions=conditions,
        )
        fresh = digest_of(facts)
        # A request of an older release has no facts yet: its card shows what the token says.
        if request.digest and fresh != request.digest:
            await tx.requests.amend(request, facts=facts, digest=fresh)
            await self.notices.request_card(tx, request, f"facts:{fresh}")
            await self.notices.story(tx, request, StoryEvent.CHANGED, fresh)
            return request, CHANGED
        if decision.digest != request.digest:
            return request, CHANGED
        deletes = request.action is Action.DELETE and decision.verdict is Verdict.APPROVE
        if deletes and conditions is not None and not conditions.met():
            return request, NOT_EMPTY
        return request, None

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
            await drop_brought(tx, request, notices=self.notices, now=self.clock.now())
            await self.notices.news(tx, request, "declined")
            await self.notices.story(tx, request, StoryEvent.DECLINED)
            if waits_for_evidence(request):
                await self.notices.steps(tx, request, "declined")
        elif len(counted) >= request.approvals_required:
            becomes = RequestState.APPROVED
        if becomes is not request.state:
            await move_request(tx, request, becomes, self.clock.now(), nag_due_at=None)
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
    return request_deed(
        request,
        f"request.{decision.verdict.value}",
        actor=actor.id,
        origin=_origin(decision),
        after={"state": becomes.value} | ({"reason": decision.reason} if decision.reason else {}),
    )
