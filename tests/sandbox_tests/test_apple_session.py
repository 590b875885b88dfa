"""Claims about who the service lets in."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.sandbox.apple.answers import ErrorForm
from tests.sandbox.apple.behaviour import TermsRefusedOn
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.oauth import SignedRequest
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.service import Apple
from tests.sandbox.apple.visitor import Visitor, visiting

ADMIN = "admin@schools.example"
CERTIFICATE = key_pair("Session test").certificate_pem


@pytest.fixture
def apple() -> Apple:
    return Apple()


@pytest.fixture
def organisation(apple: Apple) -> Organisation:
    return apple.add_organisation("Example Schools", admin=ADMIN, type="edu")


@pytest.fixture
def server(organisation: Organisation) -> Server:
    server = organisation.add_server("HQ iPads", certificate_pem=CERTIFICATE)
    server.download_token()
    return server


@pytest.fixture
async def visitor(apple: Apple, server: Server) -> AsyncIterator[Visitor]:
    assert server.token
    async with visiting(apple, server.token.credentials) as visitor:
        yield visitor


async def refused(visitor: Visitor, authorization: str | None = None) -> tuple[int, str]:
    answer = await visitor.ask_session(authorization)
    return answer.status_code, answer.text


def test_the_signature_is_the_one_of_the_rfc() -> None:
    # RFC 5849, section 1.2
    request = SignedRequest(
        method="GET",
        url="http://photos.example.net/photos",
        query="file=vacation.jpg&size=original",
        parameters={
            "realm": "Photos",
            "oauth_consumer_key": "dpf43f3p2l4k3l03",
            "oauth_token": "nnch734d00sl2jdk",
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": "137131202",
            "oauth_nonce": "chapoH",
            "oauth_signature": "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
        },
    )
    assert request.is_signed_with("kd94hf93k423kf44", "pfkkdhi9sl3r4s00")
    assert not request.is_signed_with("kd94hf93k423kf44", "another")


async def test_a_right_signature_opens_a_session(visitor: Visitor) -> None:
    await visitor.enter()
    answer = await visitor.send("GET", "/account")
    assert answer.json()["admin_id"] == ADMIN


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"signature_method": "HMAC-SHA256"}, (400, "oauth_problem_advice")),
        ({"signature_method": "PLAINTEXT"}, (400, "oauth_problem_advice")),
        ({"nonce": ""}, (400, "oauth_problem_advice")),
        ({"timestamp": "soon"}, (400, "oauth_problem_advice")),
        ({"timestamp": "1000000000"}, (401, "timestamp_refused")),
        ({"resource_owner_key": "AT_unknown"}, (401, "token_rejected")),
        ({"client_secret": "CS_wrong"}, (401, "signature_invalid")),
        ({"resource_owner_secret": "AS_wrong"}, (401, "signature_invalid")),
    ],
)
async def test_a_wrong_signature_is_refused(
    visitor: Visitor, changes: dict[str, str], answer: tuple[int, str]
) -> None:
    assert await refused(visitor, visitor.authorization(**changes)) == answer


@pytest.mark.parametrize(
    "header", ["Basic abc", "OAuth", 'OAuth oauth_token="a", oauth_token="b"', "OAuth a=b"]
)
async def test_a_header_out_of_form_is_a_bad_request(visitor: Visitor, header: str) -> None:
    assert await refused(visitor, header) == (400, "oauth_problem_advice")


async def test_an_unknown_consumer_key_is_refused(visitor: Visitor) -> None:
    header = visitor.authorization().replace('oauth_consumer_key="CK_', 'oauth_consumer_key="CK_0')
    assert await refused(visitor, header) == (401, "consumer_key_unknown")


async def test_a_nonce_serves_once(visitor: Visitor) -> None:
    header = visitor.authorization()
    assert (await visitor.ask_session(header)).status_code == 200
    assert await refused(visitor, header) == (401, "nonce_used")


async def test_a_download_kills_the_token_before_and_its_sessions(
    apple: Apple, server: Server, visitor: Visitor
) -> None:
    await visitor.enter()
    server.download_token()
    assert (await visitor.send("GET", "/account")).status_code == 401
    assert await refused(visitor) == (403, "signature_invalid")
    apple.behaviour.superseded_status = 401
    assert await refused(visitor) == (401, "signature_invalid")
    assert server.token
    visitor.credentials = server.token.credentials
    await visitor.enter()


async def test_revoked_removed_and_stale_tokens_are_told_apart(
    apple: Apple, organisation: Organisation, server: Server, visitor: Visitor
) -> None:
    organisation.change_password(ADMIN)
    assert await refused(visitor) == (403, "token_rejected")
    server.download_token()
    assert server.token
    visitor.credentials = server.token.credentials
    organisation.remove_admin(ADMIN)
    assert await refused(visitor) == (403, "FORBIDDEN")
    apple.pass_time(timedelta(days=366))
    assert await refused(visitor) == (401, "token_expired")


async def test_new_terms_stop_every_call_until_they_are_signed(
    apple: Apple, organisation: Organisation, visitor: Visitor
) -> None:
    await visitor.enter()
    organisation.change_terms()
    assert await refused(visitor) == (403, "T_C_NOT_SIGNED")
    assert (await visitor.send("GET", "/account")).text == "T_C_NOT_SIGNED"
    apple.behaviour.terms_refused_on = TermsRefusedOn.SESSION
    assert (await visitor.send("GET", "/account")).status_code == 200
    apple.behaviour.terms_refused_on = TermsRefusedOn.OTHER_CALLS
    await visitor.enter()
    assert (await visitor.send("GET", "/account")).status_code == 403
    organisation.sign_terms()
    assert (await visitor.send("GET", "/account")).status_code == 200


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (ErrorForm.BARE, "token_rejected"),
        (ErrorForm.QUOTED, '"token_rejected"'),
        (ErrorForm.OBJECT, '{"code": "token_rejected"}'),
    ],
)
async def test_a_code_comes_in_three_forms(
    apple: Apple, server: Server, visitor: Visitor, form: ErrorForm, body: str
) -> None:
    apple.behaviour.error_form = form
    server.revoke()
    assert await refused(visitor) == (403, body)


async def test_a_lost_session_answers_401_or_403(apple: Apple, visitor: Visitor) -> None:
    await visitor.enter()
    apple.sessions.end_all()
    assert (await visitor.send("GET", "/account")).status_code == 401
    apple.behaviour.lost_session = (403, "FORBIDDEN")
    assert (await visitor.send("GET", "/account")).text == "FORBIDDEN"
    apple.behaviour.session_lifetime = timedelta(0)
    await visitor.enter()
    assert (await visitor.send("GET", "/account")).status_code == 403


async def test_a_rotated_session_dies_with_the_answer_that_replaces_it(
    apple: Apple, visitor: Visitor
) -> None:
    apple.behaviour.rotates_sessions = True
    await visitor.enter()
    answer = await visitor.send("GET", "/account")
    assert (await visitor.send("GET", "/account")).status_code == 401
    visitor.http.headers["X-ADM-Auth-Session"] = answer.headers["X-ADM-Auth-Session"]
    assert (await visitor.send("GET", "/account")).status_code == 200


@pytest.mark.parametrize(
    ("agent", "code"),
    [
        ("", "USER_AGENT_MISSING"),
        ("python-requests/2.32.0", "USER_AGENT_INVALID"),
        ("python-httpx/0.28.1", "USER_AGENT_INVALID"),
        ("Python-urllib/3.11", "USER_AGENT_INVALID"),
        ("/1.0", "USER_AGENT_INVALID"),
        ("enroll-token", "USER_AGENT_INVALID"),
    ],
)
async def test_clients_must_say_who_they_are(visitor: Visitor, agent: str, code: str) -> None:
    answer = await visitor.send("GET", "/account", User_Agent=agent)
    assert (answer.status_code, answer.text) == (400, code)


async def test_calls_out_of_form_are_refused(visitor: Visitor) -> None:
    await visitor.enter()
    assert (await visitor.send("POST", "/session")).status_code == 405
    assert (await visitor.send("GET", "/server/devices")).status_code == 405
    assert (await visitor.send("GET", "/nowhere")).status_code == 404
    assert (await visitor.send("GET", "/account", Content_Type="text/plain")).status_code == 415
    version = await visitor.send("GET", "/account", X_Server_Protocol_Version="11")
    assert version.status_code == 400


async def test_the_record_keeps_no_secrets(apple: Apple, visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.fetch(limit=7)
    session, fetch = apple.requests
    assert (session.status, fetch.path, fetch.body) == (200, "/server/devices", {"limit": 7})
    assert visitor.credentials.access_token not in repr(apple.requests)
    assert visitor.http.headers["X-ADM-Auth-Session"] not in repr(apple.requests)
