"""Claims about *Check the file first*: whose a file is, told before it is uploaded by hand."""

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from storage.records import Upload
from storage.states import Evidence, NoticeKind, RequestState, UploadState
from tests.sandbox.apple.keypairs import key_pair
from tests.services.intune_office import DAY, IntuneOffice, intune_office
from tests.services.office import Outside


@pytest.fixture
async def guided(database: Database, outside: Outside) -> AsyncIterator[IntuneOffice]:
    async with intune_office(database, outside, Evidence.THEIR_WORD) as office:
        yield office


def right(upload: Upload) -> str:
    assert (upload.state, upload.content, upload.data_key) == (UploadState.CHECKED, None, None)
    return upload.answer or ""


def wrong(upload: Upload) -> str:
    assert (upload.state, upload.content, upload.data_key) == (UploadState.REFUSED, None, None)
    return upload.answer or ""


async def test_the_file_of_a_renewal_is_told_to_be_the_right_one(guided: IntuneOffice) -> None:
    token, entry = await guided.activated()
    renewal = await guided.under_way(token)
    before = await guided.stories(renewal)
    assert "It is the right file" in right(await guided.look(renewal, guided.newer_file(entry)))
    assert (await guided.request(renewal.id)).state is RequestState.AWAITING_UPLOAD
    assert await guided.stories(renewal) == before
    kinds = [one.kind for one in (await guided.outbox())[-2:]]
    assert kinds == [NoticeKind.UPLOAD_CHECKED, NoticeKind.FILE_CLEANUP]


async def test_a_file_of_another_token_is_named(guided: IntuneOffice) -> None:
    token, _ = await guided.activated()
    _, other = await guided.activated("Library iPads")
    renewal = await guided.under_way(token)
    answer = wrong(await guided.look(renewal, guided.newer_file(other)))
    assert "“Library iPads”" in answer
    assert (await guided.request(renewal.id)).state is RequestState.AWAITING_UPLOAD


async def test_a_foreign_file_is_told_and_is_no_incident_yet(guided: IntuneOffice) -> None:
    token, _ = await guided.activated()
    renewal = await guided.under_way(token)
    server = guided.at_apple(key_pair("Somebody else's").certificate_pem)
    assert "neither Intune's nor ours" in wrong(
        await guided.look(renewal, server.download_token().content)
    )
    assert await guided.outbox(NoticeKind.INCIDENT) == []


async def test_for_a_new_token_a_file_for_no_token_of_intunes_is_as_it_should_be(
    guided: IntuneOffice,
) -> None:
    request = await guided.awaited()
    tab = guided.microsoft.tenant.portal.open_create()
    file = guided.at_apple(tab.certificate_pem).download_token().content
    assert "as it should be for a new one" in right(await guided.look(request, file))
    _, other = await guided.activated("Library iPads")
    assert "“Library iPads”" in wrong(await guided.look(request, guided.newer_file(other)))


async def test_what_is_no_server_token_is_told(guided: IntuneOffice) -> None:
    request = await guided.awaited()
    assert "web page" in wrong(await guided.look(request, b"<html>"))


async def test_a_check_is_no_evidence(guided: IntuneOffice) -> None:
    token, entry = await guided.activated()
    renewal = await guided.under_way(token)
    await guided.look(renewal, guided.newer_file(entry))
    guided.clock.pass_time(15 * DAY)
    await guided.life.sweep()
    assert (await guided.request(renewal.id)).state is RequestState.EXPIRED
