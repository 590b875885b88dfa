"""HTTP: Slack's deliveries, and the two health answers."""

import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.errors import words
from bot.signature import signed

log = logging.getLogger(__name__)

BODY_BYTES = 1024 * 1024
UNAUTHORIZED = 401
TOO_LARGE = 413
BAD_REQUEST = 400
UNAVAILABLE = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The routes of `serve`."""

    app: AsyncApp
    signing_secret: str
    alive: Callable[[], bool]
    ready: Callable[[], Awaitable[bool]]
    trouble: Callable[[], str | None] = lambda: None
    """What is wrong where it is not alive, in one word."""
    timed: Callable[[float], None] = lambda _seconds: None
    """Told how long each delivery of Slack's took to be acknowledged."""

    def asgi(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/slack/events", self.slack, methods=["POST"]),
                Route("/healthz", self.healthz),
                Route("/readyz", self.readyz),
            ]
        )

    async def slack(self, request: Request) -> Response:
        """One delivery of Slack's, timed from its head to its answer."""
        began = time.monotonic()
        try:
            return await self._delivered(request)
        finally:
            self.timed(time.monotonic() - began)

    async def _delivered(self, request: Request) -> Response:
        """One delivery: verified over the raw body, then handed to Bolt."""
        body = await _read(request)
        if body is None:
            return PlainTextResponse("too large", TOO_LARGE)
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not signed(self.signing_secret, timestamp, signature, body):
            log.warning("delivery_not_signed", extra={"bytes": len(body)})
            return PlainTextResponse("not signed by Slack", UNAUTHORIZED)
        parsed = _parse(request.headers.get("content-type", ""), body)
        if parsed is None:
            return PlainTextResponse("not a delivery of Slack's", BAD_REQUEST)
        # Socket Mode's way in takes the parsed body: Bolt neither parses nor verifies again.
        try:
            answer = await self.app.async_dispatch(
                AsyncBoltRequest(mode="socket_mode", body=parsed)
            )
        except Exception as error:  # noqa: BLE001 - Bolt itself trips over malformed deliveries
            words(error)
            return PlainTextResponse("not a delivery of Slack's", BAD_REQUEST)
        headers = {name: values[0] for name, values in answer.headers.items()}
        return Response(answer.body, answer.status, headers)

    async def healthz(self, _request: Request) -> Response:
        """Whether the process and its ticker live, and its clock goes as it should."""
        return _word("ok", self.trouble() or "stalled", good=self.alive())

    async def readyz(self, _request: Request) -> Response:
        """Whether the database, Slack and the keys are in order."""
        return _word("ready", "unready", good=await self.ready())


async def _read(request: Request) -> bytes | None:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)


def _parse(content_type: str, body: bytes) -> dict[str, Any] | None:
    try:
        if content_type.startswith("application/json"):
            parsed = json.loads(body)
        else:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
            # A command's own text may hold the word "payload"; only a field of that name counts.
            parsed = json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _word(good_word: str, bad_word: str, *, good: bool) -> Response:
    return PlainTextResponse(good_word) if good else PlainTextResponse(bad_word, UNAVAILABLE)
