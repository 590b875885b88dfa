"""From an outbox row about a sync to its message: loads the records, and draws them."""

from zoneinfo import ZoneInfo

from bot.views import sync
from bot.views.blocks import Message
from bot.views.sync import SyncFacts
from storage.database import Transaction
from storage.records import OutboxItem
from storage.states import NoticeKind

KINDS = {NoticeKind.SYNC_RESULT, NoticeKind.SYNC_PROGRESS, NoticeKind.LOSS_QUESTION}


async def sync_message(tx: Transaction, item: OutboxItem, zone: ZoneInfo) -> Message | None:
    """The message, as the records are now; None where what it tells of is gone."""
    if item.kind is NoticeKind.LOSS_QUESTION:
        question = await tx.loss_questions.get(item.subject_id)
        token = await tx.tokens.get(question.token_id) if question else None
        return sync.loss_question(question, token) if question and token else None
    shown = await sync_facts(tx, item.subject_id)
    if shown is None:
        return None
    if item.kind is NoticeKind.SYNC_RESULT:
        return sync.sync_result(shown)
    return sync.sync_progress(shown, zone)


async def sync_facts(tx: Transaction, run_id: str) -> SyncFacts | None:
    """A run and what belongs beside it."""
    run = await tx.sync_runs.get(run_id)
    token = await tx.tokens.get(run.token_id) if run else None
    if run is None or token is None:
        return None
    return SyncFacts(
        run=run,
        token=token,
        total=await tx.devices.count(token.id),
        question=await tx.loss_questions.of_run(run.id),
    )
