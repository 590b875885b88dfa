"""Over a real socket: what Slack signed is answered, anything else is turned away unread."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.web import BODY_BYTES, Web
from tests.bot.served import EVENTS, Served, served
from tests.sandbox.deployment import SIGNING_SECRET, Deployment, deployment
from tests.sandbox.serving import serve
from tests.sandbox.slack.delivery import signature

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
BODY = b"command=%2Fenroll-token&text=help"
GOOD = signature(SIGNING_SECRET, BODY)
MARK = GOOD["X-Slack-Signature"].encode()
STAMP = GOOD["X-Slack-Request-Timestamp"].encode()

Headers = list[tuple[bytes, bytes]]


def headers(stamp: bytes | None, mark: bytes | None) -> Headers:
    found = [(b"x-slack-request-timestamp", stamp), (b"x-slack-signature", mark)]
    return [(name, value) for name, value in found if value is not None]


def at(seconds: int) -> Headers:
    made = signature(SIGNING_SECRET, BODY, int(STAMP) + seconds)
    return headers(made["X-Slack-Request-Timestamp"].encode(), made["X-Slack-Signature"].encode())


JUNK: dict[str, Headers] = {
    "no headers": [],
    "no time stamp": headers(None, MARK),
    "no signature": headers(STAMP, None),
    "letters as time stamp": headers(b"abc", MARK),
    "5,000 digits": headers(b"1" * 5000, MARK),
    "negative": headers(b"-" + STAMP, MARK),
    "arabic digits": headers("\u0661\u0662\u0663".encode(), MARK),
    "superscript digits": headers(b"\xb2\xb3\xb9", MARK),
    "empty signature": headers(STAMP, b""),
    "signature not ascii": headers(STAMP, b"v0=\xff\xfe"),
    "wrong version": headers(STAMP, MARK.replace(b"v0", b"v1")),
    "too short": headers(STAMP, MARK[:-1]),
    "too long": headers(STAMP, MARK + b"0"),
    "ten minutes old": at(-600),
    "an hour ahead": at(3600),
    "doubled": headers(STAMP, MARK[:-1] + b"z") + headers(STAMP, MARK),
}
NO_DELIVERIES = {
    "not utf-8": (FORM, b"payload=\xff\xfe\xff"),
    "bytes not utf-8": (FORM, b"\xff\xfe"),
    "payload not json": (FORM, b"payload=%7B"),
    "payload a list": (FORM, b"payload=[]"),
    "payload a word": (FORM, b"payload=null"),
    "payload nested deeply": (FORM, b"payload=" + b"[" * 100_000),
    "not json": (JSON, b"{"),
    "json not utf-8": (JSON, b'{"a": "\xff"}'),
    "json list": (JSON, b"[]"),
    "json number": (JSON, b"1"),
    "json of 5,000 digits": (JSON, b'{"a": ' + b"1" * 5000 + b"}"),
    "json nested deeply": (JSON, b'{"a":' * 100_000),
}
BROKEN = {"command": "/enroll-token", "text": "list \ud800\x00", "user_id": "U1"}
STRANGE = {
    "text that is not unicode": (FORM, urlencode(BROKEN, errors="surrogatepass").encode()),
    "not a form": (FORM, b"\x00\x01\x02"),
    "nothing": (FORM, b""),
    "empty object": (JSON, b"{}"),
    "unknown type": (JSON, b'{"type": "event_callback", "event": {"type": "moon"}}'),
    "event of no type": (JSON, b'{"type": "event_callback", "event": {}}'),
    "event a word": (JSON, b'{"type": "event_callback", "event": "moon"}'),
    "unknown command": (FORM, b"command=%2Fmoon&user_id=U1&team_id=T1"),
    "command without a person": (FORM, b"command=%2Fenroll-token&text=list"),
    "click on nothing": (FORM, b"payload=" + b'{"type":"block_actions","actions":[]}'),
    "click without actions": (FORM, b'payload={"type":"block_actions"}'),
    "submission without a view": (FORM, b'payload={"type":"view_submission"}'),
    "submission of a word": (FORM, b'payload={"type":"view_submission","view":"x"}'),
    "type a list": (FORM, b'payload={"type":[1]}'),
}


@pytest.fixture
async def bare() -> AsyncIterator[str]:
    """The routes over a Bolt app that takes nothing."""
    app = AsyncApp(authorize=anybody, request_verification_enabled=False)
    states = iter([True, False, False, False])

    async def ready() -> bool:
        return next(states)

    web = Web(app=app, signing_secret=SIGNING_SECRET, alive=lambda: next(states), ready=ready)
    async with serve(web.asgi()) as origin:
        yield origin


@pytest.fixture
async def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async with served(tmp_path, monkeypatch) as service:
        yield service
        assert not service.slack.violations


async def anybody() -> AuthorizeResult:
    """Slack is not asked."""
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-invented")


async def post(origin: str, body: bytes, head: Headers, kind: str = FORM) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(
            origin + EVENTS, content=body, headers=[(b"content-type", kind.encode()), *head]
        )


def signing(body: bytes) -> Headers:
    made = signature(SIGNING_SECRET, body)
    return [(name.encode(), value.encode()) for name, value in made.items()]


async def test_junk_headers_are_unauthorised_and_no_fault(bare: str) -> None:
    answers = {name: (await post(bare, BODY, head)).status_code for name, head in JUNK.items()}
    assert answers == dict.fromkeys(JUNK, 401)


async def test_a_body_that_is_no_text_is_unauthorised_and_no_fault(bare: str) -> None:
    for kind in (FORM, JSON, "", "text/plain; charset=utf-99"):
        answer = await post(bare, b"payload=\xff\xfe\x00", headers(STAMP, MARK), kind)
        assert answer.status_code == 401


async def test_what_slack_signed_but_never_sends_is_a_bad_request(bare: str) -> None:
    answers = {
        name: (await post(bare, body, signing(body), kind)).status_code
        for name, (kind, body) in NO_DELIVERIES.items()
    }
    assert answers == dict.fromkeys(NO_DELIVERIES, 400)


async def test_only_post_is_taken(bare: str) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=bare) as client:
        for method in ("GET", "PUT", "DELETE", "HEAD"):
            assert (await client.request(method, EVENTS)).status_code == 405
        assert (await client.get("/")).status_code == 404


async def test_a_large_body_is_turned_away_before_its_end(bare: str) -> None:
    host, _, port = bare.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
    writer.write(b"a" * (BODY_BYTES + 1))
    async with asyncio.timeout(5):
        status = await reader.readline()
    writer.close()
    assert status.split()[1] in {b"413", b"401"}


async def test_a_body_of_just_one_mebibyte_is_read(bare: str) -> None:
    body = b"a" * BODY_BYTES
    assert (await post(bare, body, headers(STAMP, MARK))).status_code == 401
    assert (await post(bare, body + b"a", signing(body + b"a"))).status_code == 413


async def test_a_sender_that_leaves_halfway_does_no_harm(bare: str) -> None:
    host, _, port = bare.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\nhalf")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await post(bare, BODY, [])).status_code == 401


async def test_health_is_one_word_good_or_bad(bare: str) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=bare) as client:
        answers = [await client.get(path) for path in ("/healthz", "/healthz", "/readyz")]
    found = [(answer.status_code, answer.text) for answer in answers]
    assert found == [(200, "ok"), (503, "stalled"), (503, "unready")]


async def test_a_running_service_is_alive_and_ready(whole: Served) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=whole.origin) as client:
        assert (await client.get("/healthz")).text == "ok"
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.text) == (200, "ready")
        whole.slack.token.error = "token_revoked"
        gone = await client.get("/readyz")
    assert (gone.status_code, gone.text) == (503, "unready")


async def test_a_command_may_hold_the_word_payload(whole: Served) -> None:
    texts = ["payload", "payload=1", "&payload={}", "help payload", "payload="]
    for text in texts:
        assert (await whole.operator.command("/enroll-token", text)).status == 200
    assert len(whole.operator.ephemerals) == len(texts)
    assert all(heard.says("/enroll-token create") for heard in whole.operator.ephemerals)


async def test_a_channel_and_a_person_may_be_called_payload(whole: Served) -> None:
    person = whole.slack.add_person("payload")
    channel = whole.slack.add_channel("payload", members=[person])
    answer = await person.command("/enroll-token", "help", channel=channel)
    assert answer.status == 200
    assert person.ephemerals[0].says("/enroll-token create")


async def test_what_slack_signed_but_nobody_takes_is_no_fault(whole: Served) -> None:
    answers = {
        name: (await post(whole.origin, body, signing(body), kind)).status_code
        for name, (kind, body) in STRANGE.items()
    }
    assert not {name: status for name, status in answers.items() if status >= 500}


async def test_slacks_question_for_the_address_is_answered(bare: str) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c4f2"}).encode()
    answer = await post(bare, body, signing(body), JSON)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "c4f2"})


async def test_no_body_is_ever_in_the_log(tmp_path: Path) -> None:
    async with deployment(tmp_path, LOG_LEVEL="DEBUG") as deployed:
        await deployed.start()
        canary = "canary-7f31"
        await said_everywhere(deployed, canary)
        await deployed.stop()
        assert "delivery_not_signed" in deployed.log()
        assert canary not in deployed.log()


async def said_everywhere(deployed: Deployment, canary: str) -> None:
    text = canary.encode()
    for kind in (FORM, JSON):
        await post(deployed.origin, b"text=" + text, headers(STAMP, MARK), kind)
        await post(deployed.origin, b"payload=" + text, signing(b"payload=" + text), kind)
    for words in ("list", ""):
        await deployed.cast.operator.command("/enroll-token", f"{words} {canary}")
    strange = json.dumps({"type": "event_callback", "event": {"type": "moon", "text": canary}})
    await post(deployed.origin, strange.encode(), signing(strange.encode()), JSON)
    await deployed.cast.operator.click(
        {"type": "button", "action_id": "gone", "block_id": "b", "value": canary},
        message=deployed.slack.post(deployed.alerts, deployed.slack.bot_user_id, text="old"),
    )
