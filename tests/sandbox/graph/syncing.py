"""Intune's sync of one token with Apple: which devices it has now, or Apple's refusal.

Only two numbers of `lastSyncErrorCode` are known outside Microsoft: 0 and 3. The others here are
invented, as such numbers have to be shown and cannot be explained.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.service import Apple
from tests.sandbox.apple.tokens import IssuedToken, TokenState
from tests.sandbox.graph.entries import DevicePlatform, Identity, TokenEntry

NONE = 0
TERMS = 3
REFUSED = 17
EXPIRED = 18
KEPT = timedelta(days=30)
"""How long released devices linger."""
_PLATFORMS = {
    "iPad": DevicePlatform.IOS,
    "iPhone": DevicePlatform.IOS,
    "Mac": DevicePlatform.MACOS,
    "AppleTV": DevicePlatform.TVOS,
    "Vision": DevicePlatform.VISIONOS,
}


class Synced(Protocol):
    """The tenant, as far as a sync knows it."""

    now: Callable[[], datetime]
    apple: Apple | None

    def settle(self, entry: TokenEntry) -> None:
        """Let an upload show, once its time has come."""
        ...


class TooSoon(Exception):
    """The last sync is not long enough ago."""


def sync(tenant: Synced, entry: TokenEntry, *, pause: timedelta) -> None:
    """Sync at once. Raises TooSoon."""
    now = tenant.now()
    tenant.settle(entry)
    if entry.triggered_at is not None and now < entry.triggered_at + pause:
        left = entry.triggered_at + pause - now
        minutes = -int(-left.total_seconds() // 60)
        raise TooSoon(f"A sync was requested recently. Try again in {minutes} minutes.")
    entry.triggered_at = now
    if tenant.apple is None or entry.opened is None:
        entry.synced_at, entry.sync_error = now, NONE
        return
    found = _issued(tenant.apple, entry.opened.access_token)
    entry.sync_error = _refusal(found, now)
    if found is None or entry.sync_error:
        return
    _take(entry, found[1], now)
    entry.synced_at = now


def _issued(apple: Apple, access_token: str) -> tuple[Organisation, Server, IssuedToken] | None:
    for organisation in apple.organisations:
        for server in organisation.servers:
            for token in server.tokens:
                if token.credentials.access_token == access_token:
                    return organisation, server, token
    return None


def _refusal(found: tuple[Organisation, Server, IssuedToken] | None, now: datetime) -> int:
    if found is None:
        return REFUSED
    organisation, _, token = found
    if token.credentials.access_token_expiry <= now:
        return EXPIRED
    if token.state is not TokenState.CURRENT or token.admin not in organisation.admins:
        return REFUSED
    return NONE if organisation.terms_signed else TERMS


def _take(entry: TokenEntry, server: Server, now: datetime) -> None:
    there = server.inventory.devices
    known = {one.serial_number: one for one in entry.identities.values()}
    for serial, device in there.items():
        identity = known.get(serial)
        if identity is None or identity.released_at is not None:
            made = _identity(entry, serial, _PLATFORMS[device.product.family], now)
            entry.identities[made.id] = made
    for serial, identity in known.items():
        if serial not in there and identity.released_at is None:
            identity.released_at = now
        elif identity.released_at and now - identity.released_at > KEPT:
            entry.identities.pop(identity.id, None)
    entry.synced_devices = len(entry.live())


def _identity(entry: TokenEntry, serial: str, platform: DevicePlatform, now: datetime) -> Identity:
    profile = entry.defaults.get(platform)
    return Identity(
        id=str(uuid5(NAMESPACE_URL, f"{entry.id}/{serial}")),
        serial_number=serial,
        platform=platform,
        created_at=now,
        profile_id=profile.id if profile else None,
        profile_assigned_at=now if profile else None,
    )
