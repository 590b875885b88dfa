"""The devices of one server, what happened to them, and the cursors that walk both."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from tests.sandbox.apple.answers import Refused
from tests.sandbox.apple.devices import Device

CURSOR_LIFETIME = timedelta(days=7)


class Op(StrEnum):
    """What a sync says about a device."""

    ADDED = "added"
    """It was assigned to this server."""

    MODIFIED = "modified"
    """Its profile changed, or it came here from another server."""

    DELETED = "deleted"
    """It was assigned to another server, or to none."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log that a sync reads."""

    op: Op
    device: Device
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in a fetch's snapshot, then in the log."""

    snapshot: Sequence[Device]
    place: int
    """How much of the snapshot was handed out."""
    log_place: int
    """How much of the log lies behind it; during a fetch, where the log stood at its start."""
    made_at: datetime

    @property
    def is_exhausted(self) -> bool:
        """The fetch it belongs to has handed out everything."""
        return self.place >= len(self.snapshot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer to a fetch or a sync."""

    devices: Sequence[Device | Event]
    cursor: str
    more_to_follow: bool
    fetched_until: datetime


class Inventory:
    """The devices assigned to one server."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.log: list[Event] = []
        self.cursors: dict[str, Cursor] = {}
        self._pages = 0

    def note(self, op: Op, devices: Sequence[Device], at: datetime) -> None:
        """Write one line per device to the log."""
        self.log += [Event(op, device, at) for device in devices]

    def fetch(self, text: str | None, *, limit: int, now: datetime) -> Page:
        """Hand out the next devices of a snapshot, taken when there is no cursor."""
        if text is None:
            snapshot = tuple(self.devices.values())
            cursor = Cursor(snapshot=snapshot, place=0, log_place=len(self.log), made_at=now)
        else:
            cursor = self._known(text)
            if cursor.is_exhausted:
                raise Refused(HTTPStatus.BAD_REQUEST, "EXHAUSTED_CURSOR")
            if now - cursor.made_at > CURSOR_LIFETIME:
                raise Refused(HTTPStatus.BAD_REQUEST, "INVALID_CURSOR")
        place = min(cursor.place + limit, len(cursor.snapshot))
        following = Cursor(
            # An exhausted cursor keeps no devices alive.
            snapshot=cursor.snapshot if place < len(cursor.snapshot) else (),
            place=place,
            log_place=cursor.log_place,
            made_at=now,
        )
        devices = cursor.snapshot[cursor.place : place]
        return self._page(devices, following, more=not following.is_exhausted)

    def sync(self, text: str | None, *, limit: int, now: datetime) -> Page:
        """Hand out the next lines of the log."""
        if not text:
            raise Refused(HTTPStatus.BAD_REQUEST, "CURSOR_REQUIRED")
        cursor = self._known(text)
        if not cursor.is_exhausted:
            raise Refused(HTTPStatus.BAD_REQUEST, "INVALID_CURSOR")
        if now - cursor.made_at > CURSOR_LIFETIME:
            raise Refused(HTTPStatus.BAD_REQUEST, "EXPIRED_CURSOR")
        events = self.log[cursor.log_place : cursor.log_place + limit]
        log_place = cursor.log_place + len(events)
        following = Cursor(snapshot=(), place=0, log_place=log_place, made_at=now)
        return self._page(events, following, more=log_place < len(self.log))

    def forget_cursors(self) -> None:
        """Answer INVALID_CURSOR to every cursor handed out so far."""
        self.cursors.clear()

    def _known(self, text: str) -> Cursor:
        cursor = self.cursors.get(text)
        if cursor is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "INVALID_CURSOR")
        return cursor

    def _page(self, devices: Sequence[Device | Event], following: Cursor, *, more: bool) -> Page:
        made = int(following.made_at.timestamp() * 1000)
        self._pages += 1
        inner = f"{self._pages}:0:{made}:{made}:{str(more).lower()}:{made}"
        text = base64.urlsafe_b64encode(inner.encode()).decode().rstrip("=")
        self.cursors[text] = following
        return Page(
            devices=devices, cursor=text, more_to_follow=more, fetched_until=following.made_at
        )
