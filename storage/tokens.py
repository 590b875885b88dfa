"""Enrollment program tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import insert, select

from storage import sync_tables, tables
from storage.records import Token, TokenOutline
from storage.rows import Rows
from storage.states import Health, ProgramName, TokenState
from storage.sync_runs import OPEN

GONE = (TokenState.DELETED, TokenState.CANCELLED)


def name_key(name: str) -> str:
    """What makes two names the same: no regard to case."""
    return name.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A token as it was found at its holder: why its health is as it is, and when to ask again."""

    token: Token
    evidence: str
    asked_at: datetime
    ask_at: datetime


class Tokens(Rows[Token]):
    """The tokens; a name is unique among those that are neither deleted nor cancelled."""

    table = tables.token
    record = Token

    def values(self, record: Token) -> dict[str, object]:
        """The fields, and the key by which names are compared."""
        return {**super().values(record), "name_key": name_key(record.name)}

    async def named(self, name: str) -> Token | None:
        """The living token of that name, in any case."""
        table = self.table.c
        return await self.one(table.name_key == name_key(name), table.state.not_in(GONE))

    async def of_server(self, server_uuid: str) -> Token | None:
        """The living token of that server at Apple."""
        table = self.table.c
        return await self.one(table.server_uuid == server_uuid, table.state.not_in(GONE))

    async def of_holder(self, holder_id: str) -> Token | None:
        """The living token that its holder knows by that id."""
        table = self.table.c
        return await self.one(table.holder_id == holder_id, table.state.not_in(GONE))

    async def held_by(self, program: ProgramName) -> list[Token]:
        """The living tokens that this program holds, the oldest first."""
        table = self.table.c
        query = self.select(table.program == program, table.state.not_in(GONE))
        return await self.all(query.order_by(table.created_at, table.name))

    async def name_keys(self) -> set[str]:
        """The names that are taken, as they are compared."""
        table = self.table.c
        query = select(table.name_key).where(table.state.not_in(GONE))
        return set((await self.connection.execute(query)).scalars())

    async def add_found(self, found: Sequence[Found]) -> None:
        """Insert tokens that were found at their holder, with what the watch keeps of them."""
        rows = [
            {
                **self.values(one.token),
                "health_asked_at": one.asked_at,
                "health_due_at": one.ask_at,
                "evidence": one.evidence,
                "healthy_at": one.asked_at if one.token.health is Health.OK else None,
                "healthy_admin": one.token.admin_id,
            }
            for one in found
        ]
        if rows:
            await self.connection.execute(insert(self.table), rows)

    async def held_of(self, org_id: str, *, beside: str) -> bool:
        """Whether another token of that organisation is or was held here."""
        table = self.table.c
        query = self.select(table.org_id == org_id, table.id != beside).limit(1)
        return bool(await self.all(query))

    async def living(self) -> list[Token]:
        """Every token that is neither deleted nor cancelled, the soonest to expire first."""
        table = self.table.c
        query = self.select(table.state.not_in(GONE))
        return await self.all(
            query.order_by(table.expires_at.is_(None), table.expires_at, table.name)
        )

    async def outlines(self) -> list[TokenOutline]:
        """The outlines of every token that is neither deleted nor cancelled, in the same order."""
        found = await self.connection.execute(_OUTLINES)
        return [TokenOutline(**row._mapping) for row in found]

    async def these(self, token_ids: Iterable[str]) -> list[Token]:
        """The tokens of these ids, in their order."""
        ids = list(token_ids)
        found = {token.id: token for token in await self.all(self.select(self.table.c.id.in_(ids)))}
        return [found[one] for one in ids]

    async def due_for_sync(self, now: datetime, machine_now: datetime, limit: int) -> list[Token]:
        """Active tokens whose next sync is due, the longest due first.

        Those are left out that have a run open, whose holder asked us to wait, or whose devices
        were removed here.
        """
        table, run, place = self.table.c, sync_tables.sync_run.c, sync_tables.sync_place.c
        open_run = select(run.id).where(run.token_id == table.id, run.state.in_(OPEN)).exists()
        waits = select(place.token_id).where(
            place.token_id == table.id, place.wait_until > machine_now
        )
        in_use = (table.state == TokenState.ACTIVE, table.removed_here_at.is_(None))
        due = (*in_use, table.sync_due_at <= now)
        query = self.select(*due, ~open_run, ~waits.exists())
        return await self.all(query.order_by(table.sync_due_at).limit(limit))

    async def move(
        self, token_id: str, was: TokenState, becomes: TokenState, **changes: object
    ) -> bool:
        """Compare and set the state; False if it was no longer `was`."""
        table = self.table.c
        moved = await self.change(
            table.id == token_id, table.state == was, state=becomes, **changes
        )
        return moved == 1

    async def synced(self, token_id: str, *, at: datetime, due_at: datetime) -> None:
        """A sync was completed; the next is due then."""
        await self.change(self.table.c.id == token_id, last_synced_at=at, sync_due_at=due_at)

    async def sync_again(self, token_id: str, *, due_at: datetime) -> None:
        """The next sync is due then; the last one told nothing."""
        await self.change(self.table.c.id == token_id, sync_due_at=due_at)

    async def renewed(self, token_id: str, **changes: object) -> bool:
        """Compare and set other facts of an active token; False if it is not active any more."""
        table = self.table.c
        still = (table.id == token_id, table.state == TokenState.ACTIVE)
        return await self.change(*still, **changes) == 1

    async def known_as(self, name: str) -> Token | None:
        """The token of that name: the living one, else the newest that is gone."""
        table = self.table.c
        query = self.select(table.name_key == name_key(name))
        query = query.order_by(table.state.in_(GONE), table.created_at.desc()).limit(1)
        return next(iter(await self.all(query)), None)

    async def names(self, token_ids: Iterable[str]) -> dict[str, str]:
        """The names of these tokens, those that are gone included, by id."""
        table = self.table.c
        query = select(table.id, table.name).where(table.id.in_(sorted(token_ids)))
        found = await self.connection.execute(query)
        return {row[0]: row[1] for row in found}


_OUTLINES = (
    select(*(tables.token.c[field.name] for field in fields(TokenOutline)))
    .where(tables.token.c.state.not_in(GONE))
    .order_by(tables.token.c.expires_at.is_(None), tables.token.c.expires_at, tables.token.c.name)
)
