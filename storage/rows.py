"""What every repository does: insert a record, read records, change a row if it still is so.

A record's fields are its table's columns by the same names, so no repository maps them by hand.
"""

from dataclasses import fields
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

RecordT = TypeVar("RecordT")


class Rows(Generic[RecordT]):
    """One table's rows as records, within one transaction."""

    table: ClassVar[Table]
    record: type[RecordT]
    _whole: ClassVar[Select[Any]]

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    def __init_subclass__(cls) -> None:
        # Made once: to make a query of thirty columns takes longer than to run it.
        cls._whole = select(*(cls.table.c[field.name] for field in fields(cls.record)))  # type: ignore[arg-type]

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

    async def all(self, query: Select[Any], **parameters: object) -> list[RecordT]:
        """The records of a query made by `select` or `newest_of_each`, in its order."""
        found = await self.connection.execute(query, parameters or None)
        return [self.record(**row._mapping) for row in found]

    @classmethod
    def newest_of_each(
        cls, group: ColumnElement[Any], *where: ColumnElement[bool], by: ColumnElement[Any]
    ) -> Select[Any]:
        """A query for the newest record of each of the `groups` for which all of it holds."""
        rank = func.row_number().over(partition_by=group, order_by=by.desc()).label("rank")
        asked = group.in_(bindparam("groups", expanding=True))
        ranked = cls._whole.add_columns(rank).where(asked, *where).subquery()
        columns = [ranked.c[column.name] for column in cls._whole.selected_columns]
        return select(*columns).where(ranked.c.rank == 1)

    def select(self, *where: ColumnElement[bool]) -> Select[Any]:
        """A query for the record's columns."""
        return self._whole.where(*where)

    async def change(self, *where: ColumnElement[bool], **changes: object) -> int:
        """Compare and set: change the rows for which all of it still holds; how many there were."""
        result = await self.connection.execute(update(self.table).where(*where).values(**changes))
        return result.rowcount

    def values(self, record: RecordT) -> dict[str, Any]:
        """The record's fields by name."""
        return {field.name: getattr(record, field.name) for field in fields(self.record)}  # type: ignore[arg-type]
