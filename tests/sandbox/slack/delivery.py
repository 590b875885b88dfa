"""What Slack sends to the app, and the ways it gets there."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlencode

import aiohttp

from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.team import Ack, Team

ACK_SECONDS = 3.0
UNANSWERED = 0
"""The status of an answer that did not come, or of what was never sent."""

TIMEOUT = "operation_timeout"
"""The body of an answer that did not come in time."""


class Form(StrEnum):
    """How a payload travels over HTTP."""

    COMMAND = "command"
    """A form with one field per value."""
    INTERACTION = "interaction"
    """A form whose field `payload` is JSON."""
    EVENT = "event"
    """JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One thing that happened, as the app is told of it."""

    form: Form
    kind: str
    payload: Json
    retry: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the app answered; status 0 means that nothing came in time."""

    status: int
    body: str
    took: float
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether Slack takes it for an acknowledgement."""
        return 200 <= self.status < 300

    def json(self) -> Json | None:
        """The body as a JSON object, or None if it is none."""
        try:
            body = json.loads(self.body)
        except ValueError:
            return None
        return body if isinstance(body, dict) else None


class Delivery(Protocol):
    """A way to the app."""

    async def deliver(self, envelope: Envelope) -> Answer:
        """Hand over one envelope and return the app's answer."""
        ...


@dataclass(slots=True, kw_only=True)
class SignedHttp:
    """Posts to the app's request URL, signed with the signing secret."""

    url: str
    signing_secret: str
    patience: float = ACK_SECONDS

    async def deliver(self, envelope: Envelope) -> Answer:
        """Post one envelope; give up after the patience that Slack has."""
        body, kind = _encoded(envelope)
        headers = {"Content-Type": kind, **signature(self.signing_secret, body)}
        if envelope.retry:
            headers |= {
                "X-Slack-Retry-Num": str(envelope.retry),
                "X-Slack-Retry-Reason": "http_error",
            }
        began = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=self.patience)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    self.url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                text = await response.text()
                status, seen = response.status, dict(response.headers)
        except TimeoutError:
            status, text, seen = UNANSWERED, TIMEOUT, {}
        except aiohttp.ClientError as error:
            status, text, seen = UNANSWERED, f"connection_failed: {error}", {}
        took = time.monotonic() - began
        return Answer(status=status, body=text, took=took, headers=seen)


def signature(secret: str, body: bytes, at: int | None = None) -> dict[str, str]:
    """Make the two headers by which an app knows that Slack sent this."""
    stamp = str(int(time.time()) if at is None else at)
    signed = hmac.new(secret.encode(), b"v0:%b:%b" % (stamp.encode(), body), hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signed.hexdigest()}",
    }


@dataclass(slots=True, kw_only=True)
class Courier:
    """Delivers for the whole workspace, and notes how the app answers."""

    team: Team
    delivery: Delivery

    async def send(self, form: Form, kind: str, payload: Json, *, retry: int = 0) -> Answer:
        """Deliver one payload and hold a late or failed answer against the app."""
        envelope = Envelope(form=form, kind=kind, payload=payload, retry=retry)
        answer = await self.delivery.deliver(envelope)
        self.team.acks.append(Ack(kind=kind, seconds=answer.took, status=answer.status))
        if answer.body == TIMEOUT:
            self.team.violate(f"{kind}: not acknowledged within 3 s")
        elif not answer.ok:
            self.team.violate(f"{kind}: answered {answer.status} {answer.body[:200]}".rstrip())
        self.team.on_change()
        return answer

    async def tell(self, payload: Json) -> Answer:
        """Deliver an event the app subscribed to, once more if it is not taken."""
        name = payload["event"]["type"]
        if self.team.events is not None and name not in self.team.events:
            return unsent(f"not subscribed to {name}")
        answer = await self.send(Form.EVENT, f"event {name}", payload)
        if answer.ok or "x-slack-no-retry" in {header.lower() for header in answer.headers}:
            return answer
        return await self.send(Form.EVENT, f"event {name}", payload, retry=1)


def unsent(why: str) -> Answer:
    """Make the answer of something that was never sent."""
    return Answer(status=UNANSWERED, body=why, took=0.0)


def _encoded(envelope: Envelope) -> tuple[bytes, str]:
    form = "application/x-www-form-urlencoded"
    match envelope.form:
        case Form.COMMAND:
            return urlencode(envelope.payload).encode(), form
        case Form.INTERACTION:
            return urlencode({"payload": json.dumps(envelope.payload)}).encode(), form
        case Form.EVENT:
            return json.dumps(envelope.payload).encode(), "application/json"
