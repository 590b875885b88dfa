"""An uploaded file is read from Slack's own host, up to a cap, and anything else is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.files import SlackFiles
from services.envelope import MAX_BYTES
from services.errors import UpstreamError
from services.wrong_file import WrongFile, WrongFileReason
from tests.sandbox.serving import serve
from tests.sandbox.slack.filling import uploaded
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.stored_files import Body, StoredFile
from tests.sandbox.slack.workspace import Workspace

CONTENT = b"Content-Type: application/pkcs7-mime\r\n\r\nMIAG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A workspace in which Olivia uploads files."""

    slack: Workspace
    files: SlackFiles
    olivia: Person

    def uploaded(self, content: bytes = CONTENT, *, body: Body = Body.CONTENT) -> StoredFile:
        return uploaded(self.slack, self.olivia.id, ("token.p7m", content), body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Another host, which notes the headers of whoever comes."""

    visits: list[dict[str, str]] = field(default_factory=list)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        async with serve(Starlette(routes=[Route("/{path:path}", self._answer)])) as origin:
            yield origin

    async def _answer(self, request: Request) -> Response:
        self.visits.append(dict(request.headers))
        return PlainTextResponse("taken")


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    slack = Workspace(scopes=["files:read"], signing_secret="invented", bot_token="xoxb-invented")
    async with slack.serve() as origin:
        client = AsyncWebClient("xoxb-invented", base_url=f"{origin}/api/", retry_handlers=[])
        yield Place(
            slack=slack, files=SlackFiles(client, origin), olivia=slack.add_person("Olivia")
        )
        assert not slack.violations


async def test_a_file_is_read_as_it_was_uploaded(place: Place) -> None:
    for content in (CONTENT, b"\x00" * MAX_BYTES):
        assert await place.files.fetch(place.uploaded(content).id) == content


async def test_a_file_without_bytes_is_empty_and_not_an_error(place: Place) -> None:
    assert await place.files.fetch(place.uploaded(body=Body.EMPTY).id) == b""


@pytest.mark.timeout(5)
@pytest.mark.parametrize("body", [Body.CONTENT, Body.ENDLESS])
async def test_no_more_than_the_cap_is_read(place: Place, body: Body) -> None:
    file = place.uploaded(b"A" * (MAX_BYTES + 1), body=body)
    with pytest.raises(WrongFile) as caught:
        await place.files.fetch(file.id)
    assert caught.value.reason is WrongFileReason.TOO_LARGE


async def test_the_sign_in_page_of_a_lost_scope_is_not_taken_for_the_file(place: Place) -> None:
    file = place.uploaded()
    answer = await place.files.client.files_info(file=file.id)
    assert answer["file"]["id"] == file.id
    place.slack.faults.error("files.info", "missing_scope")
    await is_unreadable(place, file, "missing_scope")
    file.for_app = False
    file.body = Body.HTML
    file.channels.add(place.slack.add_channel("it").id)
    await is_unreadable(place, file, "web page")


async def test_a_revoked_token_is_told(place: Place) -> None:
    file = place.uploaded()
    place.slack.token.error = "token_revoked"
    await is_unreadable(place, file, "token_revoked")


async def test_a_redirect_is_not_followed_and_the_token_stays_here(place: Place) -> None:
    elsewhere = Elsewhere()
    async with elsewhere.serve() as origin:
        file = place.uploaded(body=Body.REDIRECT)
        file.location = f"{origin}/steal"
        await is_unreadable(place, file, "HTTP 302")
    assert elsewhere.visits == []


async def test_an_address_at_another_host_is_not_asked(place: Place) -> None:
    elsewhere = Elsewhere()
    async with elsewhere.serve() as origin:
        for told in (origin, origin.replace("http://", "https://"), "//evil.example", ""):
            file = place.uploaded()
            file.origin = told
            await is_unreadable(place, file, "not at Slack's file host")
    assert elsewhere.visits == []


async def test_slacks_host_as_a_user_name_is_not_slacks_host(place: Place) -> None:
    file = place.uploaded()
    file.origin = f"{place.files.origin}@evil.example"
    await is_unreadable(place, file, "not at Slack's file host")


@pytest.mark.parametrize("mode", ["external", "file_access"])
async def test_a_file_that_is_not_stored_at_slack_is_no_server_token(
    place: Place, mode: str
) -> None:
    file = place.uploaded()
    file.mode = mode
    with pytest.raises(WrongFile) as caught:
        await place.files.fetch(file.id)
    assert caught.value.reason is WrongFileReason.NOT_A_SERVER_TOKEN


@pytest.mark.parametrize("hides", [True, False])
async def test_a_scan_is_waited_for(place: Place, *, hides: bool) -> None:
    place.slack.files.scan_seconds = 0.3
    place.slack.files.scan_hides_file = hides
    assert await place.files.fetch(place.uploaded().id) == CONTENT
    assert len(place.slack.calls("files.info")) == 2


async def test_a_file_that_slack_does_not_find_is_looked_for_with_growing_pauses(
    place: Place,
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await place.files.fetch("F0NOWHERE")
    assert len(place.slack.calls("files.info")) == 3


async def test_a_deleted_file_is_told_at_once(place: Place) -> None:
    file = place.uploaded()
    place.olivia.delete(file)
    await is_unreadable(place, file, "file_deleted")
    assert len(place.slack.calls("files.info")) == 1


async def test_a_broken_connection_is_slacks_silence_and_no_fault_of_ours(place: Place) -> None:
    place.slack.faults.reset("files.info", times=None)
    await is_unreadable(place, place.uploaded(), "file: ")


async def test_an_answer_that_is_no_json_is_slacks_silence(place: Place) -> None:
    for status in (500, 503):
        place.slack.faults.status("files.info", status)
        await is_unreadable(place, place.uploaded(), "file: ")


async def test_too_many_calls_is_slacks_silence(place: Place) -> None:
    place.slack.faults.rate_limit("files.info", retry_after=30)
    await is_unreadable(place, place.uploaded(), "ratelimited")


async def is_unreadable(place: Place, file: StoredFile, why: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        await place.files.fetch(file.id)
    assert why in str(caught.value)
    assert (caught.value.system, caught.value.retryable) == ("Slack", True)
    assert "xoxb-" not in f"{caught.value} {caught.value.user_message}"
