"""The history from Slack: opened, paged, filtered, and sent as a file."""

import csv
import io
import sqlite3
from contextlib import closing

import pytest

from bot.views.history import OLDER
from tests.journeys.steps import approved, ask
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.stored_files import StoredFile
from tests.sandbox.slack.views import View

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORMULA = "=HYPERLINK(1) iPads"
PLACED = "SELECT count(*) FROM outbox WHERE kind = 'history_export'"


async def opened(shared: Deployment, person: Person, text: str = "", says: str = "") -> View:
    """The history, once it shows what it should."""
    answer = await person.command("/enroll-token", f"history {text}".strip())
    assert answer.ok
    return await showing(shared, person, says or "newest first")


async def showing(shared: Deployment, person: Person, words: str, *, without: str = "") -> View:
    """The open modal, once it says these words and not those."""

    def now() -> View | None:
        view = person.view
        if view is None or not view.says(words) or (without and view.says(without)):
            return None
        return view

    return await shared.slack.wait_for(now, what=f"a view that says {words!r}")


def told(view: View) -> list[str]:
    """The sentences of the entries, without their times."""
    return [text.partition("): ")[2] for text in view.texts() if "): " in text]


def buttons(view: View) -> list[str]:
    return [button.text for button in view.buttons]


def files(person: Person) -> list[StoredFile]:
    return [file for message in person.dm.messages for file in message.files]


async def exported(shared: Deployment, person: Person, count: int) -> list[dict[str, str]]:
    """The rows of the newest file, once there are that many files."""
    found = await shared.slack.wait_for(
        lambda: files(person) if len(files(person)) == count else None, what="the file"
    )
    return list(csv.DictReader(io.StringIO(found[-1].content.decode(), newline="")))


async def test_the_history_is_read_page_by_page_filtered_and_taken_away(
    shared: Deployment,
) -> None:
    olivia, amir, bea = shared.cast.operator, shared.cast.approver, shared.cast.second_approver
    for name in ("HQ iPads", "Branch", FORMULA):
        await approved(shared, name)
    for name in ("North", "South"):
        await ask(shared, name)

    view = await opened(shared, bea)
    newest = told(view)
    assert newest[0] == f"<@{olivia.id}> made a request for South"
    assert newest[2] == f"this bot prepared the steps of the request for {FORMULA}"
    assert newest[3] == f"<@{amir.id}> approved the request for {FORMULA}"
    assert len(newest) == 10
    assert view.says("state: pending → approved")
    assert buttons(view) == ["Older", "CSV as a file"]

    await bea.click("Older")
    view = await showing(shared, bea, "made a request for HQ iPads", without="South")
    assert told(view) == [f"<@{olivia.id}> made a request for HQ iPads"]
    await bea.click("Newer")
    view = await showing(shared, bea, "South")
    assert told(view) == newest

    await bea.change("Everybody", amir.name)
    view = await showing(shared, bea, "approved the request", without="made a request")
    assert len(told(view)) == 3
    await bea.change("What was done", "Declined")
    view = await showing(shared, bea, "No entry fits these filters")
    assert "CSV as a file" not in buttons(view)
    await bea.change("What was done", "Approved")
    await showing(shared, bea, "approved the request")
    await bea.click("CSV as a file")
    view = await showing(shared, bea, "The file is on its way in your direct messages")
    assert len(told(view)) == 3

    rows = await exported(shared, bea, 1)
    assert {(row["actor"], row["action"]) for row in rows} == {(amir.id, "request.approve")}
    assert [row["token"] for row in rows] == [f"'{FORMULA}", "Branch", "HQ iPads"]
    assert files(bea)[0].name == "history.csv"
    assert bea.dm.messages[-1].says("3 entries")

    await bea.change("What was done", "Everything")
    await showing(shared, bea, "approved the request", without="on its way")
    await bea.click("Everybody")
    view = await showing(shared, bea, "South")
    assert told(view) == newest


async def test_the_history_of_one_token_holds_that_token_alone(shared: Deployment) -> None:
    await approved(shared, "Alone")
    adele = shared.cast.admin
    view = await opened(shared, adele, "“alone”", "*Alone*, newest first")
    assert len(told(view)) == 3
    assert all(sentence.endswith(" Alone") for sentence in told(view))
    await adele.click("CSV as a file")
    rows = await exported(shared, adele, 1)
    assert {row["token"] for row in rows} == {"Alone"}
    assert files(adele)[0].name == "history-Alone.csv"


async def test_without_a_role_there_is_a_refusal_and_no_entry(shared: Deployment) -> None:
    boris, gina = shared.cast.bystander, shared.cast.guest
    view = await opened(shared, boris, says="You have no role")
    assert not view.buttons
    await opened(shared, gina, says="Guests")


async def test_an_unknown_token_is_named(shared: Deployment) -> None:
    await opened(shared, shared.cast.operator, "nowhere", "“nowhere”")


async def test_a_forged_position_gets_a_sentence(shared: Deployment) -> None:
    olivia = shared.cast.operator
    await opened(shared, olivia)
    forged = {"type": "button", "action_id": OLDER, "block_id": "pages", "value": "before=x"}
    assert (await olivia.click(forged)).ok
    await showing(shared, olivia, "belongs to an older release")


async def test_a_file_that_was_asked_for_survives_a_kill(shared: Deployment) -> None:
    await ask(shared, "Survivor")
    amir = shared.cast.approver
    await opened(shared, amir, "Survivor", "*Survivor*, newest first")
    # The upload is slow, so the row is kept but the file not sent when the kill comes.
    shared.slack.faults.delay("conversations.open", 2.0, times=1)
    assert (await amir.click("CSV as a file")).ok
    await shared.kill()
    with closing(sqlite3.connect(shared.database)) as database:
        assert database.execute(PLACED).fetchone()[0] >= 1
    with closing(sqlite3.connect(shared.database)) as database:
        # The dead worker's lease lasts a minute; the test does not.
        database.execute("UPDATE outbox SET lease_until = '2020-01-01 00:00:00.000000'")
        database.commit()
    await shared.start()
    rows = await exported(shared, amir, 1)
    assert [row["token"] for row in rows] == ["Survivor"]
