"""HTTP towards Apple's device-enrollment service: one connection for each set of credentials.

A session is opened by a signed `GET /session` and carried in `X-ADM-Auth-Session`; any answer may
bring a new one, which is adopted. A session that is over is renewed once a call, never in a loop.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeVar

import httpx
import msgspec

from services.apple.bodies import Plain, Unpacked
from services.apple.errors import AppleError, Trouble, read_refusal, trouble_of
from services.apple.messages import (
    Account,
    AppleDevice,
    DeviceAnswers,
    DeviceDetails,
    FetchedPage,
    Session,
)
from services.apple.oauth import OAuthValues, authorization
from services.retry_after import seconds_asked

SESSION = "X-ADM-Auth-Session"
PROTOCOL = "10"
PAGE_LIMIT = 1000
FETCH_LIMIT = 500
"""Devices in a page of a list. Apple would give twice as many, but a form that is submitted
meanwhile waits until a page is stored."""
CALL_SECONDS = 30
JSON = "application/json;charset=UTF8"
OK = 200

Answer = TypeVar("Answer")


class _Counted(httpx.AsyncHTTPTransport):
    """Tells how each call ended: its status, or that there was no answer."""

    def __init__(self, count: Callable[[str], None]) -> None:
        super().__init__(trust_env=False)
        self.count = count

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await super().handle_async_request(request)
        except BaseException:
            self.count("no_answer")
            raise
        self.count(str(answer.status_code))
        return answer


def apple_http(origin: str, count: Callable[[str], None] | None = None) -> httpx.AsyncClient:
    """The HTTP client for Apple: our own User-Agent, which Apple judges, and no redirects."""
    return httpx.AsyncClient(
        transport=_Counted(count) if count else None,
        base_url=origin,
        headers={
            "User-Agent": f"enroll-token/{version('enroll-token')}",
            "Accept": JSON,
            # The one coding that we can open in bounded steps.
            "Accept-Encoding": "gzip",
            "Content-Type": JSON,
            "X-Server-Protocol-Version": PROTOCOL,
        },
        timeout=httpx.Timeout(CALL_SECONDS / 2),
        follow_redirects=False,
        trust_env=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    method: str
    path: str
    body: bytes | None = None


class AppleConnection:
    """Calls signed with one token's credentials."""

    def __init__(self, http: httpx.AsyncClient, values: OAuthValues) -> None:
        self.http = http
        self._values = values
        self._session: str | None = None
        self._opening = asyncio.Lock()

    async def account(self) -> Account:
        """What the token belongs to. Raises AppleError."""
        return await self._ask(_Call(method="GET", path="/account"), Account)

    async def fetch(self, cursor: str | None) -> FetchedPage:
        """The next page of up to 1,000 of the server's devices; without a cursor, the first."""
        return await self._page("/server/devices", cursor)

    async def changes(self, cursor: str | None) -> FetchedPage:
        """The next page of up to 1,000 changes since the cursor."""
        return await self._page("/devices/sync", cursor)

    async def devices(self, serial_numbers: list[str]) -> dict[str, AppleDevice]:
        """Up to 1,000 devices by serial number, each with its response_status."""
        body = msgspec.json.encode({"devices": serial_numbers})
        call = _Call(method="POST", path="/devices", body=body)
        return (await self._ask(call, DeviceDetails)).devices

    async def _page(self, path: str, cursor: str | None) -> FetchedPage:
        body: dict[str, object] = {"limit": FETCH_LIMIT}
        if cursor is not None:
            body["cursor"] = cursor
        call = _Call(method="POST", path=path, body=msgspec.json.encode(body))
        return await self._ask(call, FetchedPage)

    async def unassign(self, serial_numbers: list[str]) -> None:
        """Take the profiles off up to 1,000 devices; one that is not ours any more has none."""
        body = msgspec.json.encode({"devices": serial_numbers})
        call = _Call(method="DELETE", path="/profile/devices", body=body)
        answers = (await self._ask(call, DeviceAnswers)).devices
        if any(said in {"FAILED", "THROTTLED"} for said in answers.values()):
            raise AppleError(Trouble.THROTTLED, "/profile/devices: some devices FAILED")

    async def _ask(self, call: _Call, answer: type[Answer]) -> Answer:
        session = self._session or await self._open(None)
        try:
            return _decode(await self._send(call, {SESSION: session}), answer)
        except AppleError as error:
            if error.trouble is not Trouble.SESSION_OVER:
                raise
        session = await self._open(session)
        return _decode(await self._send(call, {SESSION: session}), answer)

    async def _open(self, stale: str | None) -> str:
        async with self._opening:
            # Another call may have renewed it while this one waited.
            if self._session is not None and self._session != stale:
                return self._session
            url = str(self.http.base_url.join("/session"))
            call = _Call(method="GET", path="/session")
            header = {"Authorization": authorization(self._values, url)}
            self._session = _decode(await self._send(call, header), Session).auth_session_token
            return self._session

    async def _send(self, call: _Call, headers: dict[str, str]) -> bytes:
        try:
            async with (
                asyncio.timeout(CALL_SECONDS),
                self.http.stream(
                    call.method, call.path, content=call.body, headers=headers
                ) as answer,
            ):
                body = await _read(answer)
        except (httpx.HTTPError, TimeoutError) as error:
            # The exception's type says what happened; its text may hold parts of the request.
            raise AppleError(Trouble.UNREACHABLE, f"{call.path}: {type(error).__name__}") from error
        self._session = answer.headers.get(SESSION, self._session)
        if answer.status_code != OK:
            raise _refused(call, answer, body)
        return body


async def _read(answer: httpx.Response) -> bytes:
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in {"identity", "gzip", ""}:
        raise AppleError(Trouble.UNEXPECTED, "the answer has a coding that was not asked for")
    body = Unpacked() if coding == "gzip" else Plain()
    async for chunk in answer.aiter_raw():
        body.take(chunk)
    return body.whole()


def _refused(call: _Call, answer: httpx.Response, body: bytes) -> AppleError:
    refusal = read_refusal(answer.status_code, body)
    trouble = trouble_of(refusal, at_session=call.path == "/session")
    text = f"{call.path}: HTTP {refusal.status}, {refusal.code or 'no code'}"
    wait = seconds_asked(answer.headers.get("Retry-After"))
    return AppleError(trouble, text, retry_after_seconds=wait)


def _decode(body: bytes, answer: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(body, type=answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # The decoder's text may quote the answer, so only its kind is kept.
        raise AppleError(
            Trouble.UNEXPECTED, f"the answer is no {answer.__name__}: {type(error).__name__}"
        ) from None
