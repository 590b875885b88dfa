"""Deletion: the three conditions, the wish, and what is done once others have agreed.

The conditions are read when the form opens, when somebody decides, and right before anything is
destroyed. *Remove here anyway* is a wish of its own, with its own approval.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.audit import AuditLog, Deed
from services.clock import Clock, machine_now
from services.conditions import ConditionReader, Conditions
from services.errors import Refused, ServiceError, UpstreamError
from services.lifecycle import TooLate, move_request, move_token
from services.notices import Notices
from services.phrases import quoted
from services.preparation import SERVICE
from services.programs import Program
from services.request_facts import facts_of
from services.request_forms import DeleteForm, checked_delete
from services.requests import Asking, Requests, find_active
from storage.database import Database, Transaction
from storage.records import Request, Token
from storage.states import Action, ProgramName, RequestState, StoryEvent, TokenState

SYNC_PATIENCE = timedelta(seconds=2)
"""How soon a deletion that waits for a sync to end looks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionLook:
    """A token and what stands in the way of its deletion now."""

    token: Token
    conditions: Conditions
    under_way: Request | None


class Deletions:
    """Takes wishes to delete or to remove here, and carries the approved ones out."""

    def __init__(  # noqa: PLR0913 - collaborators come by constructor
        self,
        *,
        database: Database,
        programs: Mapping[ProgramName, Program],
        requests: Requests,
        conditions: ConditionReader,
        audit: AuditLog,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self.database = database
        self.programs = programs
        self.requests = requests
        self.conditions = conditions
        self.audit = audit
        self.notices = notices
        self.clock = clock

    async def look(self, person: str, token_id: str, action: Action) -> DeletionLook:
        """The conditions now, for somebody who may ask. Raises NotAllowed, NotFound, Refused."""
        await self.requests.may_ask(person, action)
        async with self.database.read() as tx:
            token = await find_active(tx, token_id)
            under_way = await tx.requests.under_way(token_id)
        conditions = await self.conditions.read(token)
        return DeletionLook(token=token, conditions=conditions, under_way=under_way)

    async def ask(self, person: str, form: DeleteForm) -> Request:
        """Ask to delete, or to remove here. Submitted twice it is one request.

        Raises InvalidForm, NotAllowed, NotFound, Refused.
        """
        look = await self.look(person, form.token_id, form.action)
        approvers = await self.requests.deciders(person, form.action)
        checked = checked_delete(form, name=look.token.name)
        if form.action is Action.DELETE and not look.conditions.met():
            raise _unmet(look.token, look.conditions)
        async with self.database.write() as tx:
            before = await tx.requests.of_key(form.submission)
            if before is not None:
                return before
            token = await find_active(tx, form.token_id)
            facts = await facts_of(
                tx, token, form.action, apple_id=token.apple_id, conditions=look.conditions
            )
            asking = Asking(
                token=token,
                action=form.action,
                requester=person,
                reason=checked.reason,
                submission=form.submission,
                facts=facts,
            )
            return await self.requests.open(tx, asking, approvers)

    async def carry_out_approved(self) -> float | None:
        """Carry out what was agreed to, also before a restart; when to look again, in seconds."""
        async with self.database.read() as tx:
            approved = await tx.requests.in_state(RequestState.APPROVED)
            tokens = [await tx.tokens.get(request.token_id) for request in approved]
        waits = False
        for request, token in zip(approved, tokens, strict=True):
            if token is None or request.action not in (Action.DELETE, Action.REMOVE):
                continue
            try:
                waits |= not await self._carry_out(request, token)
            except TooLate:
                # Another process does it, or the requester cancelled it at the last moment.
                continue
            except (ServiceError, UpstreamError) as error:
                await self._fall_back(request, error.user_message)
        return SYNC_PATIENCE.total_seconds() if waits else None

    async def _carry_out(self, request: Request, token: Token) -> bool:
        """False where a sync of the token is under way, which is let finish first."""
        if request.action is Action.DELETE and token.state is TokenState.ACTIVE:
            # From here on no sync begins.
            async with self.database.write() as tx:
                await move_token(tx, token, TokenState.DELETING)
                await self.audit.append(tx, _deed(request, token, TokenState.DELETING))
            token = await self._now(token)
        async with self.database.read() as tx:
            run = await tx.sync_runs.running(token.id)
        if run is not None and run.lease_until > machine_now():
            return False
        if request.action is Action.REMOVE:
            await self._remove(request, token)
        else:
            await self._delete(request, token)
        return True

    async def _delete(self, request: Request, token: Token) -> None:
        conditions = await self.conditions.read(token)
        if not conditions.met():
            raise _unmet(token, conditions)
        if not conditions.live and conditions.retryable:
            raise Refused(
                f"the holder of token {token.id} gave no answer",
                user_message=f"{conditions.trouble} So nobody knows whether devices came back. "
                "Nothing was deleted; ask again later.",
            )
        keep = await self.programs[token.program].withdraw(token)
        async with self.database.write() as tx:
            await move_request(tx, request, RequestState.COMPLETED, self.clock.now())
            gone = {"sync_due_at": None, "health": None, "health_since": None}
            await move_token(tx, token, TokenState.DELETED, **gone)
            await keep(tx)
            await self.audit.append(tx, _deed(request, token, TokenState.DELETED))
            await self._tell(tx, request, StoryEvent.COMPLETED)

    async def _remove(self, request: Request, token: Token) -> None:
        keep = await self.programs[token.program].remove_devices(token)
        now = self.clock.now()
        async with self.database.write() as tx:
            await move_request(tx, request, RequestState.COMPLETED, now)
            changes = {"removed_here_at": now, "sync_due_at": None}
            if not await tx.tokens.renewed(token.id, **changes):
                raise TooLate(f"token {token.id}")
            await keep(tx)
            await self.audit.append(tx, _removed(request, token))
            await self._tell(tx, request, StoryEvent.COMPLETED)

    async def _fall_back(self, request: Request, why: str) -> None:
        """The token stays in use, and everybody who was asked is told why."""
        async with self.database.write() as tx:
            token = await tx.tokens.get(request.token_id)
            now = self.clock.now()
            await move_request(tx, request, RequestState.FAILED, now, failure=why)
            if token is not None and token.state is TokenState.DELETING:
                await move_token(tx, token, TokenState.ACTIVE)
            await self.audit.append(tx, _failed(request, why))
            await self._tell(tx, request, StoryEvent.FAILED)

    async def _tell(self, tx: Transaction, request: Request, event: StoryEvent) -> None:
        await self.notices.request_card(tx, request, event)
        await self.notices.story(tx, request, event)
        await self.notices.news(tx, request, event)
        if event is StoryEvent.COMPLETED:
            await self.notices.token_gone(tx, request)

    async def _now(self, token: Token) -> Token:
        async with self.database.read() as tx:
            found = await tx.tokens.get(token.id)
        if found is None:
            raise AssertionError("tokens are never dropped")
        return found


def _unmet(token: Token, conditions: Conditions) -> Refused:
    ways = {
        "devices are assigned to its server": conditions.devices,
        "devices have its default profile": conditions.in_default_profile,
        "profiles remain": conditions.profiles,
    }
    said = ", ".join(f"{count:,} {what}" for what, count in ways.items() if count)
    return Refused(
        f"token {token.id} is not empty: {conditions}",
        user_message=f"{quoted(token.name)} cannot be deleted: {said}. Move the devices to another "
        "server at the portal or unassign them, then sync and ask again; or use *Remove here "
        "anyway* in the form of `/enroll-token delete`.",
    )


def _deed(request: Request, token: Token, becomes: TokenState) -> Deed:
    ends = becomes is TokenState.DELETED
    return Deed(
        actor=SERVICE,
        action="token.delete" if ends else "token.deleting",
        subject=f"request:{request.id}",
        token_id=token.id,
        origin=f"request:{request.id}",
        before={"state": token.state.value},
        after={"state": becomes.value} | ({"secrets": "overwritten"} if ends else {}),
    )


def _removed(request: Request, token: Token) -> Deed:
    counts = {name: request.facts[name] for name in ("devices", "profiles")}
    return Deed(
        actor=SERVICE,
        action="token.remove_devices",
        subject=f"request:{request.id}",
        token_id=token.id,
        origin=f"request:{request.id}",
        before=counts,
        after={"devices": "0", "profiles": "0", "sync": "stopped"},
    )


def _failed(request: Request, why: str) -> Deed:
    return Deed(
        actor=SERVICE,
        action="request.fail",
        subject=f"request:{request.id}",
        token_id=request.token_id,
        origin=f"request:{request.id}",
        before={"state": request.state.value},
        after={"state": RequestState.FAILED.value, "why": why},
    )
