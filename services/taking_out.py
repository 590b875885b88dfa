"""Taking out: a token, or its devices, out of use at its holder, by us or by a person there."""

from collections.abc import Mapping

from services.audit import AuditLog, Deed
from services.clock import Clock
from services.lifecycle import TooLate, move_request, move_token
from services.notices import Notices
from services.programs import Keep, Program
from services.request_deeds import request_deed
from storage.database import Transaction
from storage.records import Request, Token
from storage.states import Action, ProgramName, RequestState, StoryEvent, TokenState

TAKING_OUT = frozenset({Action.DELETE, Action.REMOVE})
"""The actions that end with something out of use."""


class TakingOut:
    """Takes out at the holder, and writes what is true then."""

    def __init__(
        self,
        *,
        programs: Mapping[ProgramName, Program],
        audit: AuditLog,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self.programs = programs
        self.audit = audit
        self.notices = notices
        self.clock = clock

    async def at_holder(self, request: Request, token: Token, *, done: bool) -> Keep:
        """Do it at the holder; once a person says that it is `done`, see whether it is so.

        Raises ByHand, StillRemoving, Refused, UpstreamError.
        """
        program = self.programs[token.program]
        if request.action is Action.DELETE:
            return await program.withdraw(token, done=done)
        return await program.remove_devices(token, done=done)

    async def complete(self, tx: Transaction, request: Request, token: Token, keep: Keep) -> None:
        """Write that it is out of use, with the audit entry and the messages. Raises TooLate."""
        now = self.clock.now()
        await move_request(tx, request, RequestState.COMPLETED, now)
        if request.action is Action.DELETE:
            gone = {"sync_due_at": None, "health": None, "health_since": None}
            await move_token(tx, token, TokenState.DELETED, **gone)
        elif not await tx.tokens.renewed(token.id, removed_here_at=now, sync_due_at=None):
            raise TooLate(f"token {token.id}")
        await keep(tx)
        await self.audit.append(tx, _deed(request, token))
        await self.tell(tx, request, StoryEvent.COMPLETED)

    async def tell(self, tx: Transaction, request: Request, event: StoryEvent) -> None:
        """Say to everybody who was asked what came of it."""
        await self.notices.request_card(tx, request, event)
        await self.notices.story(tx, request, event)
        await self.notices.news(tx, request, event)
        if request.state is RequestState.AWAITING_UPLOAD:
            await self.notices.steps(tx, request, event)
        if event is StoryEvent.COMPLETED:
            await self.notices.token_gone(tx, request)


def deleting_deed(request: Request, token: Token, becomes: TokenState) -> Deed:
    """The audit entry of a deletion that begins, or has come to its end."""
    ends = becomes is TokenState.DELETED
    ours = ends and token.program is ProgramName.APPLE
    return request_deed(
        request,
        "token.delete" if ends else "token.deleting",
        before={"state": token.state.value},
        after={"state": becomes.value} | ({"secrets": "overwritten"} if ours else {}),
    )


def _deed(request: Request, token: Token) -> Deed:
    if request.action is Action.DELETE:
        return deleting_deed(request, token, TokenState.DELETED)
    ours = token.program is ProgramName.APPLE
    counted = ("devices", "profiles") if ours else ("devices",)
    counts = {name: request.facts.get(name, "") for name in counted}
    gone = {"state": RequestState.COMPLETED.value, **dict.fromkeys(counted, "0")}
    after = gone | {"sync": "stopped"}
    return request_deed(request, "token.remove_devices", before=counts, after=after)
