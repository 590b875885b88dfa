"""Whenever the process is killed, it goes on where it was; nothing is twice but a marked repeat.

Two tokens live their lives under a process that dies at each named point.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.journeys.kills import killed_at
from tests.journeys.steps import APPLE_ID, approved, ask, register_at_apple, upload
from tests.sandbox.apple.faults import Fault, Reset, held
from tests.sandbox.apple.server import Server
from tests.sandbox.deployment import Deployment, deployment
from tests.sandbox.holding import Hold
from tests.sandbox.slack.conversations import Channel, Message

LISTS = "/server/devices"
NOT_ANSWERED = "connection_failed"
ONCE = ("request.create", "request.prepare", "token.activate")


@pytest.fixture
async def deployed(tmp_path: Path) -> AsyncIterator[Deployment]:
    async with deployment(tmp_path) as running:
        await running.start()
        running.apple.behaviour.full_page = 10
        yield running
        # A delivery to a process that was just killed gets no answer.
        assert not [one for one in running.slack.violations if NOT_ANSWERED not in one]


def at_apple(deployed: Deployment, path: str, where: Reset, *, nth: int = 1) -> Hold:
    fault: Fault
    fault, hold = held(where)
    deployed.apple.faults.next(path, fault, nth=nth)
    return hold


def rows(deployed: Deployment, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(deployed.database)) as plain:
        return plain.execute(query).fetchall()


async def once(deployed: Deployment, channel: Channel, words: str) -> Message:
    """The message that says so: there is one, or each further copy says that it is one."""
    found = await deployed.slack.wait_for(
        lambda: [m for m in channel.messages if m.says(words)], within=30, what=words
    )
    marked = [m for m in found if m.says("Repeat:")]
    assert len(found) <= 1 + len(marked), words
    return found[-1]


async def click(deployed: Deployment, card: Message) -> None:
    assert (await deployed.cast.approver.click("Approve", message=card)).ok


async def settled(deployed: Deployment, server: Server) -> None:
    """The token is in use, with all its devices; it was asked for, decided on and told once."""
    number = len(server.serials)
    await once(deployed, deployed.alerts, f"{server.name} is in use until")
    await once(deployed, deployed.alerts, f"{number} added")
    which = f"WHERE token_id = (SELECT id FROM token WHERE name = '{server.name}')"  # noqa: S608 - our own words
    found = rows(deployed, f"SELECT serial_number FROM device {which} AND removed_at IS NULL")  # noqa: S608 - our own words
    assert {serial for (serial,) in found} == set(server.serials)
    runs = rows(deployed, f"SELECT state, seen, added FROM sync_run {which}")  # noqa: S608 - our own words
    assert runs == [("completed", number, number)]
    decided = f"SELECT state FROM decision WHERE request_id IN (SELECT id FROM request {which})"  # noqa: S608 - our own words
    assert rows(deployed, decided) == [("counted",)]


async def all_is_well(deployed: Deployment, *, approvals: int = 1) -> None:
    """The log of all that happened is whole, and holds no traceback."""
    code, said, _ = await deployed.command_line("audit", "verify")
    assert code == 0, said
    assert "Traceback" not in deployed.log()
    done = rows(deployed, "SELECT action, count(*) FROM audit_entry GROUP BY action")
    assert {action: count for action, count in done if action in ONCE} == dict.fromkeys(ONCE, 1)
    assert ("request.approve", approvals) in done


async def test_each_step_goes_on_where_it_was_when_it_is_killed_before_its_call_is_taken(
    deployed: Deployment,
) -> None:
    slack, name = deployed.slack.faults, "Before"
    approvals, dm = deployed.approvals, deployed.cast.operator.dm

    # While a form is being opened.
    opening = deployed.cast.operator.command("/enroll-token", "create")
    await killed_at(deployed, slack.held("views.open"), opening)
    # Before Slack takes the request's card.
    hold = slack.held("chat.postMessage", channel=approvals.id)
    await killed_at(deployed, hold, ask(deployed, name))
    card = await once(deployed, approvals, f"asks for the token *{name}*")
    # Between Approve's 200 and its decision.
    await killed_at(deployed, slack.held("users.info"), click(deployed, card))
    steps = await once(deployed, dm, f"Your steps for {name}")
    server = register_at_apple(deployed, devices=25, name=name)
    # Before the uploaded file is read.
    file = server.download_token(as_admin=APPLE_ID)
    await killed_at(deployed, slack.held("files.download"), upload(deployed, steps, *file))
    # Before the card shows that the token is in use; a sync runs meanwhile.
    hold = slack.held("chat.update", channel=approvals.id)
    await killed_at(deployed, hold, asyncio.sleep(0))
    await deployed.slack.wait_for(lambda: not card.buttons, what="the card's outcome")
    await settled(deployed, server)
    await all_is_well(deployed)


async def test_each_step_goes_on_where_it_was_when_it_is_killed_behind_its_call(
    deployed: Deployment,
) -> None:
    slack, name = deployed.slack.faults, "Behind"
    approvals, dm = deployed.approvals, deployed.cast.operator.dm

    # Slack took the request's card, and nobody knows.
    hold = slack.held("chat.postMessage", channel=approvals.id, accepted=True)
    await killed_at(deployed, hold, ask(deployed, name))
    card = await once(deployed, approvals, f"asks for the token *{name}*")
    # The certificate is in the direct message, and nobody knows.
    hold = slack.held("files.completeUploadExternal", accepted=True)
    await killed_at(deployed, hold, click(deployed, card))
    steps = await once(deployed, dm, f"Your steps for {name}")
    carrying = [message for message in dm.messages if message.files]
    marked = [message for message in carrying if message.says("Repeat:")]
    assert (len(carrying), len(marked)) == (2, 1)
    assert len({message.files[0].content for message in carrying}) == 1
    server = register_at_apple(deployed, devices=24, name=name)
    file = server.download_token(as_admin=APPLE_ID)
    # Apple has told the account, and nothing is in force yet.
    hold = at_apple(deployed, "/account", Reset.AFTER)
    later = at_apple(deployed, LISTS, Reset.AFTER, nth=2)
    await killed_at(deployed, hold, upload(deployed, steps, *file))
    # Mid-sync: a page was answered and is not stored.
    await killed_at(deployed, later, asyncio.sleep(0))
    await settled(deployed, server)
    await all_is_well(deployed)


async def test_a_deletion_goes_on_where_it_was_and_is_done_once(deployed: Deployment) -> None:
    olivia, slack, name = deployed.cast.operator, deployed.slack, "Late"
    steps = await approved(deployed, name)
    server = register_at_apple(deployed, devices=0, name=name)
    await upload(deployed, steps, *server.download_token(as_admin=APPLE_ID))
    await once(deployed, deployed.alerts, f"{name} is in use until")
    await once(deployed, deployed.alerts, f"*{name}* has")
    await olivia.command("/enroll-token", f"delete {name}")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the delete form")
    olivia.fill("Type the token's name", name)
    olivia.fill("Reason", "The school moves")
    await olivia.submit()
    card = await once(deployed, deployed.approvals, f"asks to delete the token *{name}*")
    # While Apple is asked what is left, right before anything is destroyed.
    hold = at_apple(deployed, LISTS, Reset.BEFORE, nth=2)
    await killed_at(deployed, hold, click(deployed, card))
    # Slack took the news that it is deleted, and nobody knows.
    hold = slack.faults.held("chat.postMessage", channel=deployed.alerts.id, accepted=True)
    await killed_at(deployed, hold, asyncio.sleep(0))
    await once(deployed, deployed.alerts, f"*{name} is deleted.*")
    assert rows(deployed, "SELECT state FROM token") == [("deleted",)]
    assert rows(deployed, "SELECT count(*) FROM key_pair WHERE private_key IS NOT NULL") == [(0,)]
    done = rows(deployed, "SELECT count(*) FROM audit_entry WHERE action = 'token.delete'")
    assert done == [(1,)]
    await all_is_well(deployed, approvals=2)
