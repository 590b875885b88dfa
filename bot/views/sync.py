"""Syncs: how far one is, what came of it, and the question that a large loss raises."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from bot.views.blocks import Block, Confirm, Message, actions, button, context, section
from bot.views.wording import ADMIN_CENTER, devices, escape, mention, minute, number, pages, said
from services.sync_plan import why_stopped
from services.sync_wishes import Asked
from storage.records import SyncRun, Token
from storage.states import LossState, ProgramName, SyncKind, SyncState
from storage.sync_records import LossQuestion

START = "sync.start"
FULL = "sync.full"
REMOVE = "loss.remove"
KEEP = "loss.keep"
TITLE = "Sync"
LONG = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFacts:
    """A run with its token, how many devices that has now, and the question that it raised."""

    run: SyncRun
    token: Token
    total: int
    question: LossQuestion | None = None


def sync_result(shown: SyncFacts) -> Message:
    """What a sync changed, or why it failed; for the channel."""
    name = escape(shown.token.name)
    if shown.run.state is SyncState.FAILED:
        return _failed(shown)
    counts = _counts(shown.run)
    text = f":arrows_counterclockwise: *{name}* has {devices(shown.total)} now: {counts}."
    return _message(f"Sync of {name}: {counts}", text, context(_took(shown.run)))


def sync_progress(shown: SyncFacts, zone: ZoneInfo) -> Message:
    """How far a sync is, later what came of it; for the person who asked for it."""
    name, run = escape(shown.token.name), shown.run
    match run.state:
        case SyncState.RUNNING:
            text = f":hourglass_flowing_sand: *{name}* is being synced: {_so_far(run)}"
            return _message(f"Sync of {name} under way", text, context(_listing(run)))
        case SyncState.WAITING:
            return _waits(shown, zone)
        case SyncState.COMPLETED:
            return _completed(shown)
        case SyncState.NOT_OURS:
            return _message(f"No sync of {name}", _not_ours(shown.token))
        case SyncState.FAILED:
            return _failed(shown)
        case _:
            assert_never(run.state)


def asked(answer: Asked) -> Message:
    """The wish was taken: where to follow it."""
    name = escape(answer.token.name)
    follow = "You get its progress as a direct message."
    if answer.begins_again:
        text = (
            f"The devices of *{name}* were removed here, so its syncs had stopped. *They begin "
            "again*, now and from then on: every device that Apple still lists comes back. "
            f"{follow}"
        )
        return _message(f"The syncs of {name} begin again", text)
    if not answer.already:
        return _message(f"The sync of {name} begins", f"The sync of *{name}* begins. {follow}")
    text = f"A sync of *{name}* is under way already: {_so_far(answer.run)} {follow}"
    return _message(f"A sync of {name} is under way", text)


def loss_question(question: LossQuestion, token: Token) -> Message:
    """A full list lacks a large part of the devices: the question, later its answer."""
    name = escape(token.name)
    lost = f"{number(question.unseen)} of {devices(question.known)}"
    head = f":warning: *The full list of {name} lacks {lost}.* That is more than a fifth"
    match question.state:
        case LossState.OPEN:
            text = (
                f"{head}, so nothing was marked as removed. Were they moved to another server, "
                "unassigned or released on purpose? If not, look at the server's devices at the "
                "portal before you answer. An approver answers."
            )
            return _message(f"Missing devices of {name}", text, _answers(question, token))
        case LossState.REMOVED:
            gone = devices(question.removed)
            text = f"{head}. {_by(question)} had them marked as removed: {gone}."
        case LossState.KEPT:
            text = (
                f"{head}. {_by(question)} had them kept. The next full list, in a week at most, "
                "asks again if they are still missing."
            )
        case LossState.OUTDATED:
            text = f"{head}. A newer list came before anybody answered, and counts instead."
        case _:
            assert_never(question.state)
    return _message(f"Missing devices of {name}", text)


def progress_line(run: SyncRun) -> str:
    """How far a run is, for a terminal."""
    return f"{devices(run.seen)} read in {pages(run.pages)}"


def result_lines(shown: SyncFacts) -> list[str]:
    """What came of a run, for a terminal."""
    lines = [f"{shown.token.name}: {_counts(shown.run)}.", f"{devices(shown.total)} now."]
    if shown.question is not None and shown.question.state is LossState.OPEN:
        lines.append(
            f"{number(shown.question.unseen)} of {devices(shown.question.known)} are missing from "
            "the list. Nothing was marked as removed: an approver is asked in the alert channel."
        )
    if shown.run.released:
        lines.append(_released(shown.run.released))
    if shown.run.note:
        lines.append(shown.run.note)
    return [*lines, f"{_took(shown.run)}."]


def _failed(shown: SyncFacts) -> Message:
    name, why = escape(shown.token.name), said(shown.run.error or "")
    took = context(_took(shown.run))
    if why_stopped(shown.token) is not None:
        text = f":warning: *The sync of {name} ended early.* {why}"
        return _message(f"The sync of {name} ended early", text, took)
    text = (
        f":warning: *The sync of {name} failed.* {why}\n{_kept(shown)} It is tried again by itself."
    )
    again = actions(button("Sync now", START, shown.token.id), block_id="sync")
    return _message(f"The sync of {name} failed", text, took, again)


def _completed(shown: SyncFacts) -> Message:
    name, counts = escape(shown.token.name), _counts(shown.run)
    text = f":white_check_mark: *{name}* is synced: {devices(shown.total)} now; {counts}."
    if shown.run.released:
        text += f"\n{_released(shown.run.released)}"
    if shown.run.note:
        text += f"\n{said(shown.run.note)}"
    if shown.question is not None and shown.question.state is LossState.OPEN:
        lost = number(shown.question.unseen)
        text += f"\n{lost} are missing from the list: an approver is asked in the alert channel."
    more: list[Block] = [context(_took(shown.run))]
    if shown.run.kind is SyncKind.DELTA:
        text += "\nOnly what changed was read. Is a device missing? Have the whole list read anew."
        read = button("Read the whole list", FULL, shown.run.id)
        more.append(actions(read, block_id="sync"))
    return _message(f"Sync of {name}: {counts}", text, *more)


def _not_ours(token: Token) -> str:
    name = escape(token.name)
    if token.program is not ProgramName.INTUNE:
        return f"*{name}*: nobody can ask its holder. Its own console shows the devices."
    return (
        f"*{name}*: this app has no access to Intune, so it cannot sync it. In the "
        f"{ADMIN_CENTER.link} open {ADMIN_CENTER.menu}, choose the token and press *Sync* there; "
        "its devices stand there too. Intune takes a sync once in 15 minutes, and syncs by itself "
        "every 12 hours."
    )


def _waits(shown: SyncFacts, zone: ZoneInfo) -> Message:
    name, run = escape(shown.token.name), shown.run
    if run.awaits_after is not None and run.error is None:
        text = f":hourglass_flowing_sand: *{name}*: Intune syncs with Apple now; {_patience(run)}"
        return _message(f"Intune syncs {name}", text)
    if run.error is None or run.due_at is None:
        text = f":hourglass_flowing_sand: *{name}*: its sync begins in a moment."
        return _message(f"The sync of {name} begins", text)
    text = (
        f":hourglass_flowing_sand: *{name}*: its sync waits. {said(run.error)}\n"
        f"It goes on by itself, {_when(run.due_at, zone)}. Until now: {_so_far(run)}"
    )
    return _message(f"The sync of {name} waits", text)


def _released(count: int) -> str:
    return (
        f"Not counted: {devices(count)} released at Apple. Intune goes on listing them for 30 to "
        "45 days."
    )


def _patience(run: SyncRun) -> str:
    note = f"{said(run.note)}\n" if run.note else ""
    return f"this takes up to 15 minutes. {note}Its devices are read when it is done."


def _answers(question: LossQuestion, token: Token) -> Block:
    confirm = Confirm(
        title="Mark as removed?",
        text=f"{devices(question.unseen)} of {escape(token.name)} count as gone from then on. "
        "They come back if Apple lists them again.",
        yes="Mark as removed",
    )
    return actions(
        button("Mark as removed", REMOVE, question.id, style="danger", confirm=confirm),
        button("Keep them", KEEP, question.id),
        block_id="loss",
    )


def _by(question: LossQuestion) -> str:
    return mention(question.answered_by or "")


def _when(at: datetime, zone: ZoneInfo) -> str:
    return f"at the latest on {minute(at, zone)}"


def _so_far(run: SyncRun) -> str:
    if not run.pages:
        return "no device so far."
    return f"{devices(run.seen)} so far, {number(run.added)} of them new."


def _listing(run: SyncRun) -> str:
    whole = "The whole list" if run.kind is SyncKind.FULL else "What changed since the last sync"
    return f"{whole}; {pages(run.pages)} until now"


def _counts(run: SyncRun) -> str:
    return (
        f"{number(run.added)} added, {number(run.changed)} changed, "
        f"{number(run.removed)} removed, {number(run.failed)} failed"
    )


def _kept(shown: SyncFacts) -> str:
    read = f", {devices(shown.run.seen)} were read until then" if shown.run.seen else ""
    return f"It has {devices(shown.total)} now{read}; none was marked as removed for it."


def _took(run: SyncRun) -> str:
    if run.ended_at is None:
        return "Under way"
    seconds = (run.ended_at - run.started_at).total_seconds()
    listed = "the whole list" if run.kind is SyncKind.FULL else "changes only"
    took = f"{devices(run.seen)} in {pages(run.pages)} ({listed})"
    if seconds < LONG:
        return f"{took}, {seconds:.1f} s"
    return f"{took}, {int(seconds // 60):,} min {int(seconds % 60)} s"


def _message(text: str, body: str, *more: Block) -> Message:
    return Message(text=text, blocks=[section(body), *more])
