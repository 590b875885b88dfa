"""Deletion: the three conditions, the wish, and what is done once others have agreed.

The conditions are read when the form opens, when somebody decides, and right before anything is
destroyed. *Remove here anyway* is a wish of its own, with its own approval.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.audit import AuditLog
from services.calendar import Calendar
from services.clock import Clock, machine_now
from services.conditions import ConditionReader, Conditions
from services.errors import Refused, ServiceError, UpstreamError
from services.lifecycle import TooLate, move_request, move_token
from services.notices import Notices
from services.phrases import quoted
from services.preparation import UPLOAD_WITHIN
from services.programs import ByHand, Program, StillRemoving
from services.request_deeds import request_deed
from services.request_facts import facts_of
from services.request_forms import DeleteForm, checked_delete
from services.requests import Asking, Requests, find_active
from services.taking_out import TAKING_OUT, TakingOut, deleting_deed
from storage.database import Database
from storage.records import Request, Token
from storage.states import Action, Evidence, ProgramName, RequestState, StoryEvent, TokenState

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
        calendar: Calendar,
        clock: Clock,
    ) -> None:
        self.database = database
        self.programs = programs
        self.requests = requests
        self.conditions = conditions
        self.audit = audit
        self.notices = notices
        self.calendar = calendar
        self.clock = clock
        self.taking_out = TakingOut(programs=programs, audit=audit, notices=notices, clock=clock)

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
            if token is None or request.action not in TAKING_OUT:
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
        """False where it goes on later: a sync is let finish first, or more is left to remove."""
        if request.action is Action.DELETE and token.state is TokenState.ACTIVE:
            # From here on no sync begins.
            async with self.database.write() as tx:
                await move_token(tx, token, TokenState.DELETING)
                await self.audit.append(tx, deleting_deed(request, token, TokenState.DELETING))
            token = await self._now(token)
        async with self.database.read() as tx:
            run = await tx.sync_runs.running(token.id)
        if run is not None and run.lease_until > machine_now():
            return False
        return await self._take_out(request, token)

    async def _take_out(self, request: Request, token: Token) -> bool:
        """False where the holder has more to remove than others can wait for."""
        if request.action is Action.DELETE:
            await self._check(token)
        try:
            keep = await self.taking_out.at_holder(request, token, done=False)
        except StillRemoving:
            return False
        except ByHand:
            await self._by_hand(request)
            return True
        async with self.database.write() as tx:
            await self.taking_out.complete(tx, request, token, keep)
        return True

    async def _check(self, token: Token) -> None:
        """Raise Refused unless all three conditions hold now, as far as anybody can tell."""
        conditions = await self.conditions.read(token)
        if not conditions.met():
            raise _unmet(token, conditions)
        if not conditions.live and conditions.retryable:
            raise Refused(
                f"the holder of token {token.id} gave no answer",
                user_message=f"{conditions.trouble} So nobody knows whether devices came back. "
                "Nothing was deleted; ask again later.",
            )

    async def _by_hand(self, request: Request) -> None:
        """The requester, or whoever it is handed to, does it in the holder's own console."""
        now = self.clock.now()
        waits = {
            "evidence": Evidence.THEIR_WORD,
            "expires_at": now + UPLOAD_WITHIN,
            "nag_due_at": self.calendar.next_workday(now),
        }
        async with self.database.write() as tx:
            await move_request(tx, request, RequestState.AWAITING_UPLOAD, now, **waits)
            after = {"state": RequestState.AWAITING_UPLOAD.value}
            await self.audit.append(tx, request_deed(request, "request.prepare", after=after))
            await self.notices.request_card(tx, request, RequestState.AWAITING_UPLOAD)
            await self.notices.steps(tx, request, "by_hand")

    async def _fall_back(self, request: Request, why: str) -> None:
        """The token stays in use, and everybody who was asked is told why."""
        async with self.database.write() as tx:
            token = await tx.tokens.get(request.token_id)
            now = self.clock.now()
            await move_request(tx, request, RequestState.FAILED, now, failure=why)
            failed = {"state": RequestState.FAILED.value, "why": why}
            if token is not None and token.state is TokenState.DELETING:
                await move_token(tx, token, TokenState.ACTIVE)
            await self.audit.append(tx, request_deed(request, "request.fail", after=failed))
            await self.taking_out.tell(tx, request, StoryEvent.FAILED)

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
