"""Files that people uploaded to Slack; implements the port `FileSource`.

The address always comes from a fresh `files.info`, never from what a form brought, and the bot's
token goes to no other origin than the one that is set.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack_errors import LOST, code_of
from services.envelope import MAX_BYTES
from services.errors import UpstreamError
from services.wrong_file import WrongFile, WrongFileReason

DOWNLOAD_SECONDS = 20
SCAN_PAUSES = (0.5, 1, 2, 4)
"""Slack scans an upload before it serves it; seconds between looks."""
OK = 200


class SlackFiles:
    """Reads uploaded files with the bot's token."""

    def __init__(
        self,
        client: AsyncWebClient,
        origin: str,
        *,
        download_seconds: float = DOWNLOAD_SECONDS,
    ) -> None:
        self.client = client
        self.origin = origin
        self.download_seconds = download_seconds

    async def fetch(self, file_id: str) -> bytes:
        """The file's bytes, at most 64 KiB. Raises WrongFile or UpstreamError."""
        url = await self._address(file_id)
        headers = {"Authorization": f"Bearer {self.client.token}"}
        try:
            async with (
                asyncio.timeout(self.download_seconds),
                aiohttp.ClientSession() as session,
                session.get(url, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status != OK:
                    raise _unreadable(f"HTTP {answer.status}")
                if answer.content_type == "text/html":
                    raise _unreadable("a web page in the file's place")
                return await _read(answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreadable(type(error).__name__) from error

    async def _address(self, file_id: str) -> str:
        for pause in (*SCAN_PAUSES, None):
            file = await self._info(file_id)
            if file.get("mode") in {"external", "file_access"} or file.get("is_external"):
                raise WrongFile(WrongFileReason.NOT_A_SERVER_TOKEN, "not stored at Slack")
            url = str(file.get("url_private_download") or "")
            if url:
                return self._checked(url)
            if pause is not None:
                await asyncio.sleep(pause)
        raise _unreadable("it is still being scanned")

    async def _info(self, file_id: str) -> Mapping[str, Any]:
        try:
            answer = await self.client.files_info(file=file_id)
        except SlackApiError as error:
            if code_of(error) == "file_not_found":
                return {}
            raise _unreadable(code_of(error)) from error
        except LOST as error:
            raise _unreadable(type(error).__name__) from error
        file: Mapping[str, Any] = answer["file"]
        return file

    def _checked(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.username or f"{parts.scheme}://{parts.netloc}" != self.origin:
            raise _unreadable("its address is not at Slack's file host")
        return url


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise WrongFile(WrongFileReason.TOO_LARGE)
    return bytes(body)


def _unreadable(why: str) -> UpstreamError:
    return UpstreamError(
        f"file: {why}",
        system="Slack",
        retryable=True,
        user_message="Slack did not give us the file, so nothing was changed. Upload it again; if "
        "that does not help, ask your admin to run `enroll-token check`.",
    )
