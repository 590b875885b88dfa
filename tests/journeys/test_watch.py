"""The watch as people meet it: reminders, alerts, reports, the digest and its picture."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from storage.database import Database
from storage.states import ProgramName
from tests.journeys.held import TROUBLES, in_use, said
from tests.sandbox.apple import faults
from tests.sandbox.deployment import Deployment, Transport, deployment, new_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

held = pytest.mark.parametrize("program", [ProgramName.APPLE, ProgramName.INTUNE])
PNG = b"\x89PNG\r\n"
SOON = 15.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A deployment whose tokens are asked about every second, and looked for in a tenant."""
    folder, stage = tmp_path_factory.mktemp("watched"), new_stage(intune=True)
    often = {"HEALTH_EVERY": "1", "SYNC_EVERY": "2"}
    async with deployment(folder, Transport.HTTP, stage, **often) as running:
        await running.start()
        yield running
        assert not running.slack.violations


@held
async def test_a_reminder_is_snoozed_and_turns_green_when_the_token_is_renewed(
    watched: Deployment, program: ProgramName
) -> None:
    olivia, name = watched.cast.operator, f"Reminded {program}"
    token = await in_use(watched, name, timedelta(days=14, hours=2), program)
    warning = await said(watched, watched.alerts, f"*{name} expires in")
    direct = await said(watched, olivia.dm, f"*{name} expires in", "You answer for it")
    assert [one.text for one in warning.buttons] == ["Renew", "Snooze…", "I'm on it"]
    await olivia.click("Snooze…", message=warning)
    form = await watched.slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.submit else None, what="the form"
    )
    assert form.says("the token's last day")
    olivia.fill("Remind us again on", "2099-01-01")
    await olivia.submit()
    assert "Choose a day from" in str(olivia.errors)
    day = (datetime.now(UTC) + timedelta(days=5)).date()
    olivia.fill("Remind us again on", day.isoformat())
    await olivia.submit()
    assert not olivia.errors
    await olivia.close()
    await watched.slack.wait_for(
        lambda: warning.says("Snoozed by") and direct.says("Snoozed by"), what="both edits"
    )
    await token.renew()
    await watched.slack.wait_for(
        lambda: warning.says("was renewed") and direct.says("was renewed"),
        within=SOON,
        what="both turn green",
    )
    assert not warning.buttons


@held
async def test_on_it_names_the_person_and_a_bystander_is_refused(
    watched: Deployment, program: ProgramName
) -> None:
    await in_use(watched, f"On it {program}", timedelta(days=7, hours=2), program)
    warning = await said(watched, watched.alerts, f"*On it {program} expires in")
    boris, bea = watched.cast.bystander, watched.cast.second_approver
    await boris.click("I'm on it", message=warning)
    told = await watched.slack.wait_for(lambda: boris.ephemerals[-1], what="the refusal")
    assert told.says("role")
    await bea.click("I'm on it", message=warning)
    await watched.slack.wait_for(lambda: warning.says(f"<@{bea.id}> is on it"), what="the edit")


@held
async def test_without_an_answer_the_approvers_are_told(
    watched: Deployment, program: ProgramName
) -> None:
    name = f"Unanswered {program}"
    await in_use(watched, name, timedelta(days=3, hours=2), program)
    await said(watched, watched.alerts, f"*{name} expires in")
    database = Database(f"sqlite+aiosqlite:///{watched.database}")
    async with database.write() as tx:
        # A day later: the demo's clock will do this by moving.
        table = tx.reminders.table.c
        passed = datetime.now(UTC) - timedelta(seconds=1)
        await tx.reminders.change(table.escalate_at.is_not(None), escalate_at=passed)
    await database.close()
    for approver in (watched.cast.approver, watched.cast.second_approver):
        await said(watched, approver.dm, f"Nobody has answered the reminder for {name}")


@pytest.mark.parametrize(("program", "trouble"), TROUBLES)
async def test_each_trouble_is_an_alert_in_plain_words(
    watched: Deployment, program: ProgramName, trouble: str
) -> None:
    name = f"Ill {trouble} {program}"
    token = await in_use(watched, name, timedelta(days=300), program)
    words = token.falls_ill(trouble)
    alert = await said(watched, watched.alerts, f"*{name}:", words)
    assert alert.says("Enrolment is down")
    assert alert.says("What to do")
    assert "Check now" in [one.text for one in alert.buttons]
    match trouble:
        case "superseded":
            assert alert.says("It last worked on")
            assert alert.says("it-admin@")
        case "sync_error":
            assert alert.says("Apple reported error 42 to Intune")
        case "terms_unsigned":
            assert alert.says("every one of them has to sign for itself")
            token.recovers()
            await said(watched, watched.alerts, f"*{name}* works again since", "It was:")
            await watched.slack.wait_for(lambda: alert.says("works again"), what="the alert's edit")
            assert not alert.buttons
        case _:
            pass


@held
async def test_an_outage_of_all_tokens_is_not_said_before_an_hour(
    watched: Deployment, program: ProgramName
) -> None:
    await in_use(watched, f"Silent {program}", timedelta(days=300), program)
    before = len(watched.alerts.messages)
    watched.apple.faults.next("/account", faults.status(500), times=200)
    watched.tenant.knobs.licensed = False
    await asyncio.sleep(3)
    assert not [m for m in watched.alerts.messages[before:] if m.says("no usable answer")]
    watched.apple.faults.clear()
    watched.tenant.knobs.licensed = True


async def test_a_changed_password_is_reported_in_any_case(watched: Deployment) -> None:
    amir = watched.cast.approver
    await in_use(watched, "Password", timedelta(days=300), ProgramName.APPLE)
    await amir.command("/enroll-token", "report")
    await watched.slack.wait_for(
        lambda: amir.view if amir.view and amir.view.says("What happened") else None, what="it"
    )
    await amir.click("An Apple ID's password changed")
    await watched.slack.wait_for(
        lambda: amir.view if amir.view and amir.view.submit else None, what="the form"
    )
    amir.fill("Apple ID", "nobody@nowhere.example")
    await amir.submit()
    assert "No token in use" in str(amir.errors)
    amir.fill("Apple ID", "IT-Admin@Schools.Example")
    await amir.submit()
    assert not amir.errors
    await amir.close()
    alert = await said(watched, watched.alerts, "The password of the Apple ID")
    assert alert.says("*Password* at")
    assert "Renew" in [one.text for one in alert.buttons]
    await said(watched, watched.cast.operator.dm, "The password of the Apple ID")


async def test_a_leaver_is_not_named_in_the_channel_and_hands_over(watched: Deployment) -> None:
    olivia, amir, adele = watched.cast.operator, watched.cast.approver, watched.cast.admin
    await amir.command("/enroll-token", "report")
    await watched.slack.wait_for(
        lambda: amir.view if amir.view and amir.view.says("What happened") else None, what="it"
    )
    await amir.click("An owner leaves")
    await watched.slack.wait_for(
        lambda: amir.view if amir.view and amir.view.submit else None, what="the form"
    )
    amir.fill("Who leaves", olivia.name)
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    amir.fill("Last day", day.isoformat())
    await amir.submit()
    assert not amir.errors
    await amir.close()
    alert = await said(watched, watched.alerts, "a new owner by")
    assert not alert.says(olivia.id)
    named = await said(watched, adele.dm, f"<@{olivia.id}> leaves on")
    await said(watched, olivia.dm, f"<@{olivia.id}> leaves on")
    await adele.click("Hand over…", message=named)
    await watched.slack.wait_for(
        lambda: adele.view if adele.view and adele.view.submit else None, what="the form"
    )
    adele.fill("New owner", watched.cast.second_approver.name)
    await adele.submit()
    assert not adele.errors
    await adele.close()
    await said(watched, watched.cast.second_approver.dm, "from now on")
    await watched.slack.wait_for(
        lambda: alert.says("Every token that needed a new owner has one"),
        within=SOON,
        what="the report's end",
    )


async def test_a_deactivated_owner_is_said_at_once(watched: Deployment) -> None:
    bea = watched.cast.second_approver
    await bea.deactivate()
    alert = await said(watched, watched.alerts, f"The Slack account of <@{bea.id}> was deactivated")
    assert "Hand over…" in [one.text for one in alert.buttons]
    before = len(watched.alerts.messages)
    await bea.changed()
    await asyncio.sleep(1.5)
    again = [m for m in watched.alerts.messages[before:] if m.says("was deactivated")]
    assert not again


async def test_the_digest_comes_with_its_picture(watched: Deployment) -> None:
    database = Database(f"sqlite+aiosqlite:///{watched.database}")
    async with database.write() as tx:
        # Monday has come: the demo's clock will do this by moving.
        passed = datetime.now(UTC) - timedelta(seconds=1)
        await tx.chores.change(tx.chores.table.c.name == "digest", due_at=passed, run_at=None)
    await database.close()
    digest = await said(watched, watched.alerts, "Enrollment tokens, week of", "Audit head")
    assert digest.says("Last week")
    (image,) = [block for block in digest.blocks if block["type"] == "image"]
    file = watched.slack.files.by_id[image["slack_file"]["id"]]
    assert file.content.startswith(PNG)
    assert "days left" in image["alt_text"]


async def test_the_list_offers_the_picture(watched: Deployment) -> None:
    adele = watched.cast.operator
    await adele.command("/enroll-token", "list")
    answer = await watched.slack.wait_for(
        lambda: [m for m in adele.ephemerals if "Picture" in [one.text for one in m.buttons]][-1],
        what="the list",
    )
    await adele.click("Picture", message=answer)
    sent = await watched.slack.wait_for(
        lambda: [m for m in adele.dm.messages if m.files and m.files[0].name == "tokens.png"][-1],
        within=SOON,
        what="the picture",
    )
    assert sent.files[0].content.startswith(PNG)
    assert sent.says("Tokens by the time they have left")


async def test_metrics_answer_on_their_own_port_and_the_heartbeat_beats(tmp_path: Path) -> None:
    beats: list[str] = []

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beats.append((await reader.readline()).decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(heard, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    free = await asyncio.start_server(heard, "127.0.0.1", 0)
    scraped = free.sockets[0].getsockname()[1]
    free.close()
    await free.wait_closed()
    settings = {
        "METRICS_PORT": str(scraped),
        "HEARTBEAT_URL": f"http://127.0.0.1:{port}/ping/secret",
    }
    async with deployment(tmp_path, **settings) as deployed:
        await deployed.start()
        await deployed.cast.operator.command("/enroll-token", "help")
        async with httpx.AsyncClient(trust_env=False) as client:
            text = (await client.get(f"http://127.0.0.1:{scraped}/metrics")).text
            elsewhere = await client.get(f"{deployed.origin}/metrics")
        assert elsewhere.status_code == 404
        for name in (
            "enroll_token_last_tick_age_seconds",
            "enroll_token_outbox_depth 0.0",
            "enroll_token_outbox_repeats 0.0",
            "enroll_token_slack_ack_seconds_count 1.0",
        ):
            assert name in text
        await deployed.slack.wait_for(lambda: beats, within=SOON, what="a heartbeat")
        assert beats == ["GET /ping/secret HTTP/1.1\r\n"]
        assert "secret" not in deployed.log().replace("sandbox-signing-secret", "")
        assert await deployed.stop() == 0
    listener.close()
    await listener.wait_closed()
