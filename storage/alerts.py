"""Alerts: each class of trouble of each token, from its beginning to its end."""

from sqlalchemy import select, text

from storage import tables, watch_tables
from storage.rows import Rows
from storage.states import AlertState, Health
from storage.watch_records import Alert


class Alerts(Rows[Alert]):
    """The alerts; at most one is under way for a token."""

    table = watch_tables.alert
    record = Alert

    async def under_way(self) -> list[Alert]:
        """Every alert that has not ended, the oldest first."""
        table = self.table.c
        query = self.select().where(text(watch_tables.UNDER_WAY))
        return await self.all(query.order_by(table.began_at, table.id))

    async def unnoticed(self) -> list[str]:
        """Active tokens in trouble without an alert under way."""
        token, alert = tables.token, self.table
        has = select(alert.c.id).where(
            alert.c.token_id == token.c.id, text(f"alert.{watch_tables.UNDER_WAY}")
        )
        ill = text(f"token.state = 'active' AND token.health IN ({watch_tables.TROUBLE})")
        query = select(token.c.id).where(ill, ~has.exists()).order_by(token.c.id)
        return list((await self.connection.execute(query)).scalars())

    async def of_token(self, token_id: str) -> Alert | None:
        """The token's newest alert."""
        table = self.table.c
        query = self.select(table.token_id == token_id).order_by(table.began_at.desc()).limit(1)
        return next(iter(await self.all(query)), None)

    async def last_said(self, token_id: str, health: Health) -> Alert | None:
        """The newest alert of that class that was said."""
        table = self.table.c
        query = self.select(
            table.token_id == token_id, table.health == health, table.said_at.is_not(None)
        )
        found = await self.all(query.order_by(table.said_at.desc()).limit(1))
        return next(iter(found), None)

    async def of_post(self, post_id: str) -> list[Alert]:
        """The alerts that one message is about."""
        table = self.table.c
        return await self.all(self.select(table.post_id == post_id).order_by(table.began_at))

    async def move(self, alert: Alert, becomes: AlertState, **changes: object) -> bool:
        """Compare and set the state; False if another process was first."""
        table = self.table.c
        still = (
            table.id == alert.id,
            table.state == alert.state,
            table.times_said == alert.times_said,
        )
        return await self.change(*still, state=becomes, **changes) == 1
