"""A wrong file changes nothing: one message says what to do, and the step stays open."""

import sqlite3
from contextlib import closing

import pytest

from tests.journeys.steps import APPLE_ID, approved, newest_pem, register_at_apple, upload
from tests.sandbox.apple import faults
from tests.sandbox.apple.credentials import Credentials
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.mint import Mint
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.stored_files import Body

pytestmark = pytest.mark.asyncio(loop_scope="module")

STORED = """
SELECT token.state, request.state, (SELECT count(*) FROM credentials WHERE token_id = token.id)
FROM request JOIN token ON token.id = token_id WHERE token.name = ?
"""


async def refused(shared: Deployment, name: str, sentence: str) -> Message:
    """The newest refusal for that token; its step is open and nothing of the file is stored."""
    dm = shared.cast.operator.dm
    message = await shared.slack.wait_for(
        lambda: [m for m in dm.messages if m.says(f"{name}: The file was not taken")][-1],
        what="the refusal",
    )
    assert message.says(sentence), message.texts()
    with closing(sqlite3.connect(shared.database)) as database:
        stored = database.execute(STORED, (name,)).fetchone()
    assert stored == ("awaiting_token", "awaiting_upload", 0)
    return message


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("Nothing", b"", "empty"),
        ("A page", b"<!doctype html><html>Sign in</html>", "web page"),
        ("A film", b"x" * 70_000, "too large"),
        (
            "Our pem",
            b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            "public key",
        ),
        ("Words", b"just words", "not a server token"),
    ],
)
async def test_a_file_of_another_kind_is_told_and_the_step_stays_open(
    shared: Deployment, name: str, content: bytes, sentence: str
) -> None:
    steps = await approved(shared, name)
    await upload(shared, steps, "token.p7m", content)
    again = await refused(shared, name, sentence)
    server = register_at_apple(shared, name=name)
    await upload(shared, again, *server.download_token(as_admin=APPLE_ID))
    await shared.slack.wait_for(
        lambda: any(m.says(f"{name} is in use") for m in shared.alerts.messages),
        what="the outcome",
    )


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (Body.HTML, "did not give us the file"),
        (Body.REDIRECT, "did not give us the file"),
        (Body.ENDLESS, "too large"),
        (Body.EMPTY, "empty"),
    ],
)
async def test_a_download_that_gives_no_file_changes_nothing(
    shared: Deployment, body: Body, sentence: str
) -> None:
    olivia, slack, name = shared.cast.operator, shared.slack, f"Download {body.value}"
    steps = await approved(shared, name)
    await olivia.click("Upload server token", message=steps)
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the upload form")
    olivia.attach("Server token file", "token.p7m", b"", body=body, location="http://127.0.0.1:9/")
    await olivia.submit()
    await refused(shared, name, sentence)


async def test_a_file_for_a_key_that_is_not_ours_is_an_incident(shared: Deployment) -> None:
    steps = await approved(shared, "Stranger")
    stranger = key_pair("Somebody else", serial=None)
    file = Mint(stranger.certificate_pem).token(Credentials.invented())
    await upload(shared, steps, "token.p7m", file)
    await refused(shared, "Stranger", "security team")


async def test_a_file_of_another_token_of_ours_is_named(shared: Deployment) -> None:
    await approved(shared, "First")
    server = register_at_apple(shared, name="First")
    steps = await approved(shared, "Second")
    await upload(shared, steps, *server.download_token(as_admin=APPLE_ID))
    await refused(shared, "Second", "made for the token “First”")


async def test_a_second_token_of_one_server_is_refused_naming_the_first(
    shared: Deployment,
) -> None:
    steps = await approved(shared, "Holder")
    server = register_at_apple(shared, name="One server")
    await upload(shared, steps, *server.download_token(as_admin=APPLE_ID))
    steps = await approved(shared, "Late")
    server.upload_certificate(newest_pem(shared))
    await upload(shared, steps, *server.download_token(as_admin=APPLE_ID))
    await refused(shared, "Late", "which the token “Holder” holds already")


async def test_a_file_cut_short_is_told(shared: Deployment) -> None:
    steps = await approved(shared, "Cut")
    whole = Mint(newest_pem(shared)).token(Credentials.invented())
    await upload(shared, steps, "token.p7m", whole[:900])
    await refused(shared, "Cut", "incomplete")


@pytest.mark.parametrize(
    ("happens", "sentence"),
    [
        ("superseded", "newer token"),
        ("revoked", "revoked"),
        ("account gone", "gone or barred"),
        ("terms", "terms"),
    ],
)
async def test_what_apple_refuses_is_said_with_its_reason(
    shared: Deployment, happens: str, sentence: str
) -> None:
    steps = await approved(shared, happens)
    organisation = shared.apple.add_organisation("Example Schools", admin=APPLE_ID)
    server = organisation.add_server(happens, certificate_pem=newest_pem(shared))
    name, content = server.download_token(as_admin=APPLE_ID)
    match happens:
        case "superseded":
            server.download_token(as_admin=APPLE_ID)
        case "revoked":
            server.revoke()
        case "account gone":
            organisation.remove_admin(APPLE_ID)
        case _:
            organisation.change_terms()
    await upload(shared, steps, name, content)
    await refused(shared, happens, sentence)


@pytest.mark.parametrize(
    ("name", "fault"),
    [("HTML", faults.html_page()), ("reset", faults.reset(faults.Reset.AFTER))],
)
async def test_a_file_waits_under_seal_where_apple_gives_no_answer(
    shared: Deployment, name: str, fault: faults.Fault
) -> None:
    steps = await approved(shared, name)
    server = register_at_apple(shared, name=name)
    shared.apple.faults.next("/account", fault)
    await upload(shared, steps, *server.download_token(as_admin=APPLE_ID))
    dm = shared.cast.operator.dm
    await shared.slack.wait_for(
        lambda: any(m.says(f"*{name}*: Apple gives no usable answer") for m in dm.messages),
        what="the news",
    )
