"""The watch over Entra: whether the account behind an Apple ID is in order.

Every hour each Apple ID of a token in use is looked up: by the object id once it is known (a
deleted user is found by nothing else), else by its addresses. What Entra says becomes a report, one
for each finding. Where Entra gives no definite answer nothing is found and nothing is over.
Source: Graph v1.0, `user` and `directory/deletedItems`; Apple, "Intro to federated authentication".
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from services.clock import Clock
from services.errors import UpstreamError
from services.graph.messages import DeletedUser, Setting, User
from services.reports import Reports, generation, tokens_of
from storage.database import Database, Transaction
from storage.entra_records import EntraAccount, EntraStanding
from storage.records import Token
from storage.states import ReportKind

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
CLAIMED_FOR = timedelta(minutes=10)
"""How soon an Apple ID is looked up again whose look-up ended with its process."""
NOTED_EVERY = timedelta(seconds=5)
PUT_OFF = timedelta(minutes=15)
"""When Entra is asked again that gave no answer and named no time."""
BATCH = 50
FINDINGS = {
    EntraStanding.DISABLED: ReportKind.ENTRA_DISABLED,
    EntraStanding.DELETED: ReportKind.ENTRA_DELETED,
    EntraStanding.GONE: ReportKind.ENTRA_DELETED,
    EntraStanding.NOBODY: ReportKind.ENTRA_NOBODY,
}


class Directory(Protocol):
    """Entra's people. Every method raises UpstreamError where there is no definite answer."""

    async def find(self, address: str) -> User | None:
        """Whoever signs in with this address, or has it as mail, proxy or other address."""
        ...

    async def get(self, object_id: str) -> User | None:
        """The person of that object id; None where they are gone."""
        ...

    async def deleted(self, object_id: str) -> DeletedUser | None:
        """The person, while they can be restored."""
        ...


class Settings(Protocol):
    """Intune's tokens."""

    async def setting(self, setting_id: str) -> Setting | None:
        """One token; None where Intune does not have it. Raises UpstreamError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entra:
    """What of one tenant is asked; `intune` tells when a token was changed there."""

    tenant: str
    directory: Directory
    intune: Settings


class EntraWatch:
    """Looks Apple IDs up, and reports what is found."""

    def __init__(self, *, database: Database, entra: Entra, reports: Reports, clock: Clock) -> None:
        self.database = database
        self.entra = entra
        self.reports = reports
        self.clock = clock
        self._noted_at: datetime | None = None

    async def run_due(self) -> None:
        """Look up every Apple ID whose time has come, until Entra gives no answer."""
        now = self.clock.now()
        await self._note(now)
        async with self.database.read() as tx:
            due = await tx.entra.due(now, now + EVERY, BATCH)
        for account in due:
            if not await self._look_up(account):
                return

    async def _note(self, now: datetime) -> None:
        """See that each Apple ID in use is looked up, and no other."""
        if self._noted_at is not None and abs(now - self._noted_at) < NOTED_EVERY:
            return
        async with self.database.read() as tx:
            used, known = set(await tx.watch.apple_ids()), set(await tx.entra.apple_ids())
        if used != known:
            async with self.database.write() as tx:
                await tx.entra.note(sorted(used - known), now)
                await tx.entra.forget(sorted(known - used))
        self._noted_at = now

    async def _look_up(self, account: EntraAccount) -> bool:
        """Ask Entra about one Apple ID; False where it gives no answer."""
        claimed = self.clock.now() + CLAIMED_FOR
        async with self.database.write(quiet=True) as tx:
            if not await tx.entra.claim(account, claimed):
                return True
            tokens = await tokens_of(tx, account.apple_id)
        try:
            found = await self._asked(account)
            older = await self._older(found, tokens)
        except UpstreamError as error:
            await self._put_off(error)
            return False
        async with self.database.write() as tx:
            if await tx.entra.keep(found, claimed):
                await self._report(tx, account, found, older)
        return True

    async def _put_off(self, error: UpstreamError) -> None:
        """No answer is no finding: all are asked about later, and the log says why."""
        seconds = error.retry_after_seconds
        wait = PUT_OFF if seconds is None else max(PUT_OFF, timedelta(seconds=seconds))
        log.warning("entra_unknown", extra={"error": str(error), "wait": wait.total_seconds()})
        async with self.database.write(quiet=True) as tx:
            await tx.entra.put_off(self.clock.now() + min(wait, EVERY))

    async def _asked(self, account: EntraAccount) -> EntraAccount:
        """The account as Entra has it now. Raises UpstreamError."""
        # An object id of another tenant says nothing in this one.
        known = account.object_id if account.tenant == self.entra.tenant else None
        directory, now = self.entra.directory, self.clock.now()
        looked = replace(
            account, tenant=self.entra.tenant, object_id=known, looked_at=now, due_at=now + EVERY
        )
        user = await directory.get(known) if known is not None else None
        if user is None:
            # Never seen, or made anew under the same address.
            user = await directory.find(account.apple_id)
        if user is not None:
            return _seen(looked, user)
        nothing = replace(looked, password_changed_at=None, deleted_at=None)
        if known is None:
            return replace(nothing, standing=EntraStanding.NOBODY)
        deleted = await directory.deleted(known)
        if deleted is None:
            return replace(nothing, standing=EntraStanding.GONE)
        return replace(nothing, standing=EntraStanding.DELETED, deleted_at=deleted.deleted_at)

    async def _older(self, found: EntraAccount, tokens: Sequence[Token]) -> dict[str, str]:
        """The generations, by id, of tokens whose file is older than the account's password.

        Raises UpstreamError.
        """
        changed_at = found.password_changed_at
        if changed_at is None:
            return {}
        return {one.id: generation(one) for one in tokens if await self._before(one, changed_at)}

    async def _before(self, token: Token, changed_at: datetime) -> bool:
        """Whether its file came into use before then; not where nobody knows."""
        async with self.database.read() as tx:
            here = await tx.watch.uploaded_at(token.id)
        if here is not None and here >= changed_at:
            return False
        # It may have been uploaded in Intune itself, which only Intune knows.
        there = await self._changed_there(token)
        known = [one for one in (here, there) if one is not None]
        return bool(known) and max(known) < changed_at

    async def _changed_there(self, token: Token) -> datetime | None:
        if token.holder_id is None:
            return None
        setting = await self.entra.intune.setting(token.holder_id)
        return setting.modified_at if setting is not None else None

    async def _report(
        self,
        tx: Transaction,
        before: EntraAccount,
        found: EntraAccount,
        older: Mapping[str, str],
    ) -> None:
        tokens = await tokens_of(tx, found.apple_id)
        if not tokens:
            return
        is_so = FINDINGS.get(found.standing)
        for kind in sorted(set(FINDINGS.values())):
            known = await tx.reports.open_about([kind], found.apple_id)
            if kind is is_so and not known:
                await self.reports.found(tx, kind, found.apple_id, tokens)
            for one in known:
                if kind is not is_so:
                    await self.reports.over(tx, one)
                elif before.standing is not found.standing:
                    await self.reports.redraw(tx, one)
        await self._report_password(
            tx, found, [one for one in tokens if older.get(one.id) == generation(one)]
        )

    async def _report_password(
        self, tx: Transaction, found: EntraAccount, older: Sequence[Token]
    ) -> None:
        """Once for each token: what a person reported already is not said again."""
        kinds = [ReportKind.PASSWORD, ReportKind.ENTRA_PASSWORD]
        known = await tx.reports.open_about(kinds, found.apple_id)
        said = {token_id for one in known for token_id in one.tokens}
        fresh = [one for one in older if one.id not in said]
        if fresh:
            await self.reports.found(tx, ReportKind.ENTRA_PASSWORD, found.apple_id, fresh)


def _seen(looked: EntraAccount, user: User) -> EntraAccount:
    # What Entra does not tell is taken for nothing.
    disabled = user.enabled is False
    return replace(
        looked,
        object_id=user.id,
        standing=EntraStanding.DISABLED if disabled else EntraStanding.ENABLED,
        password_changed_at=user.password_changed_at,
        deleted_at=None,
    )
