"""Every message about a sync, from one sample of records."""

from dataclasses import replace
from datetime import timedelta

from bot.views import choice, sync
from bot.views.blocks import Message
from bot.views.sync import SyncFacts
from services.sync_plan import why_stopped
from services.sync_wishes import Asked
from storage.states import LossState, ProgramName, SyncKind, SyncState
from tests.bot.samples import AMIR, NOW, QUESTION, ZONE, Sample


def syncs(sample: Sample) -> dict[str, Message]:
    """Results, progress, questions and answers."""
    return {**_results(sample), **_progress(sample), **_questions(sample), **_asked(sample)}


def _facts(sample: Sample, state: SyncState, **changes: object) -> SyncFacts:
    run = replace(sample.run, state=state, error=None, **changes)  # type: ignore[arg-type]
    return SyncFacts(run=run, token=sample.token, total=2345)


def _failed(sample: Sample) -> SyncFacts:
    error = sample.run.error or "Apple did not answer as expected."
    shown = _facts(sample, SyncState.FAILED)
    return replace(shown, run=replace(shown.run, error=error), total=1)


def _ended_early(sample: Sample) -> SyncFacts:
    token = replace(sample.token, removed_here_at=NOW)
    shown = _facts(sample, SyncState.FAILED)
    return replace(shown, token=token, run=replace(shown.run, error=why_stopped(token)))


def _results(sample: Sample) -> dict[str, Message]:
    long = _facts(
        sample,
        SyncState.COMPLETED,
        kind=SyncKind.FULL,
        failed=3,
        ended_at=NOW + timedelta(minutes=61, seconds=5),
    )
    return {
        "sync_completed": sync.sync_result(_facts(sample, SyncState.COMPLETED)),
        "sync_long": sync.sync_result(long),
        "sync_failed": sync.sync_result(_failed(sample)),
    }


def _progress(sample: Sample) -> dict[str, Message]:
    open_ended = {"ended_at": None}
    throttled = _facts(sample, SyncState.WAITING, **open_ended, due_at=NOW)
    throttled = replace(
        throttled, run=replace(throttled.run, error=sample.run.error or "Apple asks us to wait.")
    )
    done = _facts(sample, SyncState.COMPLETED)
    full = _facts(sample, SyncState.COMPLETED, kind=SyncKind.FULL)
    shown = {
        "begins": _facts(sample, SyncState.WAITING, **open_ended, due_at=NOW, pages=0),
        "runs": _facts(sample, SyncState.RUNNING, **open_ended, kind=SyncKind.FULL),
        "runs_changes": _facts(sample, SyncState.RUNNING, **open_ended, pages=0),
        "waits": throttled,
        "done": done,
        "done_with_question": replace(full, question=QUESTION),
        "not_ours": _facts(sample, SyncState.NOT_OURS),
        "broke": _failed(sample),
        "ended_early": _ended_early(sample),
    }
    return {f"sync_{name}": sync.sync_progress(one, ZONE) for name, one in shown.items()}


def held_by_intune(sample: Sample) -> dict[str, Message]:
    """What differs where Intune syncs by itself."""
    ours = _facts(sample, SyncState.WAITING, ended_at=None, due_at=NOW)
    asked = replace(ours, run=replace(ours.run, awaits_after=NOW, error=None))
    note = "Intune takes one sync request for a token in 15 minutes: it can be asked in 11 minutes."
    done = _facts(sample, SyncState.COMPLETED, kind=SyncKind.FULL)
    nobody = _facts(sample, SyncState.NOT_OURS)
    held = replace(nobody, token=replace(nobody.token, program=ProgramName.INTUNE))
    shown = {
        "holder_syncs": asked,
        "holder_too_soon": replace(asked, run=replace(asked.run, note=note)),
        "holder_done": replace(done, run=replace(done.run, note=note, released=1234)),
        "not_ours_in_intune": held,
    }
    return {f"sync_{name}": sync.sync_progress(one, ZONE) for name, one in shown.items()}


def _questions(sample: Sample) -> dict[str, Message]:
    answered = {
        LossState.OPEN: QUESTION,
        LossState.REMOVED: replace(
            QUESTION, state=LossState.REMOVED, answered_by=AMIR, removed=1100
        ),
        LossState.KEPT: replace(QUESTION, state=LossState.KEPT, answered_by=AMIR),
        LossState.OUTDATED: replace(QUESTION, state=LossState.OUTDATED),
    }
    return {
        f"loss_{state}": sync.loss_question(question, sample.token)
        for state, question in answered.items()
    }


def _asked(sample: Sample) -> dict[str, Message]:
    run = _facts(sample, SyncState.RUNNING, ended_at=None).run
    wish = Asked(token=sample.token, run=run, already=False)
    return {
        "sync_asked": sync.asked(wish),
        "sync_under_way": sync.asked(replace(wish, already=True)),
        "sync_begins_again": sync.asked(replace(wish, begins_again=True)),
        "sync_choice": choice.offer([sample.token] * 42, sync.START, ZONE),
    }
