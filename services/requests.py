"""Requests: somebody asks for a guarded action; nothing happens before others agree."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from services import names
from services.audit import AuditLog, Deed
from services.clock import Clock
from services.consents import consent
from services.errors import Invalid, InvalidForm, Refused
from services.notices import Notices
from services.phrases import quoted
from services.policy import Actor, Approvals, People, Role, require, require_deciders
from storage.database import Database, Transaction
from storage.records import Request, Token, new_id
from storage.states import Action, Portal, ProgramName, RequestState, TokenState

PENDING_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateForm:
    """A create form as submitted; `submission` is Slack's id of it, the same at each delivery."""

    submission: str
    program: ProgramName
    portal: Portal
    name: str
    server_name: str
    apple_id: str
    owner: str
    reason: str
    consented: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A form whose fields have been found good."""

    form: CreateForm
    requester: str
    name: str
    server_name: str
    apple_id: str
    reason: str


class Requests:
    """Opens requests."""

    def __init__(  # noqa: PLR0913 - collaborators come by constructor
        self,
        *,
        database: Database,
        people: People,
        audit: AuditLog,
        notices: Notices,
        approvals: Approvals,
        programs: frozenset[ProgramName],
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.audit = audit
        self.notices = notices
        self.approvals = approvals
        self.programs = programs
        self.clock = clock

    async def may_create(self, person: str) -> Actor:
        """The person, if they may ask for a new token. Raises NotAllowed or Refused."""
        actor = await self.people.actor(person, fresh=False)
        require(actor, Role.OPERATOR, await self.people.holders(Role.OPERATOR, fresh=False))
        await self._deciders(person, Action.CREATE)
        return actor

    async def create(self, person: str, form: CreateForm) -> Request:
        """Ask for a new token: the token's row, the request, its card and its audit entry at once.

        Submitted twice it is one request. Raises InvalidForm, NotAllowed, Refused.
        """
        await self.may_create(person)
        wish = _checked(person, form)
        approvers = await self._deciders(person, Action.CREATE)
        if form.program not in self.programs:
            raise Refused(
                f"program {form.program} is not set up",
                user_message="This kind of token is not set up here. Ask your admin.",
            )
        async with self.database.write() as tx:
            before = await tx.requests.of_key(form.submission)
            if before is not None:
                return before
            await self._check_name(tx, wish.name)
            return await self._open(tx, wish, approvers)

    async def _deciders(self, person: str, action: Action) -> frozenset[str]:
        approvers = await self.people.holders(Role.APPROVER, fresh=False)
        require_deciders(person, approvers, self.approvals.needed(action))
        return approvers

    async def _check_name(self, tx: Transaction, name: str) -> None:
        namesake = await tx.tokens.named(name)
        if namesake is not None:
            state = namesake.state.value.replace("_", " ")
            raise InvalidForm(
                {
                    "name": f"A token {quoted(namesake.name)} exists already ({state}). "
                    "Take another name."
                }
            )

    async def _open(self, tx: Transaction, wish: _Wish, approvers: frozenset[str]) -> Request:
        token = self._token(wish)
        request = self._request(wish, token, approvers)
        await tx.tokens.add(token)
        await tx.requests.add(request)
        await self.audit.append(tx, _deed(request, token, wish))
        await self.notices.request_card(tx, request, request.state)
        return request

    def _token(self, wish: _Wish) -> Token:
        return Token(
            id=new_id(),
            name=wish.name,
            program=wish.form.program,
            portal=wish.form.portal,
            server_name=wish.server_name,
            apple_id=wish.apple_id,
            owner=wish.form.owner,
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

    def _request(self, wish: _Wish, token: Token, approvers: frozenset[str]) -> Request:
        agreed = consent(wish.form.program)
        needed = self.approvals.needed(Action.CREATE)
        return Request(
            id=new_id(),
            token_id=token.id,
            action=Action.CREATE,
            state=RequestState.PENDING if needed else RequestState.APPROVED,
            requester=wish.requester,
            reason=wish.reason,
            consent_text=agreed.text,
            consent_version=agreed.version,
            approvals_required=needed,
            approvers=sorted(approvers),
            dedupe_key=wish.form.submission,
            created_at=self.clock.now(),
            expires_at=self.clock.now() + PENDING_FOR,
            ended_at=None,
        )


def _checked(person: str, form: CreateForm) -> _Wish:
    wrong: dict[str, str] = {}

    def field(check: Callable[[str], str], text: str) -> str:
        try:
            return check(text)
        except Invalid as error:
            wrong[error.field or ""] = error.user_message
            return ""

    name = field(names.token_name, form.name)
    wish = _Wish(
        form=form,
        requester=person,
        name=name,
        server_name=field(names.server_name, form.server_name)
        if form.server_name.strip()
        else name,
        apple_id=field(names.apple_id, form.apple_id),
        reason=field(names.reason, form.reason),
    )
    if not form.owner:
        wrong["owner"] = "Choose who answers for the token."
    if not form.consented:
        wrong["consent"] = "Without this agreement the token cannot be requested."
    if wrong:
        raise InvalidForm(wrong)
    return wish


def _deed(request: Request, token: Token, wish: _Wish) -> Deed:
    return Deed(
        actor=request.requester,
        action="request.create",
        subject=f"request:{request.id}",
        token_id=token.id,
        origin=f"view:{wish.form.submission}",
        after={
            "state": request.state,
            "approvals_required": str(request.approvals_required),
            "name": token.name,
            "program": token.program,
            "portal": token.portal,
            "server_name": token.server_name,
            "apple_id": token.apple_id,
            "owner": token.owner,
            "reason": request.reason,
            "consent_text": request.consent_text,
            "consent_version": request.consent_version,
        },
    )
