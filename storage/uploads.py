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

    async def claim(self, upload: Upload, until: datetime) -> bool:
        """Compare and set: take the upload for one try; False if another worker has it."""
        table = self.table.c
        still = (table.id == upload.id, table.due_at == upload.due_at)
        changes = {"due_at": until, "attempts": upload.attempts + 1}
        return await self.change(*still, table.state == UploadState.RECEIVED, **changes) == 1

    async def accept(self, upload_id: str, ended_at: datetime) -> bool:
        """Compare and set: the file is proved; False if the upload has an outcome already."""
        return await self._finish(upload_id, UploadState.ACCEPTED, ended_at=ended_at)

    async def refuse(self, upload_id: str, reason: str, answer: str, ended_at: datetime) -> bool:
        """Compare and set: the file is not taken; False if the upload has an outcome already."""
        changes = {"reason": reason, "answer": answer, "ended_at": ended_at}
        return await self._finish(upload_id, UploadState.REFUSED, **changes)

    async def _finish(self, upload_id: str, state: UploadState, **changes: object) -> bool:
        table = self.table.c
        still = (table.id == upload_id, table.state == UploadState.RECEIVED)
        return await self.change(*still, state=state, **changes) == 1
