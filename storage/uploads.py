"""Submitted server token files; the bytes themselves are never stored."""

from datetime import datetime

from storage import tables
from storage.records import Upload
from storage.rows import Rows
from storage.states import UploadState


class Uploads(Rows[Upload]):
    """The uploads, from their submission on."""

    table = tables.upload
    record = Upload

    async def of_key(self, dedupe_key: str) -> Upload | None:
        """The upload that this submission made, if it came before."""
        return await self.one(self.table.c.dedupe_key == dedupe_key)

    async def unfinished(self, now: datetime) -> list[Upload]:
        """Those without an outcome whose next try is due, the oldest first."""
        table = self.table.c
        query = self.select(table.state == UploadState.RECEIVED, table.due_at <= now)
        return await self.all(query.order_by(table.submitted_at))

    async def postpone(self, upload_id: str, due_at: datetime) -> None:
        """Try it again then."""
        table = self.table.c
        await self.change(table.id == upload_id, due_at=due_at, attempts=table.attempts + 1)

    async def finish(
        self, upload_id: str, state: UploadState, *, reason: str | None, ended_at: datetime
    ) -> bool:
        """Compare and set: give the upload its outcome; False if it has one already."""
        table = self.table.c
        still = table.state == UploadState.RECEIVED
        changes = {"state": state, "reason": reason, "ended_at": ended_at}
        return await self.change(table.id == upload_id, still, **changes) == 1
