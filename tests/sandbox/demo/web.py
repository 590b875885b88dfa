"""The pages of the demo, what they hear, and what is done on them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.sandbox.apple.certificates import PortalRefused
from tests.sandbox.demo.apple_acts import PortalActs
from tests.sandbox.demo.apple_room import Portal
from tests.sandbox.demo.frame import frame
from tests.sandbox.demo.house import House
from tests.sandbox.demo.intune_acts import AdminCenterActs
from tests.sandbox.demo.intune_room import AdminCenter
from tests.sandbox.demo.lively import Lively
from tests.sandbox.demo.slack_acts import LARGEST_UPLOAD, Acts
from tests.sandbox.demo.slack_room import Room
from tests.sandbox.demo.time import CannotMove
from tests.sandbox.demo.traffic import traffic
from tests.sandbox.slack.hand import NotThere

PAGES = Path(__file__).parents[1] / "pages"
HOMES = ("slack", "apple", "intune", "clock", "traffic")
"""The pages; each is a file of its name in the folder."""
PICTURES = ("image/png", "image/jpeg", "image/gif")
"""What is shown in place; everything else is only saved."""
TOGETHER = 0.03
"""Seconds in which changes are gathered into one look."""
ALIVE = 10.0
BAD, GONE, FORBIDDEN, TOO_LARGE = 400, 409, 403, 413
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
POLICY = (
    "default-src 'self'; img-src 'self' data: http://127.0.0.1:* http://localhost:*; "
    "style-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
)


class Pages:
    """Answers for one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._portal = Portal(house)
        self._portal_acts = PortalActs(house)
        self._admin_center = AdminCenter(house)
        self._admin_center_acts = AdminCenterActs(house)
        self._lively = Lively(house)

    def asgi(self) -> ASGIApp:
        """The ASGI application: reached by this machine's own pages alone."""
        pages = [Route(f"/{name}", _page(name)) for name in HOMES]
        return _OwnPagesOnly(
            Starlette(
                routes=[
                    Route("/", lambda _: RedirectResponse("/slack")),
                    *pages,
                    Mount("/pages", StaticFiles(directory=PAGES)),
                    Route("/live/{page}", self.live),
                    Route("/time", self.time),
                    Route("/slack/act", _spoken(self.slack_act), methods=["POST"]),
                    Route("/slack/upload", self.slack_upload, methods=["POST"]),
                    Route("/slack/file/{file}/{name}", self.slack_file),
                    Route("/apple/act", _spoken(self.apple_act), methods=["POST"]),
                    Route("/apple/devices", _spoken(self.apple_devices), methods=["POST"]),
                    Route("/apple/server", self.apple_server, methods=["POST"]),
                    Route("/apple/token", self.apple_token, methods=["POST"]),
                    Route("/intune/act", _spoken(self.intune_act), methods=["POST"]),
                    Route("/intune/devices", _spoken(self.intune_devices), methods=["POST"]),
                    Route("/intune/key", self.intune_key, methods=["POST"]),
                    Route("/intune/token", self.intune_token, methods=["POST"]),
                    Route("/clock/act", _spoken(self.clock_act), methods=["POST"]),
                    Route("/lively", _spoken(self.lively), methods=["POST"]),
                    Route("/trouble", _spoken(self.trouble), methods=["POST"]),
                ]
            )
        )

    async def live(self, request: Request) -> Response:
        """Tell a page what is to be seen on it, and again whatever changes."""
        page = request.path_params["page"]
        part = request.query_params.get("as", "operator")
        if page not in HOMES or part not in self._house.people:
            raise HTTPException(404)
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(
            self._told(page, part), media_type="text/event-stream", headers=headers
        )

    async def _told(self, page: str, part: str) -> AsyncIterator[str]:
        sent: dict[str, str] = {}
        while True:
            count = self._house.changes.count
            sections = {name: json.dumps(value) for name, value in self._seen(page, part).items()}
            for name, value in sections.items():
                if sent.get(name) != value:
                    yield f"event: section\ndata: {json.dumps([name])[:-1]},{value}]\n\n"
            gone = sent.keys() - sections.keys()
            for name in gone:
                yield f"event: section\ndata: {json.dumps([name, None])}\n\n"
            if not sent:
                yield "event: whole\ndata: 1\n\n"
            sent = sections
            await self._house.changes.since(count, within=ALIVE)
            await asyncio.sleep(TOGETHER)
            yield ": alive\n\n"

    def _seen(self, page: str, part: str) -> dict[str, Any]:
        sections = frame(self._house)
        if page == "slack":
            return sections | Room(self._house, part).sections() | {"app": self._house.app}
        if page == "apple":
            return sections | self._portal.sections()
        if page == "intune":
            return sections | self._admin_center.sections()
        if page == "traffic":
            return sections | {"traffic": traffic(self._house)}
        return sections

    async def time(self, _: Request) -> Response:
        """Tell the bot how far its time is moved (CLOCK_URL)."""
        return StreamingResponse(self._house.time.lines(), media_type="application/x-ndjson")

    async def slack_act(self, asked: Any) -> Any:  # noqa: ANN401 - JSON
        """Do what somebody did on the Slack page."""
        return await Acts(self._house, asked["as"]).do(asked)

    async def slack_upload(self, request: Request) -> Response:
        """Take a file into a file input of the open form."""
        asked = request.query_params
        content = await _body(request, LARGEST_UPLOAD)
        file = asked["name"], content
        try:
            spot = asked["block"], asked["action"]
            await Acts(self._house, asked["as"]).upload(asked["view"], spot, file)
        except (NotThere, AssertionError) as refused:
            return JSONResponse({"error": str(refused)}, GONE)
        return JSONResponse({})

    async def slack_file(self, request: Request) -> Response:
        """Give a file's bytes to somebody who sees it."""
        try:
            acts = Acts(self._house, request.query_params["as"])
            file = acts.file(request.path_params["file"])
        except NotThere as gone:
            raise HTTPException(404, str(gone)) from None
        kind = file.to_file()["mimetype"]
        if request.query_params.get("show") and kind in PICTURES:
            return Response(file.content, media_type=kind)
        return _saved(file.name, file.content)

    async def apple_act(self, asked: Any) -> Any:  # noqa: ANN401 - JSON
        """Do what somebody did at the portal."""
        self._portal_acts.do(asked)
        return {}

    async def apple_devices(self, asked: Any) -> Any:  # noqa: ANN401 - JSON
        """Show a page of devices."""
        return self._portal.devices(asked["organisation"], asked)

    async def apple_server(self, request: Request) -> Response:
        """Add a service with its public key, or give one another key."""
        content = await _body(request, LARGEST_UPLOAD)
        try:
            self._portal_acts.add_server(dict(request.query_params), content)
        except PortalRefused as refused:
            return JSONResponse({"error": str(refused)}, GONE)
        return JSONResponse({})

    async def apple_token(self, request: Request) -> Response:
        """Download Token."""
        try:
            file = self._portal_acts.download(dict(request.query_params))
        except PortalRefused as refused:
            return JSONResponse({"error": str(refused)}, GONE)
        return _saved(file.name, file.content)

    async def intune_act(self, asked: Any) -> Any:  # noqa: ANN401 - JSON
        """Do what somebody did in the admin center."""
        return self._admin_center_acts.do(asked)

    async def intune_devices(self, asked: Any) -> Any:  # noqa: ANN401 - JSON
        """Show a page of devices."""
        return self._admin_center.devices(asked)

    async def intune_key(self, request: Request) -> Response:
        """Download your public key."""
        try:
            pem = self._admin_center_acts.key(dict(request.query_params))
        except PortalRefused as refused:
            return JSONResponse({"error": str(refused)}, GONE)
        return _saved("IntunePublicKey.pem", pem)

    async def intune_token(self, request: Request) -> Response:
        """Create a token with its file, or renew one."""
        content = await _body(request, LARGEST_UPLOAD)
        try:
            self._admin_center_acts.take(dict(request.query_params), content)
        except PortalRefused as refused:
            return JSONResponse({"error": str(refused)}, GONE)
        return JSONResponse({})

    async def clock_act(self, asked: Any) -> Any:  # noqa: ANN401 - JSON
        """Move the time, by seconds or to a moment."""
        if "to" in asked:
            moment = datetime.fromisoformat(str(asked["to"]))
            self._house.time.move_to(moment.astimezone(UTC))
        else:
            self._house.time.move(timedelta(seconds=float(asked["by"])))
        return {"ahead": self._house.time.ahead.total_seconds()}

    async def lively(self, _: Any) -> Any:  # noqa: ANN401 - JSON
        """Begin to make the lively organisation."""
        self._lively.start()
        return {}

    async def trouble(self, asked: Any) -> Any:  # noqa: ANN401 - JSON
        """Note what a page could not draw."""
        what = str(asked["what"])[:500]
        if what not in self._house.troubles:
            self._house.troubles.append(what)
            self._house.stage.slack.violate(f"the page cannot draw: {what}")
            self._house.changes.mark()
        return {}


def _page(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def page(_: Request) -> Response:
        return FileResponse(PAGES / f"{name}.html")

    return page


def _spoken(act: Callable[[Any], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    """Take JSON, answer JSON; what cannot be done is said in a sentence."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await act(json.loads(await _body(request, LARGEST_UPLOAD))))
        except (NotThere, PortalRefused, CannotMove, AssertionError) as refused:
            return JSONResponse({"error": str(refused)}, GONE)
        except (KeyError, ValueError, TypeError, StopIteration) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, BAD)

    return answer


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(TOO_LARGE, "That is too large.")
    return bytes(body)


def _saved(name: str, content: bytes) -> Response:
    kind = f"attachment; filename*=UTF-8''{quote(name)}"
    headers = {"Content-Disposition": kind, "X-File-Name": quote(name)}
    return Response(content, media_type="application/octet-stream", headers=headers)


class _OwnPagesOnly:
    """Keeps other sites that a browser has open from acting here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        host = request.headers.get("host", "")
        ours = host.rpartition(":")[0] in LOOPBACK
        if request.method == "POST":
            ours = ours and request.headers.get("origin") == f"http://{host}"
        if not ours:
            await Response("not for this address", FORBIDDEN)(scope, receive, send)
            return

        async def sent(message: Any) -> None:  # noqa: ANN401 - an ASGI message
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", POLICY.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                    (b"cache-control", b"no-cache"),
                ]
            await send(message)

        await self._app(scope, receive, sent)
