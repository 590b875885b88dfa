"""The admin center: what a person does there by hand."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.sandbox.apple.certificates import PortalRefused
from tests.sandbox.apple.keypairs import KeyPair, key_pair
from tests.sandbox.graph.entries import (
    DevicePlatform,
    EnrollmentProfile,
    Identity,
    Policy,
    TokenEntry,
    TokenType,
    Upload,
)
from tests.sandbox.graph.knobs import Knobs
from tests.sandbox.graph.p7m import OpenedToken, Unreadable, open_token
from tests.sandbox.graph.syncing import Synced, TooSoon, sync


class Holder(Synced, Protocol):
    """The tenant, as far as its admin center knows it."""

    knobs: Knobs
    tokens: dict[str, TokenEntry]
    policies: dict[str, Policy]


class BlockedDeletion(Exception):
    """A token is not deleted while something hangs on it; the text says what."""


@dataclass(slots=True, kw_only=True, eq=False)
class CreateTab:
    """The form in which a token is made; its key pair lives as long as the tab is open."""

    keys: KeyPair = field(repr=False)
    open: bool = True

    @property
    def certificate_pem(self) -> bytes:
        """What *Download your public key* saves."""
        return self.keys.certificate_pem

    def close(self) -> None:
        """Close the tab: the key is gone."""
        self.open = False


class Portal:
    """What a person may do with tokens; refusals say in words what is wrong."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder

    def open_create(self) -> CreateTab:
        """Open *Create*: a key pair is made."""
        return CreateTab(keys=key_pair("Intune portal"))

    def create_token(  # noqa: PLR0913 - the form's fields
        self,
        tab: CreateTab,
        file: bytes,
        *,
        apple_id: str,
        name: str,
        kind: TokenType = "dep",
        scope_tags: Sequence[str] = ("0",),
        consent: bool = True,
    ) -> TokenEntry:
        """Press *Create* in the tab that made the key."""
        if not tab.open:
            raise PortalRefused("This form was left. Begin again: the public key is a new one.")
        if not consent:
            raise PortalRefused("Agree that Microsoft may send information to Apple.")
        opened = self._opened(file, tab.keys, apple_id)
        now = self.holder.now()
        entry = TokenEntry(
            name=name,
            apple_id=apple_id,
            kind=kind,
            expires_at=opened.expires_at,
            modified_at=now,
            opened=opened,
            keys=tab.keys,
            scope_tags=list(scope_tags),
            consent=True,
        )
        self.holder.tokens[entry.id] = entry
        tab.close()
        return entry

    def renew_token(
        self,
        entry: TokenEntry,
        file: bytes,
        *,
        apple_id: str,
        scope_tags: Sequence[str] | None = None,
    ) -> None:
        """Renew: hand in a newer file; it shows when the knobs let it."""
        opened = self._opened(file, entry.key_pair(), apple_id)
        if scope_tags is not None:
            entry.scope_tags = list(scope_tags)
        entry.upload = Upload(
            opened=opened,
            apple_id=apple_id,
            at=self.holder.now(),
            shows_at=time.monotonic() + self.holder.knobs.shows_after_seconds,
        )
        self.holder.settle(entry)

    def rename(self, entry: TokenEntry, name: str) -> None:
        """Give the token another name."""
        if not name.strip():
            raise PortalRefused("Give the token a name.")
        entry.name = name.strip()

    def set_scope_tags(self, entry: TokenEntry, scope_tags: Sequence[str]) -> None:
        """Put exactly these scope tags on the token."""
        entry.scope_tags = list(scope_tags)

    def sync(self, entry: TokenEntry) -> None:
        """Press *Sync*."""
        try:
            sync(self.holder, entry, pause=self.holder.knobs.sync_pause)
        except TooSoon as error:
            raise PortalRefused(str(error)) from error

    def set_default(self, entry: TokenEntry, profile: EnrollmentProfile) -> None:
        """Make a profile the default of its platform; no other way ends the one before."""
        entry.defaults[profile.platform] = profile

    def clear_default(self, entry: TokenEntry, platform: DevicePlatform) -> None:
        """Let new devices of a platform get no profile."""
        entry.defaults.pop(platform, None)

    def assign(self, entry: TokenEntry, profile: EnrollmentProfile, serials: Sequence[str]) -> None:
        """Give devices a profile."""
        for serial in serials:
            device = entry.identity_of(serial)
            if device is None:
                raise PortalRefused(f"The token has no device {serial}.")
            device.profile_id = profile.id
            device.profile_assigned_at = self.holder.now()

    def delete_profile(self, entry: TokenEntry, profile: EnrollmentProfile) -> None:
        """Delete a profile, or a policy with its twin; devices keep nothing of it."""
        del entry.profiles[profile.id]
        entry.defaults = {
            platform: one for platform, one in entry.defaults.items() if one is not profile
        }
        self.holder.policies.pop(profile.bare_id, None)
        for device in entry.identities.values():
            if device.profile_id == profile.id:
                device.profile_id = device.profile_assigned_at = None

    def delete_devices(self, entry: TokenEntry, devices: Sequence[Identity]) -> None:
        """Delete devices from Intune; those still assigned at Apple come back."""
        for device in devices:
            del entry.identities[device.id]

    def delete_token(self, entry: TokenEntry) -> None:
        """Delete the token, once nothing hangs on it."""
        try:
            delete(self.holder, entry)
        except BlockedDeletion as error:
            raise PortalRefused(str(error)) from error

    def _opened(self, file: bytes, keys: KeyPair, apple_id: str) -> OpenedToken:
        if "@" not in apple_id:
            raise PortalRefused("Enter the Apple ID that downloaded the token.")
        try:
            return accepted(self.holder, file, keys)
        except Unreadable as error:
            raise PortalRefused(str(error)) from error


def accepted(holder: Holder, file: bytes, keys: KeyPair) -> OpenedToken:
    """Open a file and judge it. Raises Unreadable."""
    opened = open_token(file, keys)
    if opened.expires_at <= holder.now():
        raise Unreadable("The token has expired.")
    for other in holder.tokens.values():
        there = other.upload.opened if other.upload else other.opened
        if there is not None and there.access_token == opened.access_token:
            raise Unreadable("This token was uploaded already.")
    return opened


def delete(holder: Holder, entry: TokenEntry) -> None:
    """Delete a token. Raises BlockedDeletion."""
    policies = [one for one in holder.policies.values() if one.token_id == entry.id]
    legacy = [one for one in entry.profiles.values() if not one.is_policy]
    if entry.live():
        raise BlockedDeletion("Devices are assigned to this token.")
    if legacy or (policies and holder.knobs.policies_block_deletion):
        raise BlockedDeletion("Profiles exist under this token.")
    del holder.tokens[entry.id]
