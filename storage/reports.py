"""Reports: a changed password, an owner who leaves or is gone."""

from collections.abc import Sequence
from datetime import datetime

from storage import watch_tables
from storage.rows import Rows
from storage.states import ReportKind, ReportState
from storage.watch_records import Report


class Reports(Rows[Report]):
    """The reports, open and ended."""

    table = watch_tables.report
    record = Report

    async def of_key(self, dedupe_key: str) -> Report | None:
        """The report that this submission made, if it came before."""
        return await self.one(self.table.c.dedupe_key == dedupe_key)

    async def open(self) -> list[Report]:
        """Every report that still asks for something, the oldest first."""
        table = self.table.c
        query = self.select(table.state == ReportState.OPEN)
        return await self.all(query.order_by(table.reported_at))

    async def open_about(self, kinds: Sequence[ReportKind], subject: str) -> list[Report]:
        """The open reports of those kinds about that person or Apple ID."""
        table = self.table.c
        return await self.all(
            self.select(
                table.state == ReportState.OPEN, table.kind.in_(kinds), table.subject == subject
            )
        )

    async def due(self, now: datetime) -> list[Report]:
        """Open reports that are to be said again."""
        table = self.table.c
        return await self.all(self.select(table.state == ReportState.OPEN, table.due_at <= now))

    async def said(self, report: Report, due_at: datetime | None) -> bool:
        """Compare and set: it was said; the next time is then, if ever."""
        table = self.table.c
        still = (table.id == report.id, table.due_at == report.due_at)
        return await self.change(*still, due_at=due_at) == 1

    async def end(self, report: Report, at: datetime) -> bool:
        """Compare and set: nothing is left to do."""
        table = self.table.c
        still = (table.id == report.id, table.state == ReportState.OPEN)
        return await self.change(*still, state=ReportState.ENDED, ended_at=at, due_at=None) == 1
