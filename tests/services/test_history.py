"""Claims about the history: who may see it, which entries a page holds, what an export asks for."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.audit import AuditLog, Deed
from services.errors import NotAllowed, NotFound, UpstreamError
from services.history import CHUNK, NEWEST, PAGE, History, HistoryPage, chunks, wanted_of
from storage.audit import Wanted
from storage.database import Database
from storage.states import NoticeKind, TokenState
from tests.services.office import KEYS, Office
from tests.services.ports import ADMIN, APPROVER, OPERATOR, STRANGER, MovedClock
from tests.storage import facts

ALL = Wanted()


@pytest.fixture
def history(office: Office) -> History:
    return History(database=office.database, people=office.outside.people, notices=office.notices)


async def write(database: Database, number: int, **deed: str) -> None:
    """That many entries, alike."""
    plain = Deed(
        actor=OPERATOR,
        action="request.create",
        subject="request:1",
        token_id=None,
        origin="view:V1",
    )
    log = AuditLog(KEYS, MovedClock())
    async with database.write() as tx:
        for _ in range(number):
            await log.append(tx, replace(plain, **deed))  # type: ignore[arg-type]  # its texts


def numbers(page: HistoryPage) -> Sequence[int]:
    return [entry.number for entry in page.entries]


@pytest.mark.parametrize("person", [OPERATOR, APPROVER, ADMIN])
async def test_every_role_may_look(history: History, office: Office, person: str) -> None:
    await write(office.database, 1)
    assert numbers(await history.open(person, "")) == [1]


async def test_somebody_without_a_role_sees_nothing_at_any_step(
    history: History, office: Office
) -> None:
    await write(office.database, 1)
    with pytest.raises(NotAllowed):
        await history.open(STRANGER, "")
    with pytest.raises(NotAllowed):
        await history.page(STRANGER, ALL, NEWEST)
    with pytest.raises(NotAllowed):
        await history.export(STRANGER, ALL, "click")
    assert not await office.outbox()


async def test_a_role_that_cannot_be_looked_up_refuses(history: History, office: Office) -> None:
    office.outside.people.silent = True
    with pytest.raises(UpstreamError):
        await history.page(OPERATOR, ALL, NEWEST)


async def test_an_empty_log_is_one_page_without_neighbours(history: History) -> None:
    page = await history.open(OPERATOR, "")
    assert (page.entries, page.newer, page.older) == ([], None, None)


@pytest.mark.parametrize("count", [1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 3])
async def test_going_older_shows_each_entry_once_and_newer_leads_back(
    history: History, office: Office, count: int
) -> None:
    await write(office.database, count)
    pages = [await history.open(OPERATOR, "")]
    while (older := pages[-1].older) is not None:
        pages.append(await history.page(OPERATOR, ALL, older))
    assert [one for page in pages for one in numbers(page)] == list(range(count, 0, -1))
    back = pages[-1]
    for page in reversed(pages[:-1]):
        assert back.newer is not None
        back = await history.page(OPERATOR, ALL, back.newer)
        assert numbers(back) == numbers(page)
    assert pages[0].newer is None


async def test_entries_that_came_meanwhile_are_on_newer_pages(
    history: History, office: Office
) -> None:
    await write(office.database, PAGE + 1)
    older = (await history.open(OPERATOR, "")).older
    assert older is not None
    await write(office.database, 3)
    page = await history.page(OPERATOR, ALL, older)
    assert numbers(page) == [1]
    assert page.newer == PAGE + 2
    between = await history.page(OPERATOR, ALL, page.newer)
    assert numbers(between)[0] == PAGE + 1
    assert between.newer == NEWEST


async def test_filters_hold_together_and_on_each_page(history: History, office: Office) -> None:
    for _ in range(PAGE + 1):
        await write(office.database, 1, actor=OPERATOR, action="request.create")
        await write(office.database, 1, actor=APPROVER, action="request.approve")
        await write(office.database, 1, actor=APPROVER, action="request.decline")
    wanted = Wanted(actor=APPROVER, action="request.approve")
    first = await history.page(OPERATOR, wanted, NEWEST)
    assert first.older is not None
    last = await history.page(OPERATOR, wanted, first.older)
    shown = [*first.entries, *last.entries]
    assert len(shown) == PAGE + 1
    assert {(one.actor, one.action) for one in shown} == {(APPROVER, "request.approve")}
    assert numbers(await history.page(OPERATOR, wanted, last.newer or NEWEST)) == numbers(first)


async def test_the_history_of_a_token_holds_only_its_entries_and_its_name(
    history: History, office: Office
) -> None:
    request = await office.ask("HQ iPads")
    await office.ask("Branch")
    page = await history.open(OPERATOR, "  “hq ipads” ")
    assert [one.token_id for one in page.entries] == [request.token_id]
    assert page.names == {request.token_id: "HQ iPads"}
    assert page.wanted == Wanted(token_id=request.token_id)


async def test_a_token_that_is_gone_still_has_its_history(history: History, office: Office) -> None:
    gone = facts.token(id="g" * 32, name="Old", state=TokenState.DELETED)
    async with office.database.write() as tx:
        await tx.tokens.add(gone)
    await write(office.database, 1, token_id=gone.id)
    page = await history.open(OPERATOR, "old")
    assert (numbers(page), page.names) == ([1], {gone.id: "Old"})


async def test_of_two_tokens_of_one_name_the_living_one_is_shown(
    history: History, office: Office
) -> None:
    async with office.database.write() as tx:
        await tx.tokens.add(facts.token(id="g" * 32, name="HQ", state=TokenState.CANCELLED))
    request = await office.ask("HQ")
    page = await history.open(OPERATOR, "HQ")
    assert page.token is not None
    assert page.token.id == request.token_id


async def test_an_unknown_name_or_id_is_refused_in_a_sentence(history: History) -> None:
    with pytest.raises(NotFound) as by_name:
        await history.open(OPERATOR, "nowhere")
    assert "nowhere" in by_name.value.user_message
    with pytest.raises(NotFound) as by_id:
        await history.page(OPERATOR, Wanted(token_id="x" * 32), NEWEST)
    assert "/enroll-token history" in by_id.value.user_message
    with pytest.raises(NotFound):
        await history.export(OPERATOR, Wanted(token_id="x" * 32), "click")


async def test_a_position_beyond_the_log_is_an_empty_page_or_the_newest(
    history: History, office: Office
) -> None:
    await write(office.database, 3)
    assert numbers(await history.page(OPERATOR, ALL, 10**18 - 1)) == [3, 2, 1]
    beyond = await history.page(OPERATOR, ALL, 1)
    assert (beyond.entries, beyond.newer) == ([], NEWEST)


async def test_an_export_is_one_row_that_holds_its_filter(history: History, office: Office) -> None:
    request = await office.ask()
    wanted = Wanted(token_id=request.token_id, action="request.create")
    await history.export(OPERATOR, wanted, "click-1")
    await history.export(OPERATOR, wanted, "click-1")
    (item,) = await office.outbox(NoticeKind.HISTORY_EXPORT)
    assert item.destination == OPERATOR
    assert wanted_of(item) == wanted
    await history.export(OPERATOR, ALL, "click-2")
    assert wanted_of((await office.outbox(NoticeKind.HISTORY_EXPORT))[1]) == ALL


async def test_chunks_hold_every_wanted_entry_once_up_to_the_limit(office: Office) -> None:
    await write(office.database, CHUNK + 7)
    await write(office.database, 2, actor=APPROVER)
    found = [chunk async for chunk in chunks(office.database, Wanted(actor=OPERATOR))]
    assert [len(chunk.entries) for chunk in found] == [CHUNK, 7]
    whole = [one.number for chunk in found for one in chunk.entries]
    assert whole == list(range(CHUNK + 7, 0, -1))
    few = [chunk async for chunk in chunks(office.database, ALL, 3)]
    newest = [CHUNK + 9, CHUNK + 8, CHUNK + 7]
    assert [one.number for chunk in few for one in chunk.entries] == newest
