"""Claims about the stand-in for Graph: what it refuses, and in which form."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.sandbox.graph.applications import GUIDED, READ
from tests.sandbox.graph.knobs import Throttling
from tests.services.microsoft import Microsoft, microsoft

SETTINGS = "/beta/deviceManagement/depOnboardingSettings"
GOOD = {"tokenName": "HQ", "tokenType": "dep", "dataSharingConsentGranted": True}


async def ask(
    side: Microsoft, method: str, path: str, content: object = None, **headers: str
) -> httpx.Response:
    token = await side.entra.access_token()
    sent = {"Authorization": f"Bearer {token.value}", **headers}
    body = None
    if content is not None:
        sent.setdefault("Content-Type", "application/json")
        body = json.dumps(content).encode()
    return await side.graph.http.request(method, path, content=body, headers=sent)


async def test_a_refusal_has_graphs_form_and_intunes_is_packed_once_more() -> None:
    async with microsoft() as side:
        answer = await ask(side, "GET", f"{SETTINGS}/none")
        error = answer.json()["error"]
        assert answer.status_code == 404
        assert error["code"] == "ResourceNotFound"
        assert json.loads(error["message"])["Message"].startswith("The resource was not found.")
        assert error["innerError"]["request-id"] == answer.headers["request-id"]
        assert datetime.fromisoformat(error["innerError"]["date"]).tzinfo is None


async def test_v1_has_no_tokens() -> None:
    async with microsoft() as side:
        answer = await ask(side, "GET", SETTINGS.replace("beta", "v1.0"))
        assert answer.status_code == 400
        assert "segment" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "query",
    ["$top=x", "$top=0", "$top=1000", "$skip=1", "$orderby=id", "$select=nothing", "top=5"],
)
async def test_a_query_that_graph_does_not_know_is_refused(query: str) -> None:
    async with microsoft() as side:
        side.tenant.add_token("HQ")
        assert (await ask(side, "GET", f"{SETTINGS}?{query}")).status_code == 400


async def test_a_page_holds_what_top_says_and_links_to_the_next() -> None:
    async with microsoft() as side:
        for number in range(5):
            side.tenant.add_token(f"Token {number}")
        path = f"{SETTINGS}?$top=2&$count=true&$select=id,tokenName"
        names: list[str] = []
        while path:
            page = (await ask(side, "GET", path)).json()
            assert page["@odata.count"] == 5
            assert all(set(one) == {"id", "tokenName"} for one in page["value"])
            names += [one["tokenName"] for one in page["value"]]
            path = page.get("@odata.nextLink", "")
        assert names == [f"Token {number}" for number in range(5)]


@pytest.mark.parametrize(
    "content",
    [
        {**GOOD, "name": "HQ"},
        {**GOOD, "tokenName": 7},
        {**GOOD, "tokenName": " "},
        {**GOOD, "tokenType": "vpp"},
        {**GOOD, "roleScopeTagIds": "0"},
        {**GOOD, "roleScopeTagIds": ["9"]},
        {**GOOD, "dataSharingConsentGranted": False},
        {**GOOD, "tokenExpirationDateTime": "2030-01-01T00:00:00Z"},
        {"tokenType": "dep", "dataSharingConsentGranted": True},
        [GOOD],
    ],
)
async def test_a_body_with_anything_wrong_makes_no_token(content: object) -> None:
    async with microsoft() as side:
        assert (await ask(side, "POST", SETTINGS, content)).status_code == 400
        assert side.tenant.tokens == {}


async def test_a_body_is_json_and_says_so() -> None:
    async with microsoft() as side:
        answer = await ask(side, "POST", SETTINGS, GOOD, **{"Content-Type": "text/plain"})
        assert answer.status_code == 415
        token = side.tenant.add_token("HQ")
        action = f"{SETTINGS}/{token.id}/generateEncryptionPublicKey"
        assert (await ask(side, "POST", action, {"force": True})).status_code == 400
        assert (await ask(side, "POST", action)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", SETTINGS),
        ("DELETE", SETTINGS),
        ("POST", "/v1.0/users"),
        ("PATCH", "/beta/deviceAppManagement/vppTokens"),
    ],
)
async def test_another_method_is_not_allowed(method: str, path: str) -> None:
    async with microsoft() as side:
        assert (await ask(side, method, path)).status_code == 405


async def test_nobody_is_let_in_without_a_token_of_this_login() -> None:
    async with microsoft() as side, microsoft() as other:
        theirs = (await other.entra.access_token()).value
        for header in ({}, {"Authorization": "Basic x"}, {"Authorization": f"Bearer {theirs}"}):
            answer = await side.graph.http.get(SETTINGS, headers=header)
            assert answer.status_code == 401


async def test_a_token_ends_when_it_says() -> None:
    async with microsoft() as side:
        side.tenant.knobs.token_seconds = 0
        answer = await ask(side, "GET", SETTINGS)
        assert answer.status_code == 401
        assert "expired" in answer.json()["error"]["message"]


async def test_reading_keys_takes_less_than_writing() -> None:
    async with microsoft(roles=(READ,)) as side:
        path = f"{SETTINGS}/{side.tenant.add_token('HQ').id}"
        assert (await ask(side, "GET", f"{path}/getEncryptionPublicKey()")).status_code == 200
        assert (await ask(side, "GET", f"{path}/getEncryptionPublicKey")).status_code == 400
        assert (await ask(side, "POST", f"{path}/generateEncryptionPublicKey")).status_code == 200
        for method, rest in (
            ("DELETE", ""),
            ("POST", "/syncWithAppleDeviceEnrollmentProgram"),
            ("POST", "/uploadDepToken"),
        ):
            assert (await ask(side, method, path + rest)).status_code == 403
        assert (await ask(side, "GET", "/v1.0/users/x")).status_code == 403


async def test_an_advanced_question_about_people_takes_its_header_and_count() -> None:
    async with microsoft(roles=GUIDED) as side:
        path = "/v1.0/users?$filter=otherMails/any(o:o%20eq%20'x')"
        assert (await ask(side, "GET", path)).status_code == 400
        eventual = {"ConsistencyLevel": "eventual"}
        assert (await ask(side, "GET", path, **eventual)).status_code == 400
        assert (await ask(side, "GET", f"{path}&$count=true", **eventual)).status_code == 200
        wrong = "/v1.0/users?$filter=startswith(mail,'x')"
        assert (await ask(side, "GET", wrong)).status_code == 400


async def test_throttling_may_name_a_date() -> None:
    async with microsoft() as side:
        at = datetime.now(UTC) + timedelta(minutes=2)
        side.tenant.knobs.throttling = Throttling(times=1, retry_after=at)
        answer = await ask(side, "GET", SETTINGS)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"].endswith("GMT")
        assert (await ask(side, "GET", SETTINGS)).status_code == 200


async def test_the_record_keeps_calls_and_no_secrets() -> None:
    async with microsoft() as side:
        token = side.tenant.add_token("HQ")
        body = {"appleId": "a@b.example", "depToken": "the secret text"}
        await ask(side, "POST", f"{SETTINGS}/{token.id}/uploadDepToken", body)
        kept = repr(side.server.requests)
        assert "the secret text" not in kept
        assert "a@b.example" in kept
        assert side.application.secrets[0].value not in kept
        assert (await side.entra.access_token()).value not in kept
