"""What Intune and Entra tell, as it is kept here: times aware and in UTC, ids without wrapping.

A year-1 date is Intune's way to say *never*; it reads as None.
Source: Graph beta, `depOnboardingSetting`, `importedAppleDeviceIdentity`, `enrollmentProfile`.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography import x509

from services.graph.errors import GraphError, GraphTrouble
from storage.states import Portal

TERMS_UNSIGNED = 3
"""The only `lastSyncErrorCode` besides 0 whose meaning is known: Apple's terms wait."""
COMPOSITE = re.compile(r"(?:ECV2_)?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}_(.+)")
PEM_BEGIN = "-----BEGIN CERTIFICATE-----"


class Platform(StrEnum):
    """A platform that has a default profile of its own, as Graph spells it."""

    IOS = "ios"
    """iOS and iPadOS."""
    MACOS = "macOS"
    """macOS."""
    TVOS = "tvOS"
    """tvOS."""
    VISIONOS = "visionOS"
    """visionOS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A token as Intune holds it; `devices` is Intune's own count, which follows a sync.

    `name` is the token's name in Intune, `portal` None where Graph names one we do not know,
    `synced_at` the last sync that went well, `sync_error` the number Intune has from Apple (0:
    none).
    """

    id: str
    name: str | None
    apple_id: str | None
    portal: Portal | None
    expires_at: datetime | None
    modified_at: datetime | None
    synced_at: datetime | None
    sync_triggered_at: datetime | None
    sync_error: int
    devices: int
    scope_tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A device under a token; `released` ones are gone at Apple and linger for some weeks.

    `platform` and `state` are Graph's words; `profile_id` is the bare GUID of the profile asked
    for, in lower case.
    """

    id: str
    serial_number: str | None
    platform: str
    released: bool
    state: str
    profile_id: str | None
    contacted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultProfile:
    """The profile that new devices of one platform get; `id` is bare, `full_id` as Graph has it."""

    id: str
    full_id: str
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The default profile of each platform, None where there is none."""

    by_platform: Mapping[Platform, DefaultProfile | None]

    @property
    def ids(self) -> frozenset[str]:
        """The bare ids of all that are set: what `Identity.profile_id` is compared with."""
        return frozenset(one.id for one in self.by_platform.values() if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An enrollment profile of a token, or the twin of a policy; `id` is bare.

    `full_id` is what Graph wants in paths; `platform` is None where the answer does not tell.
    """

    id: str
    full_id: str
    name: str | None
    platform: Platform | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """An enrollment policy that was made for a token."""

    id: str
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeTag:
    """A scope tag of the tenant; ids are small numbers as texts, `0` the default one."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushCertificate:
    """The tenant's Apple push certificate, which must be renewed with the same Apple ID."""

    apple_id: str | None
    topic: str | None
    serial_number: str | None
    expires_at: datetime | None
    modified_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentToken:
    """A content (VPP) token of the tenant; `state` and `sync_state` are Graph's words."""

    id: str
    name: str | None
    organisation: str | None
    location: str | None
    apple_id: str | None
    state: str
    sync_state: str
    expires_at: datetime | None
    synced_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person in Entra; None is what Entra does not tell, or what we may not ask."""

    id: str
    address: str | None
    mail: str | None
    name: str | None
    enabled: bool | None
    password_changed_at: datetime | None
    leaves_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedUser:
    """A person whom Entra keeps for 30 days after their deletion."""

    id: str
    name: str | None
    deleted_at: datetime | None


def moment(text: str | None) -> datetime | None:
    """A time of Graph's; None for null, year 1 and what lies outside the calendar.

    Fractions beyond microseconds are cut. A time without a zone is UTC. Raises GraphError where
    it is no time.
    """
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None
    except ValueError:
        raise GraphError(GraphTrouble.GARBLED, "a date that is none") from None
    return aware if aware.year > 1 else None


def bare_id(text: str) -> str:
    """The part of a profile's id after the token's, in lower case: what may be compared.

    Graph has `{token}_{profile}`, `ECV2_{token}_{policy}` and the bare id for the same thing.
    """
    composite = COMPOSITE.fullmatch(text)
    return (composite[1] if composite else text).lower()


def certificate_of(text: str) -> x509.Certificate:
    """The certificate in Intune's public-key text: PEM, or the bare base64 of DER.

    Raises GraphError where it is neither.
    """
    try:
        if PEM_BEGIN in text:
            return x509.load_pem_x509_certificate(text[text.index(PEM_BEGIN) :].encode())
        return x509.load_der_x509_certificate(
            base64.b64decode("".join(text.split()), validate=True)
        )
    except (ValueError, binascii.Error):
        raise GraphError(GraphTrouble.GARBLED, "the public key is no certificate") from None
