"""The service's HTTP layer: reads calls, keeps the record, lets faults happen, answers."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.sandbox.apple import account, faults, pages, profiles
from tests.sandbox.apple.answers import Answer, Refused, granted, refusal
from tests.sandbox.apple.behaviour import Behaviour
from tests.sandbox.apple.call import Call, RecordedRequest, without_secrets
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.sessions import Sessions
from tests.sandbox.serving import hang_up

Handler = Callable[[Organisation, Server, Call], dict[str, object]]

_CALLS: dict[str, dict[str, Handler]] = {
    "/account": {
        "GET": lambda org, server, call: account.account_detail(org, server, call.version)
    },
    "/server/devices": {"POST": pages.fetch},
    "/devices/sync": {"POST": pages.sync},
    "/devices": {"POST": pages.details},
    "/devices/disown": {"POST": pages.disown},
    "/profile": {"POST": profiles.define, "GET": profiles.show},
    "/profile/devices": {
        "POST": profiles.assign,
        "PUT": profiles.assign,
        "DELETE": profiles.take_away,
    },
}
_SESSION = "/session"


class Door:
    """An ASGI app over the plain objects behind it."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        behaviour: Behaviour,
        ordered: faults.Faults,
        records: list[RecordedRequest],
        answered: Callable[[], None],
    ) -> None:
        self._sessions = sessions
        self._behaviour = behaviour
        self._ordered = ordered
        self._records = records
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one HTTP request."""
        request = Request(scope, receive)
        call = await _read(request)
        self._records.append(call.record)
        fault = self._ordered.take(call.method, call.path)
        await faults.wait(fault)
        if fault and fault.reset is faults.Reset.BEFORE:
            await hang_up(request)
            return
        answer = self._answer(call, fault)
        await faults.wait(fault, faults.Reset.AFTER)
        if fault and fault.reset is faults.Reset.AFTER:
            await hang_up(request)
            return
        if fault and fault.reset is faults.Reset.IN_BODY:
            await _send_half(answer, send)
            await hang_up(request)
            return
        call.record.status = answer.status
        self._answered()
        response = Response(answer.body, status_code=answer.status, headers=answer.headers)
        await response(scope, receive, send)

    def _answer(self, call: Call, fault: faults.Fault | None) -> Answer:
        if fault and fault.answer:
            return fault.answer
        try:
            answer = granted(self._carry_out(call))
        except Refused as refused:
            call.record.code = refused.code
            answer = refusal(refused, self._behaviour.error_form)
        if self._behaviour.rotates_sessions and call.path != _SESSION:
            session = self._sessions.rotate(call)
            answer = answer.with_header("X-ADM-Auth-Session", session) if session else answer
        asked = call.record.body if isinstance(call.record.body, dict) else {}
        return fault.applied(answer, asked) if fault else answer

    def _carry_out(self, call: Call) -> dict[str, Any]:
        methods = {"GET": None} if call.path == _SESSION else _CALLS.get(call.path)
        if methods is None:
            raise Refused(HTTPStatus.NOT_FOUND, "NOT_FOUND")
        if call.method not in methods:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED")
        call.check_client(insists_on_json=self._behaviour.insists_on_json)
        handler = methods[call.method]
        if handler is None:
            return dict(self._sessions.open(call))
        organisation, server = self._sessions.enter(call)
        return handler(organisation, server, call)


async def _send_half(answer: Answer, send: Send) -> None:
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    named = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": named})
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


async def _read(request: Request) -> Call:
    body = await request.body()
    content = None
    with suppress(ValueError):
        content = json.loads(body)
    headers = {name.lower(): value for name, value in request.headers.items()}
    url = request.url
    record = RecordedRequest(
        at=datetime.now(UTC),
        method=request.method,
        path=url.path,
        query=url.query,
        headers=without_secrets(headers),
        body=content,
    )
    return Call(
        method=request.method,
        path=url.path,
        url=f"{url.scheme}://{url.netloc}{url.path}",
        query=url.query,
        parameters=dict(request.query_params),
        headers=headers,
        body=body,
        record=record,
    )
