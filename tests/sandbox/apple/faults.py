"""Faults on order: which call goes wrong, and how."""

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Any

from tests.sandbox.apple.answers import TYPE_JSON, TYPE_TEXT, Answer
from tests.sandbox.holding import Hold

JSONObject = dict[str, Any]


class Reset(StrEnum):
    """Where the connection breaks."""

    BEFORE = "before"
    """Before the call is carried out."""

    AFTER = "after"
    """After the call was carried out, without an answer."""

    IN_BODY = "in_body"
    """In the middle of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with one call."""

    answer: Answer | None = None
    """Given instead of carrying the call out."""
    change: Callable[[Answer], Answer] | None = None
    """Made to the real answer."""
    change_page: Callable[[JSONObject, JSONObject], JSONObject] | None = None
    """Made to the JSON of the real answer, given the JSON of the request too."""
    reset: Reset | None = None
    delay: float = 0.0
    """Seconds before the call is carried out."""
    late: float = 0.0
    """Seconds between that and the answer."""
    hold: Hold | None = None
    """Where the call stands still; it gets no answer."""
    hold_at: Reset = Reset.BEFORE

    def applied(self, answer: Answer, asked: JSONObject) -> Answer:
        """Change the real answer."""
        if self.change_page and answer.status == HTTPStatus.OK:
            page = self.change_page(json.loads(answer.body), asked)
            answer = replace(answer, body=json.dumps(page).encode())
        return self.change(answer) if self.change else answer


@dataclass(slots=True)
class _Ordered:
    method: str | None
    path: str
    fault: Fault
    skip: int
    times: int


@dataclass(slots=True)
class Faults:
    """The faults that wait for their calls."""

    ordered: list[_Ordered] = field(default_factory=list)

    def next(
        self, path: str, fault: Fault, *, nth: int = 1, times: int = 1, method: str | None = None
    ) -> None:
        """Let the nth call of that path from now on go wrong, and so many in a row.

        Faults ordered for one path count the same calls; the one ordered first goes first.
        """
        self.ordered.append(_Ordered(method, path, fault, skip=nth - 1, times=times))

    def clear(self) -> None:
        """Forget the faults that did not happen yet."""
        self.ordered.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Count one call, and return the fault that is due."""
        due: _Ordered | None = None
        for each in self.ordered:
            if each.path != path or each.method not in {None, method}:
                continue
            if each.skip:
                each.skip -= 1
            elif due is None:
                due = each
        if due is None:
            return None
        due.times -= 1
        if not due.times:
            self.ordered.remove(due)
        return due.fault


def status(code: int, body: str = "", *, content_type: str = TYPE_TEXT) -> Fault:
    """Answer with a status and a body."""
    headers = {"Content-Type": content_type}
    return Fault(answer=Answer(status=code, body=body.encode(), headers=headers))


def throttled(retry_after: int | datetime | None = 30, *, code: int = 429) -> Fault:
    """Answer 429 or 503, with Retry-After as seconds, as an HTTP date, or without it."""
    body = "TOO_MANY_REQUESTS" if code == HTTPStatus.TOO_MANY_REQUESTS else "SERVICE_UNAVAILABLE"
    answer = Answer(status=code, body=body.encode(), headers={"Content-Type": TYPE_TEXT})
    if isinstance(retry_after, datetime):
        date = format_datetime(retry_after.astimezone(UTC), usegmt=True)
        return Fault(answer=answer.with_header("Retry-After", date))
    if retry_after is not None:
        return Fault(answer=answer.with_header("Retry-After", str(retry_after)))
    return Fault(answer=answer)


def html_page(code: int = 200) -> Fault:
    """Answer with a web page, as a proxy or a captive portal does."""
    page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"
    return status(code, page, content_type="text/html; charset=utf-8")


def half_json() -> Fault:
    """Cut the real answer's JSON in the middle."""
    return Fault(change=lambda real: replace(real, body=real.body[: len(real.body) // 2]))


def wrong_content_type(content_type: str = "text/html") -> Fault:
    """Send the real answer under another content type."""
    return Fault(change=lambda real: real.with_header("Content-Type", content_type))


def reset(where: Reset = Reset.BEFORE) -> Fault:
    """Break the connection."""
    return Fault(reset=where)


def reset_in_body() -> Fault:
    """Break the connection in the middle of the real answer."""
    return Fault(reset=Reset.IN_BODY)


def held(at: Reset = Reset.BEFORE) -> tuple[Fault, Hold]:
    """Let the call stand still, before it is carried out or behind that; it gets no answer."""
    hold = Hold()
    return Fault(hold=hold, hold_at=at, reset=at), hold


def late(seconds: float) -> Fault:
    """Carry the call out at once, and answer later."""
    return Fault(late=seconds)


def slow(seconds: float) -> Fault:
    """Carry the call out and answer, later."""
    return Fault(delay=seconds)


def same_cursor() -> Fault:
    """Hand the request's own cursor back, with more to follow."""

    def repeat(page: JSONObject, asked: JSONObject) -> JSONObject:
        return {**page, "cursor": asked.get("cursor", page["cursor"]), "more_to_follow": True}

    return Fault(change_page=repeat)


def without(*keys: str) -> Fault:
    """Leave keys out of the real answer."""
    return Fault(
        change_page=lambda page, _: {key: page[key] for key in page if key not in keys},
    )


def with_values(**values: object) -> Fault:
    """Put other values into the real answer, such as `devices=None`."""
    return Fault(change_page=lambda page, _: {**page, **values})


def half_page() -> Fault:
    """Leave half of the page's devices out."""
    return Fault(
        change_page=lambda page, _: {
            **page,
            "devices": page["devices"][: len(page["devices"]) // 2],
        }
    )


def doubled_device() -> Fault:
    """Send the page's first device twice."""
    return Fault(
        change_page=lambda page, _: {**page, "devices": page["devices"] + page["devices"][:1]}
    )


def gzip_bomb(megabytes: int = 64) -> Fault:
    """Answer with a little gzip that grows to that many megabytes of JSON white space."""
    headers = {"Content-Type": TYPE_JSON, "Content-Encoding": "gzip"}
    return Fault(answer=Answer(body=_bomb(megabytes), headers=headers))


async def wait(fault: Fault | None, at: Reset = Reset.BEFORE) -> None:
    """Stand still here, or sleep, as long as the fault says."""
    if fault is None:
        return
    if fault.hold is not None and fault.hold_at is at:
        await fault.hold.here()
    await asyncio.sleep(fault.delay if at is Reset.BEFORE else fault.late)


@cache
def _bomb(megabytes: int) -> bytes:
    return gzip.compress(b" " * (megabytes * 1024 * 1024), compresslevel=9)
