"""Following: what was done to a token in Intune itself becomes true here, audited as seen there."""

from collections.abc import Collection
from datetime import datetime

from services.audit import AuditLog, Deed
from services.clock import Clock
from services.graph.found import kept_name, shown_name, unique_name
from services.graph.messages import Setting
from services.lifecycle import move_request, move_token
from services.notices import Notices
from services.phrases import quoted
from services.request_deeds import INTUNE, request_deed
from services.uploads import drop_brought, waits_for_evidence
from storage.database import Transaction
from storage.records import Request, Token
from storage.states import RequestState, StoryEvent, TokenState
from storage.tokens import name_key


class Follower:
    """Writes what Intune shows, each change with its audit entry."""

    def __init__(self, *, audit: AuditLog, notices: Notices, clock: Clock) -> None:
        self.audit = audit
        self.notices = notices
        self.clock = clock

    async def change(self, tx: Transaction, token_id: str, setting: Setting) -> bool:
        """Follow another name, end or Apple ID; whether it was renamed here."""
        token = await tx.tokens.get(token_id)
        renewing = await tx.watch.renewing()
        if token is None or not differs(token, setting, renewing):
            return False
        renamed = await self._rename(tx, token, setting)
        if _moved(token, setting, renewing):
            await self._renew(tx, token, setting)
        return renamed

    async def link(self, tx: Transaction, token: Token, setting: Setting) -> bool:
        """From now on Intune is asked about this token; False if it has changed meanwhile."""
        known = {"holder_id": setting.id, "holder_name": kept_name(setting)}
        if not await tx.tokens.renewed(token.id, **known):
            return False
        deed = _deed(token, "token.changed_there", setting, after={"held_as": setting.id})
        await self.audit.append(tx, deed)
        if _moved(token, setting, ()):
            await self._renew(tx, token, setting)
        return True

    async def delete(self, tx: Transaction, token_id: str) -> bool:
        """It is gone there, so it is gone here, and so is what was asked for it.

        False where somebody saw it before, or takes it out of use here. Raises TooLate.
        """
        token = await tx.tokens.get(token_id)
        if token is None or token.state is not TokenState.ACTIVE:
            return False
        request = await tx.requests.under_way(token.id)
        if request is not None:
            await self._end(tx, request, token)
        now = self.clock.now()
        gone = {"sync_due_at": None, "health": None, "health_since": None}
        await move_token(tx, token, TokenState.DELETED, **gone)
        await tx.profiles.remove(token.id, now)
        await tx.key_pairs.destroy(token.id)
        state = {"state": TokenState.DELETED.value}
        before = {"state": token.state.value, "name": token.name}
        await self.audit.append(
            tx, _deed(token, "token.deleted_there", None, before=before, after=state)
        )
        return True

    async def _rename(self, tx: Transaction, token: Token, setting: Setting) -> bool:
        if kept_name(setting) == token.holder_name:
            return False
        changes: dict[str, object] = {"holder_name": kept_name(setting)}
        name = token.name
        if token.holder_name is not None:
            taken = await tx.tokens.name_keys() - {name_key(token.name)}
            name = unique_name(shown_name(setting), taken)
            changes |= {"name": name, "name_key": name_key(name)}
        if not await tx.tokens.renewed(token.id, **changes) or name == token.name:
            return False
        was, becomes = {"name": token.name}, {"name": name}
        await self.audit.append(
            tx, _deed(token, "token.rename", setting, before=was, after=becomes)
        )
        return True

    async def _renew(self, tx: Transaction, token: Token, setting: Setting) -> None:
        now, apple_id = self.clock.now(), setting.apple_id or token.apple_id
        ends = setting.expires_at or token.expires_at
        changes: dict[str, object] = {
            "expires_at": ends,
            "apple_id": apple_id[:320],
            "admin_id": apple_id[:320],
        }
        later = ends != token.expires_at
        if later:
            # Its devices and its health are of another token now.
            changes["sync_due_at"] = now if token.removed_here_at is None else None
        if not await tx.tokens.renewed(token.id, **changes):
            return
        await tx.watch.ask_at(token.id, now)
        action = "token.renewed_there" if later else "token.changed_there"
        was, becomes = _facts(token.expires_at, token.apple_id), _facts(ends, apple_id)
        await self.audit.append(tx, _deed(token, action, setting, before=was, after=becomes))

    async def _end(self, tx: Transaction, request: Request, token: Token) -> None:
        now = self.clock.now()
        why = f"{quoted(token.name)} was deleted in Intune meanwhile. Nothing is left to do."
        await move_request(tx, request, RequestState.FAILED, now, failure=why)
        await drop_brought(tx, request, notices=self.notices, now=now)
        failed = {"state": RequestState.FAILED.value, "why": why}
        await self.audit.append(tx, request_deed(request, "request.fail", after=failed))
        await self.notices.request_card(tx, request, StoryEvent.FAILED)
        await self.notices.story(tx, request, StoryEvent.FAILED)
        await self.notices.news(tx, request, StoryEvent.FAILED)
        if waits_for_evidence(request):
            await self.notices.steps(tx, request, StoryEvent.FAILED)


def differs(token: Token, setting: Setting, renewing: Collection[str]) -> bool:
    """Whether Intune shows something else than is known here, and nobody here is changing it."""
    if token.state is not TokenState.ACTIVE:
        return False
    return kept_name(setting) != token.holder_name or _moved(token, setting, renewing)


def _moved(token: Token, setting: Setting, renewing: Collection[str]) -> bool:
    """Another end or Apple ID; a renewal that is under way here sees to both itself."""
    if token.id in renewing or setting.expires_at is None:
        return False
    other = (setting.apple_id or token.apple_id).casefold() != token.apple_id.casefold()
    return other or setting.expires_at != token.expires_at


def _facts(ends: datetime | None, apple_id: str) -> dict[str, str]:
    return {"expires_at": ends.isoformat() if ends else "", "apple_id": apple_id}


def _deed(
    token: Token,
    action: str,
    setting: Setting | None,
    *,
    before: dict[str, str] | None = None,
    after: dict[str, str],
) -> Deed:
    known = setting.id if setting else token.holder_id
    return Deed(
        actor=INTUNE,
        action=action,
        subject=f"token:{token.id}",
        token_id=token.id,
        origin=f"intune:{known}",
        before=before or {},
        after=after,
    )
