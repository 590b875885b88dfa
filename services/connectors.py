"""Apple's other credentials in Intune: the push certificate and the content tokens, read only.

Intune is looked at now and then; what ends is reminded of by the rungs and the days of tokens, one
message a day at most. Nobody in Slack answers for them, so reminders go to the channel. What Intune
does not show us, or does not let us see, changes nothing. Source: Graph beta,
`applePushNotificationCertificate` and `vppToken`.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from services.audit import AuditLog, Deed
from services.chores import claim, is_due
from services.clock import Clock
from services.connector_plan import Seen, next_due, silenced
from services.errors import UpstreamError
from services.graph.intune import Intune
from services.policy import People, Role
from services.reminders import ESCALATE_AFTER, Plan
from services.request_deeds import INTUNE, SERVICE
from services.rungs import ESCALATE_FROM
from services.watch_notices import WatchNotices
from storage.connector_records import Connector, ConnectorKind
from storage.database import Database, Transaction
from storage.states import NoticeKind

log = logging.getLogger(__name__)

CHORE = "connectors"
PUSH = "push"
"""The push certificate has no id of its own in Graph: there is one for each tenant."""


class Connectors:
    """Looks at what Intune has, and reminds of it."""

    def __init__(  # noqa: PLR0913 - collaborators come by constructor
        self,
        *,
        database: Database,
        intune: Intune,
        people: People,
        audit: AuditLog,
        notices: WatchNotices,
        plan: Plan,
        clock: Clock,
        every: timedelta,
    ) -> None:
        self.database = database
        self.intune = intune
        self.people = people
        self.audit = audit
        self.notices = notices
        self.plan = plan
        self.clock = clock
        self.every = every
        self._begun = False

    async def run_due(self) -> None:
        """Look at Intune when it is time, then remind, then tell the approvers."""
        now = self.clock.now()
        if await self._claimed(now):
            await self._look(now)
        async with self.database.read() as tx:
            due, silent = await tx.connectors.due(now), await tx.connectors.unanswered(now)
        for one in due:
            await self._remind(one)
        if silent:
            # Slack is asked before anything is written; if it does not tell, it is asked again.
            approvers = await self.people.holders(Role.APPROVER, fresh=False)
            for one in silent:
                await self._escalate(one, approvers)

    async def _claimed(self, now: datetime) -> bool:
        """Once at the start of this process, whose plan may be another; then when it is due."""
        first, self._begun = not self._begun, True
        async with self.database.read() as tx:
            if not first and not await is_due(tx, CHORE, now, self._following):
                return False
        async with self.database.write(quiet=True) as tx:
            return await claim(tx, CHORE, now, self._following) or first

    def _following(self, after: datetime) -> datetime:
        return after + self.every

    async def _look(self, now: datetime) -> None:
        seen: list[Seen] = []
        told: set[ConnectorKind] = set()
        for kind in ConnectorKind:
            try:
                seen += await self._seen(kind)
                told.add(kind)
            except UpstreamError as error:
                log.warning("connectors_unknown", extra={"kind": kind, "error": str(error)})
        async with self.database.write() as tx:
            known = {(one.kind, one.holder_id): one for one in await tx.connectors.known()}
            for one in seen:
                was = known.pop((one.kind, one.holder_id), None)
                await self._follow(tx, was, one)
            for gone in known.values():
                if gone.kind in told and gone.gone_at is None:
                    await self._lose(tx, gone, now)

    async def _seen(self, kind: ConnectorKind) -> list[Seen]:
        if kind is ConnectorKind.CONTENT_TOKEN:
            return [
                Seen(
                    kind=kind,
                    holder_id=one.id,
                    name=one.name or one.location or one.organisation or "",
                    apple_id=one.apple_id or "",
                    expires_at=one.expires_at,
                )
                for one in await self.intune.content_tokens()
            ]
        found = await self.intune.push_certificate()
        if found is None:
            return []
        return [
            Seen(
                kind=kind,
                holder_id=PUSH,
                name="",
                apple_id=found.apple_id or "",
                expires_at=found.expires_at,
            )
        ]

    async def _follow(self, tx: Transaction, was: Connector | None, seen: Seen) -> None:
        now = self.clock.now()
        if was is None:
            found = seen.found(self.plan, now)
            await tx.connectors.add(found)
            await self.audit.append(tx, _deed(found, "connector.find", SERVICE))
            return
        becomes = seen.followed(was, self.plan, now)
        if becomes == was or not await tx.connectors.update(was, becomes):
            return
        if becomes.generation != was.generation:
            await self.audit.append(tx, _deed(becomes, "connector.renewed_there", INTUNE))
        if becomes.generation != was.generation or was.gone_at is not None:
            await self.notices.redraw(tx, NoticeKind.CONNECTOR, [was.generation])

    async def _lose(self, tx: Transaction, was: Connector, now: datetime) -> None:
        becomes = replace(was, gone_at=now, due_at=None, escalate_at=None)
        if await tx.connectors.update(was, becomes):
            await self.audit.append(tx, _deed(was, "connector.deleted_there", INTUNE))
            await self.notices.redraw(tx, NoticeKind.CONNECTOR, [was.generation])

    async def _remind(self, one: Connector) -> None:
        now = self.clock.now()
        if one.expires_at is None:
            return
        urgent = self.plan.calendar.days_left(one.expires_at, now) <= ESCALATE_FROM
        waits_until = now + ESCALATE_AFTER if urgent else None
        said = replace(silenced(one), said_at=now, escalate_at=waits_until)
        said = replace(said, due_at=next_due(said, self.plan, now))
        async with self.database.write() as tx:
            if await tx.connectors.update(one, said):
                await self._say(tx, one)

    async def _escalate(self, one: Connector, approvers: frozenset[str]) -> None:
        async with self.database.write() as tx:
            if await tx.connectors.update(one, replace(one, escalate_at=None)):
                for person in sorted(approvers):
                    await self._say(tx, one, to=person)

    async def _say(self, tx: Transaction, one: Connector, *, to: str = "") -> None:
        if one.expires_at is None:
            return
        await self.notices.say(
            tx,
            NoticeKind.CONNECTOR,
            one.generation,
            to=to,
            stage=f"{self.clock.now():%Y%m%dT%H%M}",
            facts={"connector": one.id, "ends": one.expires_at.isoformat()},
        )


def _deed(one: Connector, action: str, actor: str) -> Deed:
    after = {"kind": one.kind.value, "name": one.name, "apple_id": one.apple_id}
    ends = {"expires_at": one.expires_at.isoformat()} if one.expires_at else {}
    return Deed(
        actor=actor,
        action=action,
        subject=f"connector:{one.id}",
        token_id=None,
        origin=CHORE,
        after={**after, **ends},
    )
