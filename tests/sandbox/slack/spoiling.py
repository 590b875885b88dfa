"""Answers that arrive, and are of no use: cut, packed, of another kind, or broken off."""

import gzip
from collections.abc import Callable
from enum import StrEnum
from functools import cache

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from tests.sandbox.serving import HANG_UP

JSON = "application/json; charset=utf-8"
PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
BOMB_MEGABYTES = 32


class Spoil(StrEnum):
    """What is wrong with an answer."""

    RESET_IN_BODY = "a reset in mid-body"
    """The connection breaks in the middle of it."""

    HALF_JSON = "half JSON"
    """Its second half is missing."""

    HTML = "HTML"
    """A web page in its place, as a proxy or a captive portal gives."""

    GZIP_BOMB = "a gzip bomb"
    """A little gzip that grows to many megabytes of white space."""

    BROKEN_GZIP = "broken gzip"
    """Packed, with its end missing."""

    OTHER_TYPE = "another content type"
    """The right answer, called plain text."""

    NOTHING = "nothing"
    """An empty body, called JSON."""

    NO_OBJECT = "a list"
    """JSON that is no object."""

    OK_ALONE = "a yes without content"
    """An object that says ok, and nothing of what was asked."""

    NOT_UTF8 = "bytes that are no text"
    """Called JSON all the same."""

    DEEP = "deep nesting"
    """Brackets within brackets, a hundred thousand times."""


def spoilt(spoil: Spoil, real: Response) -> Response:
    """Make the answer useless in that way."""
    return _MAKE[spoil](bytes(real.body))


class _Broken(Response):
    """Half of an answer, then a broken connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        await send(
            {"type": "http.response.body", "body": _half(bytes(self.body)), "more_body": True}
        )
        await scope[HANG_UP]()


def _json(content: bytes) -> Response:
    return Response(content, media_type=JSON)


def _packed(content: bytes) -> Response:
    return Response(content, media_type=JSON, headers={"Content-Encoding": "gzip"})


@cache
def _bomb() -> bytes:
    return gzip.compress(b" " * (BOMB_MEGABYTES * 1024 * 1024), compresslevel=9)


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


_MAKE: dict[Spoil, Callable[[bytes], Response]] = {
    Spoil.RESET_IN_BODY: lambda body: _Broken(body, media_type=JSON),
    Spoil.HALF_JSON: lambda body: _json(_half(body)),
    Spoil.HTML: lambda _: HTMLResponse(PAGE),
    Spoil.GZIP_BOMB: lambda _: _packed(_bomb()),
    Spoil.BROKEN_GZIP: lambda body: _packed(_half(gzip.compress(body))),
    Spoil.OTHER_TYPE: lambda body: Response(body, media_type="text/plain"),
    Spoil.NOTHING: lambda _: _json(b""),
    Spoil.NO_OBJECT: lambda _: _json(b"[1]"),
    Spoil.OK_ALONE: lambda _: _json(b'{"ok": true}'),
    Spoil.NOT_UTF8: lambda _: _json(b'{"ok": "\xff\xfe'),
    Spoil.DEEP: lambda _: _json(b"[" * 100_000),
}
