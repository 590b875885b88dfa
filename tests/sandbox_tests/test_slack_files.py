"""Files come and go in the stand-in as they do at Slack."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.slack.filling import uploaded
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.stored_files import Body, StoredFile
from tests.sandbox.slack.workspace import Workspace

pytestmark = pytest.mark.timeout(20)


@contextlib.asynccontextmanager
async def serving(
    *scopes: str,
) -> AsyncIterator[tuple[Workspace, AsyncWebClient, Person]]:
    slack = Workspace(
        scopes=scopes or ("files:read", "files:write", "chat:write", "im:write"),
        signing_secret="invented",
        bot_token="xoxb-invented",
    )
    alice = slack.add_person("Alice Admin")
    async with slack.serve() as origin:
        yield slack, AsyncWebClient("xoxb-invented", base_url=f"{origin}/api/"), alice


async def download(file: StoredFile, token: str) -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {token}"}
    url = file.to_file()["url_private_download"]
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        return response.status, response.content_type, await response.content.read(65536)


async def error_of(client: AsyncWebClient, method: str, **arguments: str) -> str:
    with pytest.raises(SlackApiError) as failed:
        await client.api_call(method, http_verb="POST", params=arguments)
    return str(failed.value.response["error"])


async def test_an_upload_takes_two_steps_and_lands_in_a_direct_message() -> None:
    async with serving() as (slack, client, alice):
        answer = await client.files_upload_v2(
            filename="hq.pem", content="-----BEGIN", channel=slack.dm(alice).id, title="Key"
        )
        (message,) = slack.dm(alice).messages
        assert [file.name for file in message.files] == ["hq.pem"]
        assert message.files[0].content == b"-----BEGIN"
        assert answer["files"][0]["id"] == message.files[0].id
        assert (await download(message.files[0], slack.bot_token))[2] == b"-----BEGIN"
        assert not slack.violations


async def test_files_are_shared_only_where_the_app_is() -> None:
    async with serving() as (slack, client, _alice):
        away = slack.add_channel("away", bot_is_member=False)
        with pytest.raises(SlackApiError, match="not_in_channel"):
            await client.files_upload_v2(filename="a.csv", content="a", channel=away.id)


async def test_an_upload_of_another_length_than_announced_is_refused() -> None:
    async with serving() as (slack, client, _alice):
        ticket = await client.files_getUploadURLExternal(filename="a.csv", length=3)
        async with (
            aiohttp.ClientSession() as session,
            session.post(ticket["upload_url"], data=b"four") as response,
        ):
            assert response.status == 400
        files = '[{"id": "' + ticket["file_id"] + '"}]'
        unfinished = await error_of(client, "files.completeUploadExternal", files=files)
        assert unfinished == "file_not_found"
        assert len(slack.violations) == 1


async def test_a_download_without_the_scope_is_a_login_page_with_status_200() -> None:
    async with serving("chat:write") as (slack, _client, alice):
        file = uploaded(slack, alice.id, ("t.p7m", b"bytes"))
        status, kind, body = await download(file, slack.bot_token)
        assert (status, kind) == (200, "text/html")
        assert body.startswith(b"<!DOCTYPE html>")


async def test_a_download_needs_a_known_token() -> None:
    async with serving() as (slack, _client, alice):
        file = uploaded(slack, alice.id, ("t.p7m", b"bytes"))
        assert (await download(file, "xoxb-other"))[1] == "text/html"
        assert await download(file, slack.bot_token) == (
            200,
            "application/octet-stream",
            b"bytes",
        )


@pytest.mark.parametrize("hides", [True, False])
async def test_a_file_is_not_served_before_its_scan_is_over(*, hides: bool) -> None:
    async with serving() as (slack, client, alice):
        slack.files.scan_seconds = 0.2
        slack.files.scan_hides_file = hides
        file = uploaded(slack, alice.id, ("t.p7m", b"bytes"))
        if hides:
            assert await error_of(client, "files.info", file=file.id) == "file_not_found"
        else:
            assert "url_private" not in (await client.files_info(file=file.id))["file"]
        await asyncio.sleep(0.25)
        assert "url_private_download" in (await client.files_info(file=file.id))["file"]


async def test_the_app_deletes_its_own_files_and_nobody_elses() -> None:
    async with serving() as (slack, client, alice):
        theirs = uploaded(slack, alice.id, ("t.p7m", b"bytes"))
        assert await error_of(client, "files.delete", file=theirs.id) == "cant_delete_file"
        own = await client.files_upload_v2(filename="a.csv", content="a")
        await client.files_delete(file=own["files"][0]["id"])
        gone = await error_of(client, "files.info", file=own["files"][0]["id"])
        assert gone == "file_deleted"
        assert not slack.violations


async def test_downloads_go_wrong_as_they_are_told_to() -> None:
    async with serving() as (slack, _client, alice):

        async def body_of(body: Body) -> tuple[int, str, bytes]:
            file = uploaded(slack, alice.id, ("t.p7m", b"bytes"), body=body, location="http://x/")
            return await download(file, slack.bot_token)

        assert (await body_of(Body.HTML))[1] == "text/html"
        assert (await body_of(Body.EMPTY))[2] == b""
        assert (await body_of(Body.REDIRECT))[0] == 302
        assert len((await body_of(Body.ENDLESS))[2]) > 0


async def test_the_stand_in_stops_at_once_while_a_file_never_ends() -> None:
    async with aiohttp.ClientSession() as session:
        async with serving() as (slack, _client, alice):
            file = uploaded(slack, alice.id, ("t.p7m", b"bytes"), body=Body.ENDLESS)
            headers = {"Authorization": f"Bearer {slack.bot_token}"}
            url = file.to_file()["url_private_download"]
            response = await session.get(url, headers=headers)
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 1
        response.close()


async def test_the_app_sees_no_file_of_a_channel_it_is_not_in() -> None:
    async with serving() as (slack, client, alice):
        away = slack.add_channel("away", members=[alice], bot_is_member=False)
        file = uploaded(slack, alice.id, ("t.p7m", b"bytes"))
        file.for_app = False
        file.channels.add(away.id)
        assert await error_of(client, "files.info", file=file.id) == "file_not_found"
        assert (await download(file, slack.bot_token))[1] == "text/html"
