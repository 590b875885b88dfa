"""Claims about requests beside decisions and files: cancelled, handed over, nagged, expired."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.errors import NotAllowed, Refused
from services.policy import Role
from services.request_life import HandOver
from services.uploads import UploadForm
from storage.records import Request
from storage.states import (
    DecisionState,
    NoticeKind,
    RequestState,
    TokenState,
    UploadState,
    Verdict,
)
from tests.sandbox.apple import faults
from tests.sandbox.apple.server import Server
from tests.services.office import Office, click, form
from tests.services.ports import APPROVER, OPERATOR, OWNER, SECOND, STRANGER

pytestmark = pytest.mark.usefixtures("online")

DAY = timedelta(days=1)
GUEST = "U0GUEST"


@pytest.fixture
def template(one_waiting: Path) -> Path:
    return one_waiting


async def test_its_requester_cancels_and_the_name_is_free(office: Office) -> None:
    request = await office.ask("Once")
    await office.life.cancel(OPERATOR, request.id, origin="click:1")
    await office.life.cancel(OPERATOR, request.id, origin="click:2")
    assert (await office.request(request.id)).state is RequestState.CANCELLED
    assert (await office.token(request)).state is TokenState.CANCELLED
    assert [entry.action for entry in await office.entries()].count("request.cancel") == 1
    await office.ask("Once")


@pytest.mark.parametrize("person", [APPROVER, OWNER, STRANGER])
async def test_nobody_else_cancels(office: Office, person: str) -> None:
    request = await office.ask("Mine")
    with pytest.raises(NotAllowed) as caught:
        await office.life.cancel(person, request.id, origin="click:1")
    assert OPERATOR in caught.value.user_message


async def test_what_is_over_cannot_be_cancelled(
    office: Office, waiting: Request, server: Server
) -> None:
    await office.bring(waiting, server.download_token().content)
    with pytest.raises(Refused):
        await office.life.cancel(OPERATOR, waiting.id, origin="click:1")


async def test_cancelling_destroys_a_file_that_was_kept(
    office: Office, waiting: Request, server: Server
) -> None:
    office.apple.faults.next("/session", faults.reset())
    upload = await office.bring(waiting, server.download_token().content)
    assert upload.content is not None
    await office.life.cancel(OPERATOR, waiting.id, origin="click:1")
    async with office.database.read() as tx:
        dropped = await tx.uploads.get(upload.id)
    assert dropped is not None
    assert (dropped.state, dropped.content) == (UploadState.REFUSED, None)


async def test_the_upload_is_handed_to_somebody_who_may_then_bring_it(
    office: Office, waiting: Request
) -> None:
    with pytest.raises(NotAllowed):
        await office.uploads.open_step(STRANGER, waiting.id)
    hand = HandOver(request_id=waiting.id, to=STRANGER, origin="V1")
    await office.life.hand_over(OPERATOR, hand)
    request, _ = await office.uploads.open_step(STRANGER, waiting.id)
    assert request.handed_to == STRANGER
    assert STRANGER in {item.destination for item in await office.outbox(NoticeKind.STEPS)}
    assert await office.stories(waiting) == ["handed"]
    await office.uploads.open_step(OPERATOR, waiting.id)


async def test_an_upload_is_handed_neither_to_a_guest_nor_to_one_who_decided(
    office: Office, waiting: Request
) -> None:
    office.outside.people.outsiders.add(GUEST)
    for by, to in [(OPERATOR, GUEST), (OPERATOR, APPROVER), (STRANGER, SECOND)]:
        hand = HandOver(request_id=waiting.id, to=to, origin="V1")
        with pytest.raises(NotAllowed):
            await office.life.hand_over(by, hand)


async def test_a_request_that_nobody_decides_on_expires_after_seven_days(office: Office) -> None:
    request = await office.ask("Forgotten")
    office.clock.pass_time(7 * DAY - timedelta(seconds=1))
    await office.life.sweep()
    assert (await office.request(request.id)).state is RequestState.PENDING
    office.clock.pass_time(timedelta(seconds=1))
    await office.life.sweep()
    await office.life.sweep()
    assert (await office.request(request.id)).state is RequestState.EXPIRED
    assert (await office.token(request)).state is TokenState.CANCELLED
    decision = await office.click(request)
    assert "expired" in str(decision.refusal)
    told = await office.outbox(NoticeKind.REQUEST_NEWS)
    assert [item.destination for item in told] == [OPERATOR]


async def test_an_approval_holds_fourteen_days_for_its_upload(
    office: Office, waiting: Request, server: Server
) -> None:
    file = server.download_token().content
    office.clock.pass_time(14 * DAY)
    await office.life.sweep()
    assert (await office.request(waiting.id)).state is RequestState.EXPIRED
    with pytest.raises(Refused) as caught:
        await office.submit(waiting, file)
    assert "expired" in caught.value.user_message


async def test_approvers_are_nagged_once_a_working_day(office: Office) -> None:
    office.clock.time = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)  # a Friday
    request = await office.ask("Slow")
    nagged = []
    for _ in range(6 * 24):
        office.clock.pass_time(timedelta(hours=1))
        await office.life.sweep()
        nagged.append((await office.stories(request)).count("nag"))
    assert nagged[: 2 * 24] == [0] * 48
    assert nagged[-1] == 4
    items = await office.outbox(NoticeKind.REQUEST_STORY)
    assert items[-1].facts["people"] == f"{APPROVER},{SECOND}"


async def test_a_nag_says_when_nobody_is_left_to_decide(office: Office) -> None:
    request = await office.ask("Orphan")
    office.outside.people.roles[Role.APPROVER] = {STRANGER}
    office.clock.pass_time(DAY)
    await office.life.sweep()
    (nag,) = await office.outbox(NoticeKind.REQUEST_STORY)
    assert nag.subject_id == request.id
    assert nag.facts["people"] == ""


@pytest.mark.usefixtures("waiting")
async def test_whoever_has_to_upload_is_nagged_and_two_processes_nag_once(
    office: Office, second_office: Office
) -> None:
    office.clock.pass_time(DAY)
    await office.life.sweep()
    await second_office.life.sweep()
    (nag,) = await office.outbox(NoticeKind.UPLOAD_NAG)
    assert nag.destination == OPERATOR


async def test_facts_that_changed_are_shown_and_decide_nothing(office: Office) -> None:
    wish = form("Facts", owner=OWNER)
    request = await office.requests.create(OPERATOR, wish)
    async with office.database.write() as tx:
        await tx.tokens.change(tx.tokens.table.c.id == request.token_id, owner=STRANGER)
    first = await office.click(request)
    assert first.state is DecisionState.REFUSED
    assert "facts have changed" in str(first.refusal)
    assert "changed" in await office.stories(request)
    shown = await office.request(request.id)
    assert shown.facts["owner"] == STRANGER
    # The old card's button again: what it showed is not what is there.
    stale = await office.click(request)
    assert stale.state is DecisionState.REFUSED
    assert (await office.click(shown)).state is DecisionState.COUNTED


@pytest.mark.parametrize("digest", ["", "0" * 16, "f" * 200])
async def test_a_forged_fingerprint_decides_nothing(office: Office, digest: str) -> None:
    request = await office.ask("Forged")
    forged = replace(click(request, APPROVER, Verdict.APPROVE, key=f"k{digest}"), digest=digest)
    await office.decisions.record(forged)
    await office.decisions.finish_recorded()
    assert (await office.request(request.id)).state is RequestState.PENDING


async def test_a_decline_keeps_its_reason(office: Office) -> None:
    request = await office.ask("No")
    wish = replace(click(request, APPROVER, Verdict.DECLINE, key="no"), reason="Use the other one")
    await office.decisions.record(wish)
    await office.decisions.finish_recorded()
    entry = (await office.entries())[-1]
    assert (entry.action, entry.after["reason"]) == ("request.decline", "Use the other one")
    assert await office.stories(request) == ["declined"]


async def test_whoever_lost_the_role_before_the_click_counts_is_refused(office: Office) -> None:
    request = await office.ask("Lost")
    office.outside.people.roles[Role.APPROVER] = {SECOND}
    decision = await office.click(request)
    assert "takes the role" in str(decision.refusal)


async def test_a_pasted_text_is_sealed_and_proved_like_a_file(
    office: Office, waiting: Request, server: Server
) -> None:
    text = server.download_token().content.decode()
    upload = await office.uploads.submit(
        OPERATOR,
        UploadForm(
            submission="paste-1",
            request_id=waiting.id,
            apple_id="it-admin@schools.example",
            file_id="",
            view_id="V1",
            text=text,
        ),
    )
    assert upload.content is not None
    assert text[200:260] not in upload.content
    await office.proving.finish_due()
    assert office.outside.files.fetched == []
    async with office.database.read() as tx:
        done = await tx.uploads.get(upload.id)
    assert done is not None
    assert (done.state, done.content) == (UploadState.ACCEPTED, None)
