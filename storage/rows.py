"""What every repository does: insert a record, read records, change a row if it still is so.

A record's fields are its table's columns by the same names, so no repository maps them by hand.
"""

from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

RecordT = TypeVar("RecordT")


class Rows(Generic[RecordT]):
    """One table's rows as records, within one transaction."""

    table: ClassVar[Table]
    record: type[RecordT]

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def add(self, record: RecordT) -> None:
        """Insert the record as a new row."""
        await self.connection.execute(insert(self.table).values(self.values(record)))

    async def get(self, row_id: str) -> RecordT | None:
        """The record of that id, or None."""
        return await self.one(self.table.c.id == row_id)

    async def one(self, *where: ColumnElement[bool]) -> RecordT | None:
        """The only record for which all of it holds, or None."""
        found = (await self.connection.execute(self.select(*where))).one_or_none()
        return None if found is None else self.record(**found._mapping)

    async def all(self, query: Select[Any]) -> list[RecordT]:
        """The records of a query made by `select`, in its order."""
        found = await self.connection.execute(query)
        return [self.record(**row._mapping) for row in found]

    async def newest_of_each(
        self,
        group: ColumnElement[Any],
        groups: Collection[str],
        *where: ColumnElement[bool],
        by: ColumnElement[Any],
    ) -> list[RecordT]:
        """Of each of these groups the newest record for which all of it holds, in one query."""
        rank = func.row_number().over(partition_by=group, order_by=by.desc()).label("rank")
        ranked = select(*self.columns(), rank).where(group.in_(groups), *where).subquery()
        columns = [ranked.c[field.name] for field in fields(self.record)]  # type: ignore[arg-type]
        return await self.all(select(*columns).where(ranked.c.rank == 1))

    def select(self, *where: ColumnElement[bool]) -> Select[Any]:
        """A query for the record's columns."""
        return select(*self.columns()).where(*where)

    async def change(self, *where: ColumnElement[bool], **changes: object) -> int:
        """Compare and set: change the rows for which all of it still holds; how many there were."""
        result = await self.connection.execute(update(self.table).where(*where).values(**changes))
        return result.rowcount

    def columns(self) -> Sequence[ColumnElement[Any]]:
        """The columns that the record has fields for."""
        return [self.table.c[field.name] for field in fields(self.record)]  # type: ignore[arg-type]

    def values(self, record: RecordT) -> dict[str, Any]:
        """The record's fields by name."""
        return {field.name: getattr(record, field.name) for field in fields(self.record)}  # type: ignore[arg-type]
