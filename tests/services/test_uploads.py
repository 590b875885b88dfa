"""Claims about server token files: the right one takes effect whole, a wrong one not at all."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import mean, variance

import httpx
import pytest

from services.apple.program import DAMAGED_SECONDS
from services.clock import machine_now
from services.errands import Brought, Errand, Purpose
from services.errors import InvalidForm, NotAllowed, NotFound, Refused, UpstreamError
from services.proving import TRIES
from services.upload_limits import FILES, TOO_MANY
from services.uploads import UploadForm
from services.wrong_file import WrongFile, WrongFileReason
from storage.database import Database
from storage.records import Credentials as SealedCredentials
from storage.records import KeyPair, Request, Token, Upload
from storage.states import (
    Health,
    KeyPairState,
    NoticeKind,
    RequestState,
    TokenState,
    UploadState,
    Verdict,
)
from tests.sandbox.apple import faults
from tests.sandbox.apple.credentials import Credentials
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.mint import Mint
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.shape import Shape
from tests.services.office import ALERTS, APPLE_ID, Office, Outside, form
from tests.services.ports import APPROVER, OPERATOR, OWNER, SECOND, START, STRANGER

pytestmark = pytest.mark.usefixtures("online")

R = WrongFileReason
CREATE = Errand(purpose=Purpose.CREATE, apple_id=APPLE_ID)
FOREIGN = key_pair("Somebody else's")


@pytest.fixture
def template(one_waiting: Path) -> Path:
    return one_waiting


async def held(office: Office, request: Request) -> tuple[Request, Token, list[KeyPair], object]:
    """All that a file that is not taken must leave as it was."""
    async with office.database.read() as tx:
        pairs = await tx.key_pairs.all(tx.key_pairs.select())
        credentials = await tx.credentials.all(tx.credentials.select())
    return await office.request(request.id), await office.token(request), pairs, credentials


async def refused(
    office: Office, request: Request, file: bytes | Exception, *, incidents: int = 0
) -> Upload:
    """Bring a file that must be refused, and change nothing."""
    before = await held(office, request)
    notices = await office.outbox()
    upload = await office.bring(request, file)
    assert upload.state is UploadState.REFUSED
    assert await held(office, request) == before
    assert before[0].state is RequestState.AWAITING_UPLOAD
    new = [item.kind for item in (await office.outbox())[len(notices) :]]
    assert new == [
        NoticeKind.UPLOAD_REFUSED,
        NoticeKind.REQUEST_STORY,
        *[NoticeKind.INCIDENT] * incidents,
        NoticeKind.FILE_CLEANUP,
    ]
    entry = (await office.entries())[-1]
    assert (entry.action, entry.actor) == ("upload.refuse", OPERATOR)
    assert entry.after["reason"] == upload.reason
    return upload


async def kept(office: Office, request: Request, file: bytes) -> Upload:
    """Bring a file that its holder gives no answer to: it waits under seal, nothing changes."""
    before = await held(office, request)
    notices = await office.outbox()
    upload = await office.bring(request, file)
    assert (upload.state, upload.ended_at) == (UploadState.RECEIVED, None)
    assert upload.content is not None
    assert file.hex() not in upload.content
    assert upload.kept_until is not None
    assert await held(office, request) == before
    new = [item.kind for item in (await office.outbox())[len(notices) :]]
    assert new == [NoticeKind.REQUEST_STORY, NoticeKind.UPLOAD_KEPT]
    assert (await office.entries())[-1].action == "upload.hold"
    return upload


async def in_force(office: Office, token: Token) -> SealedCredentials | None:
    async with office.database.read() as tx:
        return await tx.credentials.in_force(token.id)


async def make_due(office: Office) -> None:
    """Let the try under way be over, as after a crash."""
    async with office.database.write() as tx:
        await tx.uploads.change(due_at=machine_now() - timedelta(seconds=1))


async def test_a_proved_file_takes_effect_whole(
    office: Office, waiting: Request, server: Server
) -> None:
    upload = await office.bring(waiting, server.download_token().content)
    request, token = await office.request(waiting.id), await office.token(waiting)
    assert upload.state is UploadState.ACCEPTED
    assert (request.state, request.ended_at) == (RequestState.COMPLETED, office.clock.now())
    assert (token.state, token.health) == (TokenState.ACTIVE, Health.OK)
    assert token.expires_at == office.clock.now() + timedelta(days=365)
    assert (token.server_uuid, token.server_name) == (server.uuid, server.name)
    assert (token.org_name, token.org_id) == ("Example Schools", office.outside.organisation.id)
    assert token.org_id_hash == office.outside.organisation.id_hash
    assert (token.admin_id, token.apple_id) == (APPLE_ID, APPLE_ID)
    assert token.sync_due_at == office.clock.now()
    credentials = await in_force(office, token)
    assert credentials is not None
    assert server.token is not None
    opened = office.vault.oauth_values(credentials)
    assert opened.access_secret == server.token.credentials.access_secret
    async with office.database.read() as tx:
        pair = await tx.key_pairs.get(credentials.key_pair_id)
    assert pair is not None
    assert pair.state is KeyPairState.CURRENT


async def test_a_proved_file_is_told_to_all_who_wait(
    office: Office, waiting: Request, server: Server
) -> None:
    before = len(await office.outbox())
    await office.bring(waiting, server.download_token().content)
    told = (await office.outbox())[before:]
    assert [item.kind for item in told] == [
        NoticeKind.REQUEST_CARD,
        NoticeKind.STEPS,
        NoticeKind.TOKEN_ACTIVE,
        NoticeKind.REQUEST_STORY,
        NoticeKind.FILE_CLEANUP,
        NoticeKind.REQUEST_STORY,
    ]
    card, steps, active, story, _, strange = told
    assert card.edits is not None
    assert steps.edits is not None
    assert active.destination == ALERTS
    assert [story.replies_to, strange.replies_to] == [card.edits] * 2


async def test_apple_is_asked_before_anything_is_in_force(
    office: Office, waiting: Request, server: Server
) -> None:
    await office.bring(waiting, server.download_token().content)
    paths = [call.path for call in office.apple.requests]
    assert paths == ["/session", "/account"]


async def test_the_apple_id_of_the_download_may_differ_and_both_are_kept(
    office: Office, waiting: Request, server: Server
) -> None:
    office.outside.organisation.add_admin("deputy@schools.example")
    file = server.download_token(as_admin="deputy@schools.example").content
    await office.bring(waiting, file)
    token = await office.token(waiting)
    assert (token.apple_id, token.admin_id) == (APPLE_ID, "deputy@schools.example")
    entry = (await office.entries())[-1]
    assert entry.after["apple_id"] == APPLE_ID
    assert entry.after["admin_id"] == "deputy@schools.example"


async def test_nothing_secret_is_in_clear_in_the_files_or_the_log(
    office: Office,
    waiting: Request,
    server: Server,
    path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for ours in ("services", "storage"):
        caplog.set_level(logging.DEBUG, logger=ours)
    file = server.download_token().content
    upload = await office.bring(waiting, file)
    assert upload.state is UploadState.ACCEPTED
    async with office.database.read() as tx:
        (pair,) = await tx.key_pairs.all(tx.key_pairs.select())
    assert server.token is not None
    values = server.token.credentials.fields()
    del values["access_token_expiry"]
    pem = office.vault.private_key(pair)
    secrets = [*(value.encode() for value in values.values()), *pem.splitlines()[1:-1], file[-90:]]
    stored = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    assert pair.fingerprint.encode() in stored
    for secret in secrets:
        assert secret not in stored
        assert secret.decode() not in caplog.text


async def test_two_processes_that_try_one_file_accept_it_once(
    office: Office, second_office: Office, waiting: Request, server: Server
) -> None:
    await office.submit(waiting, server.download_token().content)
    await asyncio.gather(office.proving.finish_due(), second_office.proving.finish_due())
    actions = [entry.action for entry in await office.entries()]
    assert actions.count("token.activate") == 1
    assert "upload.refuse" not in actions
    async with office.database.read() as tx:
        assert len(await tx.credentials.all(tx.credentials.select())) == 1


async def test_the_right_file_submitted_twice_takes_effect_once(
    office: Office, waiting: Request, server: Server
) -> None:
    file = server.download_token().content
    first = await office.submit(waiting, file)
    second = await office.submit(waiting, file)
    ended = {upload.id: upload.state for upload in await office.proving.finish_due()}
    assert sorted([ended[first.id], ended[second.id]]) == ["accepted", "refused"]
    async with office.database.read() as tx:
        assert len(await tx.credentials.all(tx.credentials.select())) == 1


async def test_a_submission_delivered_twice_is_one_upload(office: Office, waiting: Request) -> None:
    same = UploadForm(
        submission="V1",
        request_id=waiting.id,
        apple_id=f" {APPLE_ID} ",
        file_id="F1",
        view_id="V1",
    )
    first = await office.uploads.submit(OPERATOR, same)
    assert await office.uploads.submit(OPERATOR, same) == first
    assert first.apple_id == APPLE_ID


async def test_an_upload_submitted_before_a_restart_is_finished_after_it(
    office: Office, second_office: Office, waiting: Request, server: Server
) -> None:
    upload = await office.submit(waiting, server.download_token().content)
    async with office.database.write() as tx:
        await tx.uploads.claim(upload, machine_now() + timedelta(seconds=60))
    assert await second_office.proving.finish_due() == []
    await make_due(office)
    (finished,) = await second_office.proving.finish_due()
    assert (finished.id, finished.state) == (upload.id, UploadState.ACCEPTED)


async def test_a_file_for_a_key_that_is_not_ours_is_refused(
    office: Office, waiting: Request, server: Server
) -> None:
    server.upload_certificate(FOREIGN.certificate_pem)
    upload = await refused(office, waiting, server.download_token().content, incidents=1)
    assert upload.reason == R.UNKNOWN_RECIPIENT
    assert "tell your security team" in (upload.answer or "")
    assert office.apple.requests == []


async def test_a_file_for_an_older_key_pair_is_told(
    office: Office, waiting: Request, server: Server
) -> None:
    token = await office.token(waiting)
    office.clock.pass_time(timedelta(minutes=1))
    newer = await office.program.begin(token, CREATE)
    async with office.database.write() as tx:
        await newer.keep(tx)
    upload = await refused(office, waiting, server.download_token().content)
    assert upload.reason == R.OLDER_KEY_PAIR
    assert office.apple.requests == []


@pytest.mark.parametrize("state", [KeyPairState.RETIRED])
async def test_a_file_for_a_retired_key_pair_is_told(
    office: Office, waiting: Request, server: Server, state: KeyPairState
) -> None:
    async with office.database.write() as tx:
        await tx.key_pairs.change(state=state)
    upload = await refused(office, waiting, server.download_token().content)
    assert upload.reason == R.OLDER_KEY_PAIR


async def test_a_file_for_another_token_is_refused_and_that_token_named(
    office: Office, waiting: Request
) -> None:
    other = await office.waiting("Library iPads")
    file = (await office.server(other)).download_token().content
    upload = await refused(office, waiting, file)
    assert upload.reason == R.ANOTHER_TOKEN
    assert "“Library iPads”" in (upload.answer or "")
    assert office.apple.requests == []
    accepted = await office.bring(other, file)
    assert accepted.state is UploadState.ACCEPTED


async def test_a_server_that_another_token_holds_is_refused_and_both_are_named(
    office: Office, waiting: Request
) -> None:
    holder, taken = await office.activate("Library iPads")
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(waiting.token_id)
    assert pair is not None
    taken.upload_certificate(pair.certificate_pem.encode())
    upload = await refused(office, waiting, taken.download_token().content)
    assert upload.reason == R.SERVER_TAKEN
    assert f"“{taken.name}”" in (upload.answer or "")
    assert f"“{holder.name}”" in (upload.answer or "")


async def test_an_expired_token_is_refused_without_asking_apple(
    office: Office, waiting: Request, server: Server
) -> None:
    file = server.download_token(lifetime=timedelta(days=30)).content
    office.clock.pass_time(timedelta(days=30))
    upload = await refused(office, waiting, file)
    assert upload.reason == R.EXPIRED
    assert "2026-04-01" in (upload.answer or "")
    assert office.apple.requests == []


def superseded(server: Server) -> None:
    server.download_token()


def account_gone(server: Server) -> None:
    server.organisation.admins.clear()


def terms(server: Server) -> None:
    server.organisation.terms_signed = False  # type: ignore[attr-defined]


DEAD: dict[str, tuple[Callable[[Server], object], str]] = {
    "superseded": (superseded, "A newer token of this server was downloaded"),
    "revoked": (Server.revoke, "This token was revoked at Apple"),
    "account gone": (account_gone, "The Apple ID that downloaded this token is gone"),
    "terms": (terms, "New terms wait for a signature"),
}


@pytest.mark.parametrize("trouble", DEAD)
async def test_what_apple_refuses_is_refused_with_apples_reason(
    office: Office, waiting: Request, server: Server, trouble: str
) -> None:
    happens, said = DEAD[trouble]
    file = server.download_token().content
    happens(server)
    upload = await refused(office, waiting, file)
    assert upload.reason == R.REFUSED_BY_APPLE
    assert said in (upload.answer or "")


async def test_the_same_file_is_taken_once_the_terms_are_signed(
    office: Office, waiting: Request, server: Server
) -> None:
    file = server.download_token().content
    office.outside.organisation.change_terms()
    await refused(office, waiting, file)
    office.outside.organisation.sign_terms()
    assert (await office.bring(waiting, file)).state is UploadState.ACCEPTED


SILENT = {
    "a web page": faults.html_page(),
    "503": faults.throttled(code=503),
    "500": faults.status(500, "oops"),
    "a reset": faults.reset(),
    "a reset after the call": faults.reset(faults.Reset.AFTER),
    "half an answer": faults.half_json(),
    "an answer without its facts": faults.without("server_uuid", "auth_session_token"),
    "a gzip bomb": faults.gzip_bomb(),
}


@pytest.mark.parametrize(
    ("call", "what"),
    [
        *(("/account", what) for what in SILENT),
        *(("/session", what) for what in ("a web page", "503", "a reset")),
    ],
)
async def test_where_apple_gives_no_answer_nothing_is_half_stored(
    office: Office, waiting: Request, server: Server, call: str, what: str
) -> None:
    file = server.download_token().content
    office.apple.faults.next(call, SILENT[what])
    upload = await kept(office, waiting, file)
    await make_due(office)
    assert [one.id for one in await office.proving.finish_due()] == [upload.id]
    assert (await office.request(waiting.id)).state is RequestState.COMPLETED
    async with office.database.read() as tx:
        done = await tx.uploads.get(upload.id)
    assert done is not None
    assert (done.state, done.content) == (UploadState.ACCEPTED, None)
    # What waited under seal is not asked for at Slack again.
    assert office.outside.files.fetched == [upload.file_id]


async def test_where_apple_is_silent_too_long_nothing_is_half_stored(
    office: Office, waiting: Request, server: Server
) -> None:
    office.outside.http.timeout = httpx.Timeout(0.1)
    office.apple.faults.next("/account", faults.slow(0.5))
    await kept(office, waiting, server.download_token().content)


async def test_a_file_without_an_answer_for_24_hours_is_refused_and_nothing_is_kept(
    office: Office, waiting: Request, server: Server
) -> None:
    office.apple.faults.next("/session", faults.throttled(code=503), times=10)
    upload = await kept(office, waiting, server.download_token().content)
    await make_due(office)
    await office.proving.finish_due()
    async with office.database.read() as tx:
        again = await tx.uploads.get(upload.id)
    assert again is not None
    assert (again.state, again.kept_until) == (UploadState.RECEIVED, upload.kept_until)
    async with office.database.write() as tx:
        await tx.uploads.change(kept_until=machine_now(), due_at=machine_now())
    await office.proving.finish_due()
    async with office.database.read() as tx:
        ended = await tx.uploads.get(upload.id)
    assert ended is not None
    assert (ended.state, ended.reason) == (UploadState.REFUSED, "no_answer")
    assert (ended.content, ended.data_key) == (None, None)


async def test_a_file_changed_after_encryption_is_damaged_whatever_was_changed(
    office: Office, waiting: Request
) -> None:
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(waiting.token_id)
    assert pair is not None
    mint = Mint(pair.certificate_pem.encode())
    values = Credentials.invented(issued_at=START)
    answers = set()
    for shape in (Shape(flipped=0), Shape(flipped=-17), Shape(json="{}"), Shape(text=b"")):
        upload = await refused(office, waiting, mint.token(values, shape=shape))
        assert upload.reason == R.DAMAGED
        answers.add(upload.answer)
    assert len(answers) == 1
    assert office.apple.requests == []


async def damaged(office: Office, request: Request, number: int) -> list[bytes]:
    """Files for the token's key that nobody can open."""
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(request.token_id)
    assert pair is not None
    mint = Mint(pair.certificate_pem.encode())
    values = Credentials.invented(issued_at=START)
    return [mint.token(values, shape=Shape(flipped=one)) for one in range(number)]


async def test_after_ten_files_that_cannot_be_opened_the_key_is_not_used_for_an_hour(
    office: Office, outside: Outside, waiting: Request
) -> None:
    server = await office.server(waiting)
    right = server.download_token().content
    for file in await damaged(office, waiting, FILES):
        assert (await office.bring(waiting, file)).reason == R.DAMAGED
        outside.clock.time += timedelta(minutes=1)
    for _ in range(3):
        limited = await refused(office, waiting, right)
        assert limited.reason == TOO_MANY
        assert "again in 50 minutes" in (limited.answer or "")
    outside.clock.time += timedelta(minutes=50)
    assert (await office.bring(waiting, right)).state is UploadState.ACCEPTED


async def test_files_that_are_refused_before_or_after_the_key_was_used_are_not_counted(
    office: Office, waiting: Request
) -> None:
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(waiting.token_id)
    assert pair is not None
    never_issued = Mint(pair.certificate_pem.encode()).token(Credentials.invented(issued_at=START))
    for _ in range(FILES):
        assert (await office.bring(waiting, b"<html>")).reason == R.WEB_PAGE
        assert (await office.bring(waiting, never_issued)).reason == R.REFUSED_BY_APPLE
    right = (await office.server(waiting)).download_token().content
    assert (await office.bring(waiting, right)).state is UploadState.ACCEPTED


async def test_files_at_the_same_moment_are_counted_too(office: Office, waiting: Request) -> None:
    for file in await damaged(office, waiting, FILES + 4):
        await office.submit(waiting, file)
    await office.proving.finish_due()
    async with office.database.read() as tx:
        uploads = await tx.uploads.all(tx.uploads.select())
    reasons = sorted(str(upload.reason) for upload in uploads)
    assert reasons == [R.DAMAGED] * FILES + [TOO_MANY] * 4


async def test_one_persons_files_do_not_slow_another(office: Office, waiting: Request) -> None:
    *files, last = await damaged(office, waiting, FILES + 1)
    for file in files:
        await office.bring(waiting, file)
    upload = await office.submit(waiting, last, person=OWNER)
    await office.proving.finish_due()
    async with office.database.read() as tx:
        ended = await tx.uploads.get(upload.id)
    assert ended is not None
    assert ended.reason == R.DAMAGED


async def test_a_damaged_file_takes_the_same_time_wherever_it_fails(
    office: Office, waiting: Request
) -> None:
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(waiting.token_id)
        token = await tx.tokens.get(waiting.token_id)
    assert pair is not None
    assert token is not None
    mint = Mint(pair.certificate_pem.encode())
    values = Credentials.invented(issued_at=START)
    # The padding fails; or nothing but the last of the five values does.
    early = mint.token(values, shape=Shape(flipped=-1))
    late = mint.token(values, shape=Shape(instead={"access_token_expiry": "tomorrow"}))

    async def seconds(file: bytes) -> float:
        began = time.perf_counter()
        with pytest.raises(WrongFile):
            await office.program.prove(token, Brought(file=file), CREATE)
        return time.perf_counter() - began

    took: dict[bytes, list[float]] = {early: [], late: []}
    for number in range(20):
        # Who goes first changes, so that waiting for the other weighs on both alike.
        files = [early, late] * 10 if number % 2 else [late, early] * 10
        for file, one in zip(files, await asyncio.gather(*map(seconds, files)), strict=True):
            took[file].append(one)
    assert min(map(min, took.values())) >= DAMAGED_SECONDS
    spread = math.sqrt(sum(variance(times) / len(times) for times in took.values()))
    welch = abs(mean(took[early]) - mean(took[late])) / spread
    assert welch < 4.5, (welch, mean(took[early]), mean(took[late]))


async def test_a_token_that_apple_never_issued_is_refused(office: Office, waiting: Request) -> None:
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(waiting.token_id)
    assert pair is not None
    file = Mint(pair.certificate_pem.encode()).token(Credentials.invented(issued_at=START))
    upload = await refused(office, waiting, file)
    assert upload.reason == R.REFUSED_BY_APPLE


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (WrongFile(R.TOO_LARGE), R.TOO_LARGE),
        (WrongFile(R.WEB_PAGE), R.WEB_PAGE),
        (UpstreamError("files.info: timeout", system="Slack", retryable=True), "no_answer"),
    ],
)
async def test_a_file_that_slack_does_not_give_is_refused(
    office: Office, waiting: Request, error: Exception, reason: str
) -> None:
    assert (await refused(office, waiting, error)).reason == reason


async def test_a_fault_of_ours_three_times_gives_up_and_says_so(
    office: Office, waiting: Request
) -> None:
    upload = await office.submit(waiting, RuntimeError("a bug"))
    for _ in range(TRIES):
        with pytest.raises(RuntimeError, match="a bug"):
            await office.proving.finish_due()
        assert await office.proving.finish_due() == []
        await make_due(office)
    (given_up,) = await office.proving.finish_due()
    assert (given_up.id, given_up.state) == (upload.id, UploadState.REFUSED)
    assert given_up.reason == "internal_error"
    assert "a fault of ours" in (given_up.answer or "")
    assert len(office.outside.files.fetched) == TRIES
    assert (await office.request(waiting.id)).state is RequestState.AWAITING_UPLOAD


async def test_one_files_fault_does_not_keep_another_from_its_outcome(
    office: Office, waiting: Request
) -> None:
    other = await office.waiting("Library iPads")
    server = await office.server(other)
    await office.submit(waiting, RuntimeError("a bug"))
    good = await office.submit(other, server.download_token().content)
    with pytest.raises(RuntimeError, match="a bug"):
        await office.proving.finish_due()
    async with office.database.read() as tx:
        ended = await tx.uploads.get(good.id)
    assert ended is not None
    assert ended.state is UploadState.ACCEPTED


def a_form(request: Request, **fields: str) -> UploadForm:
    good = UploadForm(
        submission="V1",
        request_id=request.id,
        apple_id=APPLE_ID,
        file_id="F1",
        view_id="V1",
    )
    return replace(good, **fields)  # type: ignore[arg-type]


async def no_uploads(database: Database) -> bool:
    async with database.read() as tx:
        return not await tx.uploads.all(tx.uploads.select())


@pytest.mark.parametrize("person", [OPERATOR, OWNER])
async def test_requester_and_owner_may_upload(
    office: Office, waiting: Request, person: str
) -> None:
    assert (await office.uploads.submit(person, a_form(waiting))).uploader == person


async def test_whoever_decided_may_not_upload_even_as_owner(office: Office) -> None:
    wish = form("Library iPads", owner=APPROVER)
    request = await office.requests.create(OPERATOR, wish)
    await office.click(request, APPROVER)
    await office.preparation.begin_approved()
    with pytest.raises(NotAllowed) as caught:
        await office.uploads.submit(APPROVER, a_form(request))
    assert "You decided on this request" in caught.value.user_message
    assert OPERATOR in caught.value.user_message
    assert await no_uploads(office.database)


@pytest.mark.parametrize("person", [STRANGER, SECOND])
async def test_a_stranger_may_not_upload_and_is_told_who_may(
    office: Office, waiting: Request, person: str
) -> None:
    with pytest.raises(NotAllowed) as caught:
        await office.uploads.submit(person, a_form(waiting))
    assert OPERATOR in caught.value.user_message
    assert OWNER in caught.value.user_message
    assert await no_uploads(office.database)


async def test_an_uploader_who_left_the_workspace_is_refused_when_it_counts(
    office: Office, outside: Outside, waiting: Request, server: Server
) -> None:
    outside.people.outsiders.add(OPERATOR)
    upload = await refused(office, waiting, server.download_token().content)
    assert "Only full members" in (upload.answer or "")
    assert outside.files.fetched == []


async def test_an_uploader_whom_slack_cannot_look_up_is_refused(
    office: Office, outside: Outside, waiting: Request, server: Server
) -> None:
    outside.people.silent = True
    upload = await refused(office, waiting, server.download_token().content)
    assert upload.reason == "no_answer"


async def test_a_wrong_apple_id_is_told_under_its_field(office: Office, waiting: Request) -> None:
    with pytest.raises(InvalidForm) as caught:
        await office.uploads.submit(OPERATOR, a_form(waiting, apple_id="it"))
    assert set(caught.value.fields) == {"apple_id"}
    assert await no_uploads(office.database)


async def test_an_unknown_request_takes_no_file(office: Office, waiting: Request) -> None:
    with pytest.raises(NotFound):
        await office.uploads.submit(OPERATOR, a_form(waiting, request_id="0" * 32))


async def test_a_completed_request_takes_no_file(
    office: Office, waiting: Request, server: Server
) -> None:
    await office.bring(waiting, server.download_token().content)
    with pytest.raises(Refused) as caught:
        await office.uploads.submit(OPERATOR, a_form(waiting))
    assert "it is completed" in caught.value.user_message


@pytest.mark.parametrize("verdict", [None, Verdict.DECLINE])
async def test_a_request_that_nobody_agreed_to_takes_no_file(
    office: Office, verdict: Verdict | None
) -> None:
    request = await office.ask("Library iPads")
    if verdict is not None:
        await office.click(request, APPROVER, verdict)
    with pytest.raises(Refused, match="pending" if verdict is None else "declined"):
        await office.uploads.submit(OPERATOR, a_form(request))


async def test_a_file_of_a_request_that_ended_meanwhile_is_not_used(
    office: Office, waiting: Request, server: Server
) -> None:
    await office.submit(waiting, server.download_token().content)
    async with office.database.write() as tx:
        await tx.requests.change(state=RequestState.CANCELLED)
    (upload,) = await office.proving.finish_due()
    assert (upload.state, upload.reason) == (UploadState.REFUSED, "refused")
    assert office.apple.requests == []
    assert await in_force(office, await office.token(waiting)) is None


async def test_a_request_that_ends_while_apple_is_asked_is_not_completed(
    office: Office, waiting: Request, server: Server
) -> None:
    await office.submit(waiting, server.download_token().content)
    office.apple.faults.next("/account", faults.slow(0.3))

    async def end_it() -> None:
        for _ in range(100):
            if office.apple.calls("/account"):
                break
            await asyncio.sleep(0.01)
        async with office.database.write() as tx:
            await tx.requests.change(state=RequestState.CANCELLED)

    ended, _ = await asyncio.gather(office.proving.finish_due(), end_it())
    assert [upload.state for upload in ended] == [UploadState.REFUSED]
    token = await office.token(waiting)
    assert token.state is TokenState.AWAITING_TOKEN
    assert await in_force(office, token) is None
