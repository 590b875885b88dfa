"""What people brought: server token files, whose bytes are never stored in clear, and the rest."""

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from storage import tables
from storage.records import Upload
from storage.rows import Rows
from storage.states import UploadState


class Uploads(Rows[Upload]):
    """What was brought, from its submission on."""

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

    async def held_for(self, request_id: str) -> Upload | None:
        """The proved file that waits for its request's approval."""
        table = self.table.c
        query = self.select(table.request_id == request_id, table.state == UploadState.HELD)
        query = query.order_by(table.submitted_at.desc()).limit(1)
        return next(iter(await self.all(query)), None)

    async def undecided(self, request_id: str) -> list[Upload]:
        """What was brought for the request and has no outcome, the oldest first."""
        table = self.table.c
        query = self.select(
            table.request_id == request_id,
            table.state.in_((UploadState.RECEIVED, UploadState.HELD)),
        )
        return await self.all(query.order_by(table.submitted_at))

    async def unopened_before(
        self, upload: Upload, within: timedelta, *, reason: str
    ) -> list[datetime]:
        """When its uploader submitted, in that time before it, what could not be opened.

        That is what was refused for that reason, or is being looked at now; the oldest first.
        """
        table = self.table.c
        before = or_(
            table.submitted_at < upload.submitted_at,
            (table.submitted_at == upload.submitted_at) & (table.id < upload.id),
        )
        unopened = or_(
            (table.state == UploadState.REFUSED) & (table.reason == reason),
            (table.state == UploadState.RECEIVED) & table.kept_until.is_(None),
        )
        query = select(table.submitted_at).where(
            table.uploader == upload.uploader,
            table.submitted_at > upload.submitted_at - within,
            before,
            unopened,
        )
        found = await self.connection.execute(query.order_by(table.submitted_at))
        return list(found.scalars())

    async def keep(self, upload: Upload, **changes: object) -> bool:
        """Compare and set: keep it for later; False if it has an outcome already."""
        table = self.table.c
        still = (table.id == upload.id, table.state == UploadState.RECEIVED)
        return await self.change(*still, attempts=0, **changes) == 1

    async def show_in(self, upload_id: str, view_id: str) -> None:
        """Keep in which view its outcome is shown."""
        await self.change(self.table.c.id == upload_id, view_id=view_id)

    async def resume(self, upload: Upload, now: datetime) -> bool:
        """Compare and set: try a held file once more; False if it is not held any more."""
        table = self.table.c
        still = (table.id == upload.id, table.state == UploadState.HELD)
        return await self.change(*still, state=UploadState.RECEIVED, due_at=now, attempts=0) == 1

    async def next_at(self) -> datetime | None:
        """When the next try of a file is due; None if none waits."""
        table = self.table.c
        query = select(func.min(table.due_at)).where(table.state == UploadState.RECEIVED)
        found: datetime | None = (await self.connection.execute(query)).scalar()
        return found

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

    async def checked(self, upload_id: str, answer: str, ended_at: datetime) -> bool:
        """Compare and set: it was looked at, as was asked; False if it has an outcome already."""
        changes = {"answer": answer, "ended_at": ended_at}
        return await self._finish(upload_id, UploadState.CHECKED, **changes)

    async def _finish(self, upload_id: str, state: UploadState, **changes: object) -> bool:
        table = self.table.c
        still = (table.id == upload_id, table.state.in_((UploadState.RECEIVED, UploadState.HELD)))
        # What was sealed is not needed any more, whatever the outcome.
        sealed = {"data_key": None, "content": None}
        return await self.change(*still, state=state, **sealed, **changes) == 1
