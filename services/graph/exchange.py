"""One request and its answer, whole and bounded, for Graph and for Entra's login alike."""

import asyncio
import functools
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

import httpx

from services.graph.errors import GraphError, GraphTrouble
from services.retry_after import seconds_asked

CALL_SECONDS = 30.0
ANSWER_BYTES = 32 * 1024 * 1024
JSON = "application/json"


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The authorities that certificates are checked against; reading them takes a while."""
    return httpx.create_ssl_context(trust_env=False)


class _Counted(httpx.AsyncHTTPTransport):
    """Tells how each call ended: its status, or that there was no answer."""

    def __init__(self, called: Callable[[str], None]) -> None:
        super().__init__(verify=_trusted(), trust_env=False)
        self.called = called

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await super().handle_async_request(request)
        except BaseException:
            self.called("no_answer")
            raise
        self.called(str(answer.status_code))
        return answer


def graph_http(origin: str, called: Callable[[str], None] | None = None) -> httpx.AsyncClient:
    """The HTTP client for one origin of Microsoft's: no redirects, and no settings from outside."""
    return httpx.AsyncClient(
        transport=_Counted(called or _unheard),
        base_url=origin,
        headers={
            "User-Agent": f"enroll-token/{version('enroll-token')}",
            "Accept": JSON,
            # What is not packed cannot unpack into more than was sent.
            "Accept-Encoding": "identity",
        },
        timeout=httpx.Timeout(CALL_SECONDS / 2),
        follow_redirects=False,
        trust_env=False,
    )


def _unheard(_outcome: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of any status, its body read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether it says that its body is JSON."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == JSON

    @property
    def request_id(self) -> str:
        """Graph's number for the call."""
        return self.headers.get("request-id", "")[:64]

    @property
    def retry_after(self) -> float | None:
        """Seconds that it asks us to wait, said in seconds or as a date (RFC 9110, 10.2.3)."""
        return seconds_asked(self.headers.get("retry-after"))


async def exchange(http: httpx.AsyncClient, request: httpx.Request, name: str) -> Answer:
    """Send the request and read its answer; `name` is what the log calls it.

    Raises GraphError where no answer comes within 30 s, or one that is too large or packed.
    """
    try:
        async with asyncio.timeout(CALL_SECONDS):
            answer = await http.send(request, stream=True)
            try:
                body = await _read(answer, name)
            finally:
                await answer.aclose()
    except (httpx.HTTPError, TimeoutError) as error:
        # The exception's type says what happened; its text may hold parts of the request.
        raise GraphError(GraphTrouble.UNREACHABLE, f"{name}: {type(error).__name__}") from error
    return Answer(status=answer.status_code, headers=dict(answer.headers), body=body)


async def _read(answer: httpx.Response, name: str) -> bytes:
    if answer.headers.get("Content-Encoding", "identity").strip().lower() not in {"identity", ""}:
        raise GraphError(GraphTrouble.GARBLED, f"{name}: a coding that was not asked for")
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > ANSWER_BYTES:
            raise GraphError(GraphTrouble.GARBLED, f"{name}: an answer larger than 32 MiB")
    return bytes(body)
