"""Claims about the HTTP client for Apple: sessions, refusals, and answers that are none."""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from services.apple.client import AppleConnection, apple_http
from services.apple.errors import (
    BY_CODE,
    HEALTH,
    SAID,
    AppleError,
    Trouble,
    read_refusal,
    trouble_of,
)
from services.apple.oauth import OAuthValues, authorization
from tests.sandbox.apple import faults
from tests.sandbox.apple.answers import ErrorForm
from tests.sandbox.apple.behaviour import TermsRefusedOn
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.service import Apple
from tests.services.office import APPLE_ID, Outside

pytestmark = pytest.mark.usefixtures("online")

CERTIFICATE = key_pair("Client test").certificate_pem


@pytest.fixture
def apple(outside: Outside) -> Apple:
    return outside.apple


@pytest.fixture
def server(outside: Outside) -> Server:
    made = outside.organisation.add_server("HQ iPads", certificate_pem=CERTIFICATE)
    made.download_token()
    made.assign_devices(3)
    return made


def values(server: Server) -> OAuthValues:
    assert server.token is not None
    credentials = server.token.credentials
    return OAuthValues(
        consumer_key=credentials.consumer_key,
        consumer_secret=credentials.consumer_secret,
        access_token=credentials.access_token,
        access_secret=credentials.access_secret,
    )


@pytest.fixture
def connection(outside: Outside, server: Server) -> AppleConnection:
    return AppleConnection(outside.http, values(server))


def paths(apple: Apple) -> list[str]:
    return [call.path for call in apple.requests]


async def trouble(connection: AppleConnection) -> AppleError:
    with pytest.raises(AppleError) as caught:
        await connection.account()
    return caught.value


async def test_a_session_is_opened_once_and_used_for_every_call(
    apple: Apple, server: Server, connection: AppleConnection
) -> None:
    account = await connection.account()
    await connection.fetch(None)
    await connection.devices(server.serials)
    assert (account.server_uuid, account.admin_id) == (server.uuid, APPLE_ID)
    assert paths(apple) == ["/session", "/account", "/server/devices", "/devices"]


async def test_every_call_says_who_we_are_and_which_protocol(
    apple: Apple, connection: AppleConnection
) -> None:
    await connection.account()
    for call in apple.requests:
        assert call.headers["user-agent"].startswith("enroll-token/")
        assert call.headers["x-server-protocol-version"] == "10"
        assert call.headers["content-type"] == "application/json;charset=UTF8"
        assert call.headers["accept"] == "application/json;charset=UTF8"


async def test_the_clients_of_these_tests_and_of_the_service_send_the_same(
    outside: Outside,
) -> None:
    async with apple_http("https://mdmenrollment.apple.com") as real:
        assert real.headers == outside.http.headers
        assert real.timeout == outside.http.timeout
        assert not real.follow_redirects
        assert not outside.http.follow_redirects
        assert not real.trust_env


async def test_the_signature_is_never_made_twice_alike(server: Server) -> None:
    url = "https://mdmenrollment.apple.com/session"
    first, second = authorization(values(server), url), authorization(values(server), url)
    assert first != second
    assert 'realm="ADM"' in first
    assert 'oauth_signature_method="HMAC-SHA1"' in first


@pytest.mark.parametrize("lost", [(401, "UNAUTHORIZED"), (403, "FORBIDDEN")])
async def test_a_session_that_is_over_is_renewed_and_the_call_repeated(
    apple: Apple, connection: AppleConnection, lost: tuple[int, str]
) -> None:
    apple.behaviour.lost_session = lost
    await connection.account()
    apple.sessions.end_all()
    await connection.account()
    assert paths(apple) == ["/session", "/account", "/account", "/session", "/account"]


@pytest.mark.parametrize("code", [(401, "UNAUTHORIZED"), (403, "FORBIDDEN"), (401, ""), (403, "")])
async def test_a_session_is_renewed_once_a_call_and_not_in_a_loop(
    apple: Apple, connection: AppleConnection, code: tuple[int, str]
) -> None:
    apple.faults.next("/account", faults.status(*code), times=9)
    error = await trouble(connection)
    assert error.trouble is Trouble.SESSION_OVER
    assert paths(apple) == ["/session", "/account", "/session", "/account"]


async def test_calls_at_once_share_one_session(apple: Apple, connection: AppleConnection) -> None:
    await asyncio.gather(*(connection.account() for _ in range(6)))
    assert paths(apple).count("/session") == 1
    apple.sessions.end_all()
    await asyncio.gather(*(connection.account() for _ in range(6)))
    assert paths(apple).count("/session") == 2


async def test_a_session_in_an_answer_is_adopted(apple: Apple, connection: AppleConnection) -> None:
    apple.behaviour.rotates_sessions = True
    for _ in range(4):
        await connection.account()
    assert paths(apple) == ["/session", *["/account"] * 4]


async def test_tokens_at_once_keep_their_sessions_apart(
    outside: Outside, apple: Apple, server: Server, connection: AppleConnection
) -> None:
    other = outside.organisation.add_server("Library", certificate_pem=CERTIFICATE)
    other.download_token()
    second = AppleConnection(outside.http, values(other))
    found = await asyncio.gather(*(each.account() for each in (connection, second) * 3))
    assert [account.server_uuid for account in found] == [server.uuid, other.uuid] * 3
    assert paths(apple).count("/session") == 2


FORMS: dict[ErrorForm, Callable[[str], str]] = {
    ErrorForm.BARE: str,
    ErrorForm.QUOTED: json.dumps,
    ErrorForm.OBJECT: lambda code: json.dumps({"code": code}),
}


@pytest.mark.parametrize("form", ErrorForm)
@pytest.mark.parametrize("status", [400, 401, 403, 429])
@pytest.mark.parametrize("code", BY_CODE)
def test_a_code_is_read_in_each_form_and_under_each_status(
    form: ErrorForm, status: int, code: str
) -> None:
    refusal = read_refusal(status, f"{FORMS[form](code)}\n".encode())
    assert refusal.code == code
    assert trouble_of(refusal, at_session=False) is BY_CODE[code]


@pytest.mark.parametrize(
    ("status", "code", "at_session", "meaning"),
    [
        (403, "FORBIDDEN", True, Trouble.ACCOUNT_FORBIDDEN),
        (403, "FORBIDDEN", False, Trouble.SESSION_OVER),
        (401, "UNAUTHORIZED", True, Trouble.CREDENTIALS_REFUSED),
        (401, "consumer_key_unknown", True, Trouble.CREDENTIALS_REFUSED),
        (401, "", False, Trouble.SESSION_OVER),
        (403, "SOMETHING_NEW", False, Trouble.SESSION_OVER),
        (429, "", False, Trouble.THROTTLED),
        (503, "<html>", False, Trouble.THROTTLED),
        (500, "", False, Trouble.UNEXPECTED),
        (400, "MALFORMED_REQUEST_BODY", False, Trouble.UNEXPECTED),
        (302, "", False, Trouble.UNEXPECTED),
    ],
)
def test_a_refusal_without_a_telling_code_goes_by_its_status(
    status: int,
    code: str,
    at_session: bool,  # noqa: FBT001 - the table's third column
    meaning: Trouble,
) -> None:
    assert trouble_of(read_refusal(status, code.encode()), at_session=at_session) is meaning


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"code": 7}', b"\xff\xfe", b"[" * 5000, b"a b", b"7" * 9000]
)
def test_a_body_of_any_kind_has_no_code_rather_than_an_error(body: bytes) -> None:
    refusal = read_refusal(400, body)
    assert refusal.code == ""
    assert len(refusal.body) <= 1024


def superseded(server: Server) -> None:
    server.download_token()


def account_gone(server: Server) -> None:
    server.organisation.admins.clear()


def terms(server: Server) -> None:
    server.organisation.terms_signed = False  # type: ignore[attr-defined]


REFUSED = {
    Trouble.SUPERSEDED: superseded,
    Trouble.REVOKED: Server.revoke,
    Trouble.ACCOUNT_FORBIDDEN: account_gone,
    Trouble.TERMS_UNSIGNED: terms,
}


@pytest.mark.parametrize("form", ErrorForm)
@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_wrong_with_a_token_is_told_at_first_and_with_a_session(
    outside: Outside, server: Server, what: Trouble, form: ErrorForm
) -> None:
    before = values(server)
    used, new = AppleConnection(outside.http, before), AppleConnection(outside.http, before)
    await used.account()
    outside.apple.behaviour.error_form = form
    REFUSED[what](server)
    for connection in (used, new):
        error = await trouble(connection)
        assert error.trouble is what
        assert not error.retryable
        assert error.user_message == SAID[what]


@pytest.mark.parametrize("where", TermsRefusedOn)
async def test_unsigned_terms_are_told_wherever_apple_asks_for_them(
    outside: Outside, connection: AppleConnection, where: TermsRefusedOn
) -> None:
    outside.apple.behaviour.terms_refused_on = where
    outside.organisation.change_terms()
    assert (await trouble(connection)).trouble is Trouble.TERMS_UNSIGNED
    outside.organisation.sign_terms()
    await connection.account()


@pytest.mark.parametrize("answer", [(401, "token_expired"), (403, "token_expired")])
async def test_an_expired_token_is_told(
    outside: Outside, connection: AppleConnection, answer: tuple[int, str]
) -> None:
    outside.apple.behaviour.expired = answer
    outside.clock.pass_time(timedelta(days=366))
    assert (await trouble(connection)).trouble is Trouble.EXPIRED


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("path", ["/session", "/account"])
async def test_retry_after_in_seconds_is_kept(
    apple: Apple, connection: AppleConnection, code: int, path: str
) -> None:
    apple.faults.next(path, faults.throttled(7, code=code))
    error = await trouble(connection)
    assert (error.trouble, error.retry_after_seconds) == (Trouble.THROTTLED, 7.0)
    assert error.retryable


async def test_retry_after_as_a_date_is_kept_as_seconds(
    apple: Apple, connection: AppleConnection
) -> None:
    later = datetime.now(UTC) + timedelta(minutes=10)
    apple.faults.next("/account", faults.throttled(later))
    wait = (await trouble(connection)).retry_after_seconds
    assert wait is not None
    assert 590 < wait <= 600


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("", None),
        ("0", 0.0),
        (format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True), 0.0),
        ("Wed, 01 Jan 2020 00:00:00 -0000", None),
    ],
)
async def test_a_retry_after_that_says_nothing_is_none(
    apple: Apple, connection: AppleConnection, value: str | None, seconds: float | None
) -> None:
    answer = faults.throttled(None).answer
    assert answer is not None
    if value is not None:
        answer = answer.with_header("Retry-After", value)
    apple.faults.next("/account", faults.Fault(answer=answer))
    assert (await trouble(connection)).retry_after_seconds == seconds


UNUSABLE = {
    "half an answer": faults.half_json(),
    "a hundred thousand brackets": faults.status(
        200, '{"unknown": ' + "[" * 100_000, content_type="application/json"
    ),
    "a web page": faults.html_page(),
    "an empty answer": faults.status(200, ""),
    "null": faults.status(200, "null"),
    "a list": faults.status(200, "[]"),
    "a number for the server": faults.with_values(server_uuid=7),
    "no server": faults.without("server_uuid"),
    "not UTF-8": faults.Fault(change=lambda real: type(real)(body=b'{"server_uuid": "\xff"}')),
    "no content": faults.status(204),
    "a redirect": faults.status(302, "https://elsewhere.example/"),
    "500": faults.status(500, "oops"),
}


@pytest.mark.parametrize("what", UNUSABLE)
async def test_an_answer_that_is_none_is_unexpected_and_may_be_tried_again(
    apple: Apple, connection: AppleConnection, what: str
) -> None:
    apple.faults.next("/account", UNUSABLE[what])
    error = await trouble(connection)
    assert (error.trouble, error.retryable) == (Trouble.UNEXPECTED, True)
    assert (await connection.account()).server_name == "HQ iPads"


async def test_an_answer_is_read_up_to_a_cap_however_little_travels(
    apple: Apple, connection: AppleConnection
) -> None:
    apple.faults.next("/account", faults.gzip_bomb(33))
    assert str(await trouble(connection)) == "the answer is larger than 32 MiB"


async def test_a_whole_answer_under_another_content_type_is_taken(
    apple: Apple, connection: AppleConnection
) -> None:
    apple.faults.next("/account", faults.wrong_content_type())
    assert (await connection.account()).server_name == "HQ iPads"


@pytest.mark.parametrize("where", faults.Reset)
@pytest.mark.parametrize("path", ["/session", "/account"])
async def test_a_broken_connection_is_no_answer(
    apple: Apple, connection: AppleConnection, path: str, where: faults.Reset
) -> None:
    apple.faults.next(path, faults.reset(where))
    error = await trouble(connection)
    assert (error.trouble, error.retryable) == (Trouble.UNREACHABLE, True)
    assert (await connection.account()).server_name == "HQ iPads"


async def test_silence_is_no_answer(
    apple: Apple, outside: Outside, connection: AppleConnection
) -> None:
    await connection.account()
    outside.http.timeout = httpx.Timeout(0.1)
    apple.faults.next("/account", faults.slow(0.4))
    assert (await trouble(connection)).trouble is Trouble.UNREACHABLE


async def test_nobody_listening_is_no_answer(outside: Outside, server: Server) -> None:
    outside.http.base_url = httpx.URL("http://127.0.0.1:9")
    error = await trouble(AppleConnection(outside.http, values(server)))
    assert error.trouble is Trouble.UNREACHABLE


async def test_no_error_and_no_log_line_shows_a_secret(
    outside: Outside, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="services")
    assert server.token is not None
    shown = repr(values(server))
    for path in ("/session", "/account"):
        for fault in (*UNUSABLE.values(), faults.reset(), faults.throttled()):
            outside.apple.faults.next(path, fault)
            try:
                await AppleConnection(outside.http, values(server)).account()
            except AppleError as error:
                shown += f"{error!r}{error}{error.user_message}{error.__cause__!r}"
        outside.apple.faults.clear()
    assert shown.count("AppleError") > len(UNUSABLE)
    shown += caplog.text
    secrets = server.token.credentials.fields()
    del secrets["access_token_expiry"]
    assert not any(secret in shown for secret in secrets.values())


def test_every_trouble_that_people_can_mend_has_its_sentence() -> None:
    assert set(HEALTH) <= set(SAID)
    for sentence in SAID.values():
        assert sentence.endswith(".")
