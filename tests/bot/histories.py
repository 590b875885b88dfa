"""The history as it is drawn: a page with everything on it, a filtered one, and none."""

from dataclasses import replace

from bot.views.blocks import View
from bot.views.deeds import DEEDS
from bot.views.history import ON_ITS_WAY, history
from services.history import NEWEST, HistoryPage
from services.request_deeds import SERVICE
from storage.audit import Wanted
from storage.records import AuditEntry
from tests.bot.samples import AMIR, NOW, OLIVIA, ZONE, Sample


def histories(sample: Sample) -> dict[str, View]:
    """Every form of the history's modal."""
    everything = shown(sample, *entries(sample))
    token = replace(everything, token=sample.token, wanted=Wanted(token_id=sample.token.id))
    filtered = Wanted(actor=AMIR, action="request.approve")
    one = replace(shown(sample, approved(sample)), wanted=filtered, newer=None, older=None)
    return {
        "history": history(everything, ZONE),
        "history_of_a_token": history(replace(token, newer=None), ZONE, note=ON_ITS_WAY),
        "history_filtered": history(one, ZONE, turn=3),
        "history_none_fits": history(replace(one, entries=[]), ZONE),
        "history_none": history(
            replace(one, entries=[], wanted=Wanted(token_id=sample.token.id), token=sample.token),
            ZONE,
        ),
    }


def shown(sample: Sample, *found: AuditEntry) -> HistoryPage:
    """A page in the middle, with those entries."""
    return HistoryPage(
        wanted=Wanted(),
        token=None,
        entries=list(found),
        names={sample.token.id: sample.token.name},
        newer=NEWEST,
        older=11,
    )


def entries(sample: Sample) -> list[AuditEntry]:
    """An entry of each action, then of others: by a console, the service, an older release."""
    known = [
        replace(approved(sample), number=30 - place, action=action)
        for place, action in enumerate(sorted(DEEDS))
    ]
    return [*known[:6], _asked(sample), _console(sample), _service(sample), _gone(sample)]


def approved(sample: Sample) -> AuditEntry:
    """An approver's decision, as it is written."""
    return AuditEntry(
        number=12,
        at=NOW,
        actor=AMIR,
        action="request.approve",
        subject=f"request:{sample.request.id}",
        token_id=sample.token.id,
        before={"state": "pending"},
        after={"state": "approved"},
        origin="message:C0APPROVE/1.2",
        key_name="k1",
        previous_hash="0" * 64,
        hash="a" * 64,
    )


def _asked(sample: Sample) -> AuditEntry:
    after = {
        "state": "awaiting_upload",
        "name": sample.token.name,
        "apple_id": sample.token.apple_id,
        "owner": sample.token.owner,
        "reason": sample.request.reason,
        "org_name": sample.token.org_name or "",
        "consent_text": sample.request.consent_text,
        "expires_at": NOW.isoformat(),
    }
    asked = replace(approved(sample), number=11, actor=OLIVIA, action="request.create")
    return replace(asked, before={}, after=after)


def _console(sample: Sample) -> AuditEntry:
    return replace(approved(sample), number=10, actor=f"console:{sample.typed}"[:80])


def _service(sample: Sample) -> AuditEntry:
    return replace(approved(sample), number=9, actor=SERVICE, action="request.prepare")


def _gone(sample: Sample) -> AuditEntry:
    facts = {"renamed": sample.token.name, "expires_at": sample.typed}
    gone = replace(approved(sample), number=8, action=sample.typed[:64], token_id=None)
    return replace(gone, before=facts, after={})
