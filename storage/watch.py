"""What the watch keeps beside a token's facts, and which tokens something is due for."""

from datetime import datetime

from sqlalchemy import TextClause, and_, bindparam, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import tables, watch_tables
from storage.columns import UtcDateTime
from storage.records import Token
from storage.states import Action, Health, RequestState, TokenState
from storage.watch_records import Keeping

RENEWING = (
    "action IN ('renew', 'replace') AND (state IN ('approved', 'awaiting_upload', 'verifying')"
    " OR (state = 'pending' AND cause = 'already_downloaded'))"
)
"""A request whose renewal was agreed to, or needs no agreement, and is not over."""


def _look(*places: tuple[str, str], binds: tuple[str, ...] = ()) -> TextClause:
    """Whether any table has a row where that holds: each index holds little but what is due."""
    found = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE {where})"  # noqa: S608 - our own texts
        for table, where in places
    )
    return text(f"SELECT {found}").bindparams(
        *(bindparam(name, type_=UtcDateTime) for name in binds)
    )


LOOK_AT_REMINDERS = _look(
    ("token", watch_tables.UNPLANNED),
    ("reminder", "state = 'planned' AND due_at <= :now"),
    ("reminder", "decided_at > :wrong"),
    binds=("now", "wrong"),
)
LOOK_AT_HEALTH = _look(
    ("token", watch_tables.UNASKED),
    ("token", f"{watch_tables.ACTIVE} AND health_due_at <= :now"),
    ("token", f"{watch_tables.ACTIVE} AND health_due_at > :furthest"),
    ("request", RENEWING),
    binds=("now", "furthest"),
)
LOOK_AT_ALERTS = _look(("token", watch_tables.ILL), ("alert", watch_tables.UNDER_WAY))
LOOK_AT_ESCALATIONS = _look(
    ("reminder", f"{watch_tables.UNANSWERED} AND escalate_at <= :now"),
    ("outbox", "state = 'dead' AND due_at >= :since AND kind = 'reminder_owner'"),
    binds=("now", "since"),
)
LOOK_AT_REPORTS = _look(("report", "state = 'open'"))
"""Most ticks find nothing, and should cost next to nothing."""


class Watch:
    """The watch's own columns of the tokens."""

    table = tables.token

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def waits(self, look: TextClause, **times: datetime) -> bool:
        """Whether one of the looks above finds anything to do."""
        return bool((await self.connection.execute(look, times)).scalar_one())

    async def unplanned(self, limit: int) -> list[str]:
        """Tokens whose end is not the one that reminders were planned for."""
        query = select(self.table.c.id).where(text(watch_tables.UNPLANNED)).limit(limit)
        return list((await self.connection.execute(query)).scalars())

    async def planned(self, token: Token, plan: str) -> bool:
        """Compare and set: its reminders are planned for its end as it was read."""
        table = self.table.c
        end = token.expires_at if token.state is TokenState.ACTIVE else None
        changed = await self.connection.execute(
            update(self.table)
            .where(
                table.id == token.id,
                table.state == token.state,
                table.expires_at.is_not_distinct_from(token.expires_at),
                text(watch_tables.UNPLANNED),
            )
            .values(planned_for=end, plan=plan)
        )
        return changed.rowcount == 1

    async def plan_anew(self, plan: str) -> int:
        """Have every token planned anew that was planned otherwise; how many there are."""
        table = self.table.c
        changed = await self.connection.execute(
            update(self.table)
            .where(table.planned_for.is_not(None), table.plan.is_distinct_from(plan))
            .values(planned_for=None)
        )
        return changed.rowcount

    async def due_for_health(
        self, now: datetime, furthest: datetime, limit: int
    ) -> list[tuple[str, datetime | None]]:
        """Active tokens that are to be asked about, each with when it was due.

        One that is due later than `furthest` was given its time by a wrong clock.
        """
        table = self.table.c
        asked = text(watch_tables.ACTIVE)
        looks = (
            (text(watch_tables.UNASKED), table.id),
            (and_(asked, table.health_due_at <= now), table.health_due_at),
            (and_(asked, table.health_due_at > furthest), table.health_due_at),
        )
        found: list[tuple[str, datetime | None]] = []
        for where, order in looks:
            query = select(table.id, table.health_due_at).where(where).order_by(order)
            rows = await self.connection.execute(query.limit(limit - len(found)))
            found += [(row[0], row[1]) for row in rows]
        return found

    async def claim_health(self, token_id: str, was: datetime | None, due_at: datetime) -> bool:
        """Compare and set: this process asks about the token."""
        table = self.table.c
        changed = await self.connection.execute(
            update(self.table)
            .where(table.id == token_id, table.health_due_at.is_not_distinct_from(was))
            .values(health_due_at=due_at)
        )
        return changed.rowcount == 1

    async def ask_at(self, token_id: str, due_at: datetime) -> None:
        """Ask about the token then."""
        await self._set(token_id, health_due_at=due_at)

    async def ask_others(self, token: Token, at: datetime, *, lately: datetime) -> None:
        """Ask then about the organisation's tokens that were well when last asked, before that."""
        table = self.table.c
        if token.org_id is None:
            return
        await self.connection.execute(
            update(self.table)
            .where(
                text(watch_tables.ACTIVE),
                table.org_id == token.org_id,
                table.id != token.id,
                table.health.is_not_distinct_from(Health.OK),
                table.health_due_at > at,
                table.health_asked_at < lately,
            )
            .values(health_due_at=at)
        )

    async def has_active(self, count: int) -> bool:
        """Whether there are so many active tokens."""
        some = select(self.table.c.id).where(text(watch_tables.ACTIVE)).limit(count)
        return len((await self.connection.execute(some)).all()) == count

    async def asked(self, token_id: str, at: datetime, evidence: str) -> None:
        """What the holder said of it, and when."""
        await self._set(token_id, health_asked_at=at, evidence=evidence)

    async def healthy(self, token_id: str, at: datetime, admin: str | None) -> None:
        """It was found well then, as that Apple ID's."""
        await self._set(token_id, healthy_at=at, healthy_admin=admin)

    async def health(self, token: Token, becomes: Health, since: datetime) -> bool:
        """Compare and set the health of an active token; False if it changed meanwhile."""
        table = self.table.c
        changed = await self.connection.execute(
            update(self.table)
            .where(
                table.id == token.id,
                table.state == TokenState.ACTIVE,
                table.health.is_not_distinct_from(token.health),
                table.expires_at.is_not_distinct_from(token.expires_at),
            )
            .values(health=becomes, health_since=since)
        )
        return changed.rowcount == 1

    async def hand_over(self, token: Token, owner: str) -> bool:
        """Compare and set who answers for the token."""
        table = self.table.c
        changed = await self.connection.execute(
            update(self.table)
            .where(table.id == token.id, table.owner == token.owner)
            .values(owner=owner)
        )
        return changed.rowcount == 1

    async def keeping(self, token_id: str) -> Keeping:
        """What is kept beside that token."""
        table = self.table.c
        query = select(
            table.health_due_at,
            table.health_asked_at,
            table.evidence,
            table.healthy_at,
            table.healthy_admin,
        ).where(table.id == token_id)
        found = (await self.connection.execute(query)).one_or_none()
        facts = dict(found._mapping) if found else dict.fromkeys(query.selected_columns.keys())
        return Keeping(token_id=token_id, **facts)

    async def owners(self) -> list[str]:
        """Everybody who answers for a living token."""
        table = self.table.c
        owned = (text(tables.LIVING), table.owner != "")
        query = select(table.owner).where(*owned).distinct().order_by(table.owner)
        return list((await self.connection.execute(query)).scalars())

    async def owned_by(self, person: str) -> list[str]:
        """The living tokens that a person answers for; those without an owner are nobody's."""
        if not person:
            return []
        table = self.table.c
        query = select(table.id).where(text(tables.LIVING), table.owner == person)
        return list((await self.connection.execute(query.order_by(table.name))).scalars())

    async def renewing(self) -> list[str]:
        """Tokens whose renewal was agreed to and is not over."""
        # The action is compared as text: which actions there are is the requests' business.
        query = select(tables.request.c.token_id).where(text(RENEWING))
        return list((await self.connection.execute(query)).scalars())

    async def apple_ids(self) -> dict[str, list[tuple[str | None, str]]]:
        """The Apple IDs of the tokens in use, in lower case: the one that downloaded it, if told.

        Each with the pairs of `admin_id` and `apple_id` that stand for it.
        """
        table = self.table.c
        query = select(table.admin_id, table.apple_id).where(text(watch_tables.ACTIVE)).distinct()
        found: dict[str, list[tuple[str | None, str]]] = {}
        for admin_id, apple_id in await self.connection.execute(query):
            if known := (admin_id or apple_id).casefold():
                found.setdefault(known, []).append((admin_id, apple_id))
        return found

    async def of_apple_id(self, apple_id: str) -> list[str]:
        """The tokens in use of that Apple ID, in lower case."""
        table = self.table.c
        pairs = (await self.apple_ids()).get(apple_id, [])
        alike = [
            and_(table.admin_id.is_not_distinct_from(admin), table.apple_id == one)
            for admin, one in pairs
        ]
        if not alike:
            return []
        query = select(table.id).where(text(watch_tables.ACTIVE), or_(*alike))
        return list((await self.connection.execute(query.order_by(table.name))).scalars())

    async def uploaded_at(self, token_id: str) -> datetime | None:
        """When a file of that token last came into use by way of a request here."""
        request = tables.request.c
        query = select(func.max(request.ended_at)).where(
            request.token_id == token_id,
            request.state == RequestState.COMPLETED,
            request.action.in_((Action.CREATE, Action.RENEW, Action.REPLACE)),
        )
        found: datetime | None = (await self.connection.execute(query)).scalar_one()
        return found

    async def _set(self, token_id: str, **changes: object) -> None:
        await self.connection.execute(
            update(self.table).where(self.table.c.id == token_id).values(**changes)
        )
