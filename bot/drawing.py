"""From an outbox row to a message: loads the records that the row points to, and draws them."""

from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot import sync_drawing
from bot.views import history_file, outcomes, request_card, steps, story, upload_news
from bot.views.blocks import Message, section
from bot.views.request_card import RequestFacts
from bot.views.wording import said
from bot.watch_drawing import KINDS, WatchDrawing
from services.history import chunks, wanted_of
from storage.database import Database, Transaction
from storage.records import KeyPair, OutboxItem, Token, Upload
from storage.states import NoticeKind

RecordT = TypeVar("RecordT")
EXPORTED = 50_000
"""Entries in one file: what can be made and sent well within the time of one post."""

OF_REQUEST = {
    NoticeKind.REQUEST_CARD,
    NoticeKind.REQUEST_NEWS,
    NoticeKind.STEPS,
    NoticeKind.TOKEN_GONE,
    NoticeKind.UPLOAD_NAG,
}
"""What is drawn from a request and what belongs to it."""


OF_UPLOAD = {
    NoticeKind.UPLOAD_REFUSED,
    NoticeKind.UPLOAD_CHECKED,
    NoticeKind.UPLOAD_KEPT,
    NoticeKind.INCIDENT,
}
"""What is drawn from something that was brought."""


class Vanished(Exception):
    """What the row points to is no longer there, so there is nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFile:
    """A file, and what is said beside it."""

    name: str
    content: bytes
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Draws every kind of notice."""

    database: Database
    zone: ZoneInfo
    watch: WatchDrawing

    async def message(self, item: OutboxItem) -> Message:
        """The message of a row, as the records are now. Raises Vanished."""
        async with self.database.read() as tx:
            if item.kind in OF_REQUEST:
                return self._of_request(item.kind, await _facts(tx, item.subject_id))
            match item.kind:
                case NoticeKind.REQUEST_STORY:
                    return await self._story(tx, item)
                case NoticeKind.TOKEN_ACTIVE:
                    return await self._token_active(tx, item)
                case kind if kind in sync_drawing.KINDS:
                    return _there(await sync_drawing.sync_message(tx, item, self.zone))
                case kind if kind in KINDS:
                    return _there(await self.watch.message(tx, item))
                case _:
                    return await _small(tx, item)

    def _of_request(self, kind: NoticeKind, shown: RequestFacts) -> Message:
        match kind:
            case NoticeKind.REQUEST_CARD:
                return request_card.request_card(shown, self.zone)
            case NoticeKind.REQUEST_NEWS:
                return story.news(shown)
            case NoticeKind.UPLOAD_NAG:
                return steps.upload_nag(shown, self.zone)
            case NoticeKind.TOKEN_GONE:
                return outcomes.token_gone(shown)
            case _:
                return steps.steps(shown, self.zone)

    async def certificate(self, item: OutboxItem) -> DrawnFile:
        """The file of a CERTIFICATE row. Raises Vanished."""
        async with self.database.read() as tx:
            pair: KeyPair = _there(await tx.key_pairs.get(item.subject_id))
            token: Token = _there(await tx.tokens.get(pair.token_id))
        return DrawnFile(
            name=steps.certificate_name(token, pair),
            content=pair.certificate_pem.encode(),
            comment=steps.certificate_comment(token, pair),
        )

    async def history(self, item: OutboxItem) -> DrawnFile:
        """The file of a HISTORY_EXPORT row, of the entries as they are now. Raises Vanished."""
        wanted = wanted_of(item)
        async with self.database.read() as tx:
            token = _there(await tx.tokens.get(wanted.token_id)) if wanted.token_id else None
        parts, count = [history_file.heading()], 0
        async for chunk in chunks(self.database, wanted, EXPORTED):
            parts.append(history_file.lines(chunk))
            count += len(chunk.entries)
        return DrawnFile(
            name=history_file.file_name(token),
            content="".join(parts).encode(),
            comment=history_file.comment(token, count, EXPORTED),
        )

    async def used_upload(self, item: OutboxItem) -> tuple[Upload, Token]:
        """The upload of a FILE_CLEANUP row, and its token. Raises Vanished."""
        async with self.database.read() as tx:
            used = _there(await tx.uploads.get(item.subject_id))
            return used, (await _facts(tx, used.request_id)).token

    async def _token_active(self, tx: Transaction, item: OutboxItem) -> Message:
        # A row of an older release names the token in the request's place.
        of_token = await tx.requests.latest_of(item.subject_id)
        request_id = of_token.id if of_token else item.subject_id
        return outcomes.token_active(await _facts(tx, request_id), self.zone)

    async def _story(self, tx: Transaction, item: OutboxItem) -> Message:
        brought = await tx.uploads.get(item.facts.get("upload", ""))
        return story.story(await _facts(tx, item.subject_id), item.facts, brought, self.zone)


async def _small(tx: Transaction, item: OutboxItem) -> Message:
    if item.kind in OF_UPLOAD:
        return await _of_upload(tx, item)
    match item.kind:
        case NoticeKind.CLICK_ANSWER:
            decision = _there(await tx.decisions.get(item.subject_id))
            text = said(decision.refusal or "")
            return Message(text=text, blocks=[section(text)])
        case NoticeKind.CHANNEL_CLOSED:
            return outcomes.channel_closed(item.facts["channel"], item.facts["error"])
        case NoticeKind.MESSAGE_REFUSED:
            return outcomes.message_refused(item.facts)
        case _:
            raise AssertionError(f"{item.kind} is not a message")


async def _of_upload(tx: Transaction, item: OutboxItem) -> Message:
    brought = _there(await tx.uploads.get(item.subject_id))
    facts = await _facts(tx, brought.request_id)
    match item.kind:
        case NoticeKind.UPLOAD_REFUSED:
            return upload_news.upload_refused(brought, facts.request, facts.token)
        case NoticeKind.UPLOAD_CHECKED:
            return upload_news.upload_checked(brought, facts.request, facts.token)
        case NoticeKind.INCIDENT:
            return upload_news.incident(brought, facts.token)
        case _:
            return upload_news.upload_kept(brought, facts.token)


async def _facts(tx: Transaction, request_id: str) -> RequestFacts:
    request = _there(await tx.requests.get(request_id))
    return RequestFacts(
        request=request,
        token=_there(await tx.tokens.get(request.token_id)),
        decisions=await tx.decisions.counted(request.id),
    )


def _there(record: RecordT | None) -> RecordT:
    if record is None:
        raise Vanished
    return record
