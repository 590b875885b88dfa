"""The file host: takes the bytes of uploads and gives files to those who may have them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import PurePath

from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from tests.sandbox.slack.file_methods import visible
from tests.sandbox.slack.stored_files import Body, StoredFile
from tests.sandbox.slack.team import Team
from tests.sandbox.slack.trouble import troubled

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in</body></html>"
FILE_PAGE = "<!DOCTYPE html><html><head><title>File</title></head><body>A page</body></html>"


DOWNLOAD, UPLOAD = "files.download", "files.upload"
"""What faults call what the host does; they are no methods of the API."""


class FileHost:
    """Serves `/files-pri/…` and takes `/upload/v1/…`."""

    def __init__(self, team: Team) -> None:
        self._team = team

    async def download(self, request: Request) -> Response:
        """Give a file's bytes, or a login page with status 200 to anybody else."""
        fault = self._team.faults.take(DOWNLOAD, None)
        answer = self._download(request)
        return answer if fault is None else (await troubled(request, fault, answer))[0]

    def _download(self, request: Request) -> Response:
        place, name = request.path_params["place"], request.path_params["name"]
        file = self._team.files.by_id.get(place.removeprefix(f"{self._team.team_id}-"))
        if file is None or file.deleted or not file.scanned or name != file.name:
            return PlainTextResponse("not found", 404)
        if not self._may_read(request, file):
            return HTMLResponse(LOGIN_PAGE, headers={"x-slack-meta": "acl_fail"})
        return _body_of(file)

    async def upload(self, request: Request) -> Response:
        """Take the bytes of an upload that was announced, of the length that was announced."""
        fault = self._team.faults.take(UPLOAD, None)
        if fault is None:
            return await self._upload(request)
        refused = PlainTextResponse("no", 500)
        answer = await self._upload(request) if fault.accepted else refused
        return (await troubled(request, fault, answer))[0]

    async def _upload(self, request: Request) -> Response:
        ticket = self._team.files.tickets.get(request.path_params["ticket"])
        if ticket is None or ticket.arrived:
            return PlainTextResponse("no such upload", 404)
        content = await _content_of(request)
        if len(content) != ticket.length:
            self._team.violate(f"upload: {len(content)} bytes came, {ticket.length} announced")
            return PlainTextResponse("wrong length", 400)
        ticket.file.content, ticket.arrived = content, True
        return PlainTextResponse(f"OK - {len(content)}")

    def _may_read(self, request: Request, file: StoredFile) -> bool:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        token = self._team.tokens.get(value)
        if kind != "Bearer" or token is None or token.error is not None:
            return False
        return "files:read" in token.scopes and visible(self._team, file)


async def _content_of(request: Request) -> bytes:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form() as form:
        parts = [part for part in form.values() if not isinstance(part, str)]
        return await parts[0].read() if parts else b""


def _body_of(file: StoredFile) -> Response:
    if file.body is Body.HTML:
        return HTMLResponse(FILE_PAGE)
    if file.body is Body.ENDLESS:
        return StreamingResponse(_endless(), media_type="application/octet-stream")
    if file.body is Body.REDIRECT:
        return RedirectResponse(file.location, 302)
    content = b"" if file.body is Body.EMPTY else file.content
    suffix = PurePath(file.name).suffix.lower()
    kind = "text/plain" if suffix in (".txt", ".csv", ".pem") else "application/octet-stream"
    return Response(content, media_type=kind)


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"A" * 8192
        await asyncio.sleep(0.001)
