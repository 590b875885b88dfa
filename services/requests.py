"""Requests: somebody asks for a guarded action; nothing happens before others agree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from services.audit import AuditLog, Deed
from services.calendar import Calendar
from services.clock import Clock
from services.consents import consent
from services.errors import InvalidForm, NotFound, Refused
from services.notices import Notices
from services.phrases import person, quoted
from services.policy import Actor, Approvals, People, Role, require, require_deciders
from services.request_facts import digest_of, facts_of
from services.request_forms import CreateForm, checked_create
from storage.database import Database, Transaction
from storage.records import Request, Token, new_id
from storage.states import Action, ProgramName, RenewalCause, RequestState, TokenState

PENDING_FOR = timedelta(days=7)
DOING = {
    Action.CREATE: "to create it",
    Action.RENEW: "to renew it",
    Action.REPLACE: "to replace its server",
    Action.DELETE: "to delete it",
    Action.REMOVE: "to remove its devices here",
}
"""What a request is for, in a sentence; a test proves that none is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What somebody asks for, its fields found good; `submission` is Slack's id of the form."""

    token: Token
    action: Action
    requester: str
    reason: str
    submission: str
    facts: dict[str, str]
    consented: bool = False
    apple_id: str | None = None
    cause: RenewalCause | None = None
    rotate: bool = False
    scope_tags: Mapping[str, str] = field(default_factory=dict)


class Requests:
    """Opens requests: for a new token here, for the rest by whoever knows what they take."""

    def __init__(  # noqa: PLR0913 - collaborators come by constructor
        self,
        *,
        database: Database,
        people: People,
        audit: AuditLog,
        notices: Notices,
        approvals: Approvals,
        programs: frozenset[ProgramName],
        calendar: Calendar,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.audit = audit
        self.notices = notices
        self.approvals = approvals
        self.programs = programs
        self.calendar = calendar
        self.clock = clock

    async def may_ask(self, person_id: str, action: Action) -> Actor:
        """Raise NotAllowed unless the person may ask for it; Refused if nobody could approve."""
        actor = await self.people.actor(person_id, fresh=False)
        require(actor, Role.OPERATOR, await self.people.holders(Role.OPERATOR, fresh=False))
        await self.deciders(person_id, action)
        return actor

    async def deciders(self, person_id: str, action: Action) -> frozenset[str]:
        """Who may approve it now. Raises Refused if that is nobody but the person."""
        approvers = await self.people.holders(Role.APPROVER, fresh=False)
        require_deciders(person_id, approvers, self.approvals.needed(action))
        return approvers

    async def create(self, person_id: str, form: CreateForm) -> Request:
        """Ask for a new token: the token's row, the request, its card and its audit entry at once.

        Submitted twice it is one request. Raises InvalidForm, PublicDomain, NotAllowed, Refused.
        """
        await self.may_ask(person_id, Action.CREATE)
        checked = checked_create(form)
        approvers = await self.deciders(person_id, Action.CREATE)
        if form.program not in self.programs:
            raise Refused(
                f"program {form.program} is not set up",
                user_message="This kind of token is not set up here. Ask your admin.",
            )
        async with self.database.write() as tx:
            before = await tx.requests.of_key(form.submission)
            if before is not None:
                return before
            await _check_name(tx, checked.name)
            token = self._token(checked)
            await tx.tokens.add(token)
            tags, apple_id = checked.scope_tags, token.apple_id
            facts = await facts_of(tx, token, Action.CREATE, apple_id=apple_id, scope_tags=tags)
            asking = Asking(
                token=token,
                action=Action.CREATE,
                requester=person_id,
                reason=checked.reason,
                submission=checked.submission,
                facts=facts,
                consented=True,
                apple_id=apple_id,
                scope_tags=tags,
            )
            return await self._write(tx, asking, approvers)

    async def open(self, tx: Transaction, asking: Asking, approvers: frozenset[str]) -> Request:
        """Write the request, its card and its audit entry. Raises Refused if one is under way."""
        await _check_alone(tx, asking)
        return await self._write(tx, asking, approvers)

    async def _write(self, tx: Transaction, asking: Asking, approvers: frozenset[str]) -> Request:
        request = self._request(asking, approvers)
        await tx.requests.add(request)
        await self.audit.append(tx, _deed(request, asking))
        await self.notices.new_request_card(tx, request)
        return request

    def _token(self, form: CreateForm) -> Token:
        return Token(
            id=new_id(),
            name=form.name,
            program=form.program,
            portal=form.portal,
            server_name=form.server_name,
            apple_id=form.apple_id,
            owner=form.owner,
            state=TokenState.REQUESTED,
            health=None,
            health_since=None,
            expires_at=None,
            server_uuid=None,
            org_id=None,
            org_id_hash=None,
            org_name=None,
            admin_id=None,
            last_synced_at=None,
            sync_due_at=None,
            created_at=self.clock.now(),
        )

    def _request(self, asking: Asking, approvers: frozenset[str]) -> Request:
        now = self.clock.now()
        agreed = consent(asking.token.program) if asking.consented else None
        needed = self.approvals.needed(asking.action)
        return Request(
            id=new_id(),
            token_id=asking.token.id,
            action=asking.action,
            state=RequestState.PENDING if needed else RequestState.APPROVED,
            requester=asking.requester,
            reason=asking.reason,
            consent_text=agreed.text if agreed else "",
            consent_version=agreed.version if agreed else "",
            approvals_required=needed,
            approvers=sorted(approvers),
            dedupe_key=asking.submission,
            created_at=now,
            expires_at=now + PENDING_FOR,
            ended_at=None,
            apple_id=asking.apple_id,
            cause=asking.cause,
            rotate=asking.rotate,
            scope_tags=dict(asking.scope_tags),
            facts=asking.facts,
            digest=digest_of(asking.facts),
            nag_due_at=self.calendar.next_workday(now) if needed else None,
        )


async def find_request(tx: Transaction, request_id: str) -> tuple[Request, Token]:
    """The request and its token. Raises NotFound."""
    request = await tx.requests.get(request_id)
    token = await tx.tokens.get(request.token_id) if request else None
    if request is None or token is None:
        raise NotFound(
            f"no request {request_id!r}",
            user_message="This request is not known here (any more). "
            "Look at the newest messages, or use /enroll-token list.",
        )
    return request, token


async def find_active(tx: Transaction, token_id: str) -> Token:
    """The token of that id, in use. Raises NotFound, or Refused if it is not in use."""
    token = await tx.tokens.get(token_id)
    if token is None:
        raise NotFound(
            f"no token {token_id!r}",
            user_message="This token is not known here (any more). Use /enroll-token list.",
        )
    if token.state is not TokenState.ACTIVE:
        state = token.state.value.replace("_", " ")
        raise Refused(
            f"token {token.id} is {state}",
            user_message=f"{quoted(token.name)} is {state}, so this cannot be done with it. See "
            f"`/enroll-token status {token.name}`.",
        )
    return token


async def _check_name(tx: Transaction, name: str) -> None:
    namesake = await tx.tokens.named(name)
    if namesake is not None:
        state = namesake.state.value.replace("_", " ")
        raise InvalidForm(
            {
                "name": f"A token {quoted(namesake.name)} exists already ({state}). "
                "Take another name."
            }
        )


async def _check_alone(tx: Transaction, asking: Asking) -> None:
    first = await tx.requests.under_way(asking.token.id)
    if first is not None:
        raise Refused(
            f"request {first.id} is under way for token {asking.token.id}",
            user_message=f"{person(first.requester)} has asked {DOING[first.action]} already, and "
            f"that is under way ({first.state.value.replace('_', ' ')}). One at a time: let it be "
            "finished, or let them cancel it, then ask again.",
        )


def _deed(request: Request, asking: Asking) -> Deed:
    texts = {
        "cause": asking.cause.value if asking.cause else "",
        "reason": request.reason,
        "consent_text": request.consent_text,
        "consent_version": request.consent_version,
    }
    return Deed(
        actor=request.requester,
        action=f"request.{request.action.value}",
        subject=f"request:{request.id}",
        token_id=asking.token.id,
        origin=f"view:{asking.submission}",
        after={
            "state": request.state.value,
            "approvals_required": str(request.approvals_required),
            **{name: value for name, value in {**asking.facts, **texts}.items() if value},
        },
    )
