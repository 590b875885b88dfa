"""The HTTP layer of both: reads calls, keeps the record, lets faults happen, answers."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qs, parse_qsl
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.sandbox.apple import faults
from tests.sandbox.apple.answers import Answer
from tests.sandbox.graph.answers import Refused, refusal
from tests.sandbox.graph.bearer import Bearer, read_bearer
from tests.sandbox.graph.budgets import Budgets
from tests.sandbox.graph.call import Call, RecordedRequest, without_secrets, without_values
from tests.sandbox.graph.knobs import Throttling
from tests.sandbox.graph.login import PATH, login_refusal, sign_in
from tests.sandbox.graph.routes import check, route_of
from tests.sandbox.graph.tenant import Tenant
from tests.sandbox.serving import hang_up


class Behind(Protocol):
    """What the door opens to."""

    tenants: list[Tenant]
    faults: faults.Faults
    requests: list[RecordedRequest]
    on_change: Callable[[], None]
    public_origin: str | None


class Door:
    """An ASGI app over the plain objects behind it."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind
        self._budgets: dict[tuple[str, str], Budgets] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one HTTP request."""
        request = Request(scope, receive)
        body = await request.body()
        record = _record(request, body)
        self._behind.requests.append(record)
        fault = self._behind.faults.take(request.method, request.url.path)
        await faults.wait(fault)
        if fault and fault.reset is faults.Reset.BEFORE:
            await hang_up(request)
            return
        answer = await self._answer(request, body, record)
        if fault:
            answer = fault.answer or fault.applied(answer, {})
        if fault and fault.reset:
            if fault.reset is faults.Reset.IN_BODY:
                await _send_half(answer, send)
            await hang_up(request)
            return
        record.status = answer.status
        self._behind.on_change()
        response = Response(answer.body, status_code=answer.status, headers=answer.headers)
        await response(scope, receive, send)

    async def _answer(self, request: Request, body: bytes, record: RecordedRequest) -> Answer:
        if login := PATH.fullmatch(request.url.path):
            return self._login(request, body, login[1])
        request_id = str(uuid4())
        try:
            answer = await self._graph(request, body)
        except Refused as refused:
            record.code = refused.code
            answer = refusal(refused, request_id)
        return answer.with_header("request-id", request_id)

    def _origin(self, request: Request) -> str:
        return self._behind.public_origin or f"{request.url.scheme}://{request.url.netloc}"

    def _login(self, request: Request, body: bytes, tenant_id: str) -> Answer:
        if request.method != "POST":
            return login_refusal(HTTPStatus.METHOD_NOT_ALLOWED, "invalid_request", "POST it.")
        tenant = next((one for one in self._behind.tenants if one.id == tenant_id), None)
        if tenant and _throttled(tenant.knobs.login_throttling):
            answer = login_refusal(429, "temporarily_unavailable", "Too many requests.")
            wait = tenant.knobs.login_throttling.retry_after
            return answer if wait is None else answer.with_header("Retry-After", str(wait))
        url = request.url
        return sign_in(
            tenant,
            body,
            url=f"{url.scheme}://{url.netloc}{url.path}",
            content_type=request.headers.get("content-type", ""),
            resource=self._origin(request),
        )

    async def _graph(self, request: Request, body: bytes) -> Answer:
        headers = {name.lower(): value for name, value in request.headers.items()}
        path = request.scope["path"]
        bearer = read_bearer(headers, self._behind.tenants, resource=self._origin(request))
        knobs = bearer.tenant.knobs
        if knobs.delay_seconds:
            await asyncio.sleep(knobs.delay_seconds)
        route, parts = route_of(request.method, path)
        self._throttle(bearer, writes=route.writes)
        call = Call(
            tenant=bearer.tenant,
            method=request.method,
            path=path,
            origin=self._origin(request),
            query=dict(parse_qsl(request.url.query, keep_blank_values=True)),
            parts=parts,
            headers=headers,
            body=body,
            roles=bearer.roles,
        )
        check(route, call)
        return route.handler(call)

    def _throttle(self, bearer: Bearer, *, writes: bool) -> None:
        knobs = bearer.tenant.knobs
        if knobs.down:
            text = "The service is unavailable."
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", text)
        if _throttled(knobs.throttling):
            raise _too_many(knobs.throttling.retry_after)
        budgets = self._budgets.setdefault((bearer.tenant.id, bearer.client_id), Budgets())
        exceeded = budgets.exceeded(writes=writes, seconds=knobs.budget_seconds)
        if knobs.keeps_budgets and exceeded:
            raise _too_many(knobs.budget_retry_after)


def _throttled(throttling: Throttling) -> bool:
    if throttling.times <= 0:
        return False
    throttling.times -= 1
    return True


def _too_many(retry_after: int | datetime | None) -> Refused:
    text = "Too Many Requests"
    return Refused(HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests", text, retry_after=retry_after)


def _record(request: Request, body: bytes) -> RecordedRequest:
    content: object = None
    with suppress(ValueError):
        content = json.loads(body)
    if PATH.fullmatch(request.url.path):
        content = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    return RecordedRequest(
        at=datetime.now(UTC),
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        headers=without_secrets({name.lower(): value for name, value in request.headers.items()}),
        body=without_values(content),
    )


async def _send_half(answer: Answer, send: Send) -> None:
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    named = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": named})
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
