"""What a tenant's Intune holds: tokens, the devices and profiles under them, and what is beside."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import uuid4

from tests.sandbox.apple.keypairs import KeyPair, key_pair
from tests.sandbox.graph.answers import stamp
from tests.sandbox.graph.p7m import OpenedToken

TokenType = Literal["none", "dep", "appleSchoolManager"]


class DevicePlatform(StrEnum):
    """A device's platform in Graph's words, with the navigation to its default profile."""

    IOS = "ios"
    """iPhones and iPads."""
    MACOS = "macOS"
    """Macs."""
    TVOS = "tvOS"
    """Apple TVs."""
    VISIONOS = "visionOS"
    """Vision Pros."""

    @property
    def navigation(self) -> str:
        """The property of a token that holds the default profile."""
        return f"default{_SPELT[self][0]}EnrollmentProfile"

    @property
    def odata_type(self) -> str:
        """The type of its enrollment profiles."""
        return f"#microsoft.graph.dep{_SPELT[self][1]}EnrollmentProfile"


_SPELT = {
    DevicePlatform.IOS: ("Ios", "IOS"),
    DevicePlatform.MACOS: ("MacOs", "MacOS"),
    DevicePlatform.TVOS: ("TvOS", "TvOS"),
    DevicePlatform.VISIONOS: ("VisionOS", "VisionOS"),
}


@dataclass(slots=True, kw_only=True, eq=False)
class Identity:
    """A device under a token."""

    id: str
    serial_number: str
    platform: DevicePlatform
    created_at: datetime
    profile_id: str | None = None
    """Composite, as Graph has it."""
    profile_assigned_at: datetime | None = None
    state: str = "notContacted"
    contacted_at: datetime | None = None
    released_at: datetime | None = None

    def fields(self) -> dict[str, object]:
        """List what Graph shows."""
        return {
            "id": self.id,
            "serialNumber": self.serial_number,
            "requestedEnrollmentProfileId": self.profile_id,
            "requestedEnrollmentProfileAssignmentDateTime": stamp(self.profile_assigned_at)
            if self.profile_assigned_at
            else None,
            "isSupervised": True,
            "discoverySource": "deviceEnrollmentProgram",
            "isDeleted": self.released_at is not None,
            "createdDateTime": stamp(self.created_at),
            "lastContactedDateTime": stamp(self.contacted_at),
            "description": None,
            "enrollmentState": self.state,
            "platform": self.platform.value,
        }


@dataclass(slots=True, kw_only=True, eq=False)
class EnrollmentProfile:
    """A legacy profile, or the twin of a policy; `id` is composite."""

    id: str
    name: str
    platform: DevicePlatform
    is_policy: bool = False

    @property
    def bare_id(self) -> str:
        """The part after the token's id."""
        return self.id.rpartition("_")[2]

    def fields(self) -> dict[str, object]:
        """List what Graph shows."""
        return {
            "id": self.id,
            "displayName": self.name,
            "description": "",
            "requiresUserAuthentication": False,
            "configurationEndpointUrl": None,
            "enableAuthenticationViaCompanyPortal": False,
            "requireCompanyPortalOnSetupAssistantEnrolledDevices": False,
        }


@dataclass(slots=True, kw_only=True)
class Upload:
    """A token file that was taken, from when on it shows, on the machine's clock."""

    opened: OpenedToken
    apple_id: str
    at: datetime
    shows_at: float


@dataclass(slots=True, kw_only=True, eq=False)
class TokenEntry:
    """A `depOnboardingSetting`."""

    name: str
    apple_id: str | None
    kind: TokenType = "dep"
    id: str = field(default_factory=lambda: str(uuid4()))
    expires_at: datetime | None = None
    modified_at: datetime
    synced_at: datetime | None = None
    triggered_at: datetime | None = None
    sync_error: int = 0
    synced_devices: int = 0
    scope_tags: list[str] = field(default_factory=lambda: ["0"])
    consent: bool = False
    keys: KeyPair | None = field(default=None, repr=False)
    opened: OpenedToken | None = None
    """What the last token file held, once it shows."""
    upload: Upload | None = None
    identities: dict[str, Identity] = field(default_factory=dict)
    profiles: dict[str, EnrollmentProfile] = field(default_factory=dict)
    defaults: dict[DevicePlatform, EnrollmentProfile] = field(default_factory=dict)

    def key_pair(self) -> KeyPair:
        """The key pair, made when somebody first asks for it."""
        if self.keys is None:
            self.keys = key_pair(f"Intune {self.id}")
        return self.keys

    def new_key_pair(self) -> KeyPair:
        """Make a new key pair in place of the one before."""
        self.keys = None
        return self.key_pair()

    def identity_of(self, serial: str) -> Identity | None:
        """The device of that serial number."""
        found = (one for one in self.identities.values() if one.serial_number == serial)
        return next(found, None)

    def live(self) -> list[Identity]:
        """The devices that are not released."""
        return [one for one in self.identities.values() if one.released_at is None]

    def fields(self) -> dict[str, object]:
        """List what Graph shows."""
        return {
            "id": self.id,
            "appleIdentifier": self.apple_id,
            "tokenExpirationDateTime": stamp(self.expires_at),
            "lastModifiedDateTime": stamp(self.modified_at),
            "lastSuccessfulSyncDateTime": stamp(self.synced_at),
            "lastSyncTriggeredDateTime": stamp(self.triggered_at),
            "shareTokenWithSchoolDataSyncService": False,
            "lastSyncErrorCode": self.sync_error,
            "tokenType": self.kind,
            "tokenName": self.name,
            "syncedDeviceCount": self.synced_devices,
            "dataSharingConsentGranted": self.consent,
            "roleScopeTagIds": list(self.scope_tags),
        }


@dataclass(slots=True, kw_only=True, eq=False)
class Policy:
    """An enrollment policy, made for a token."""

    name: str
    token_id: str
    platform: DevicePlatform
    id: str = field(default_factory=lambda: str(uuid4()))

    def fields(self) -> dict[str, object]:
        """List what Graph shows."""
        platform = "iOS" if self.platform is DevicePlatform.IOS else self.platform.value
        return {
            "id": self.id,
            "name": self.name,
            "description": "",
            "platforms": platform,
            "technologies": "enrollment",
            "creationSource": f"DepTokenId_{self.token_id}",
            "roleScopeTagIds": ["0"],
            "isAssigned": False,
        }


@dataclass(slots=True, kw_only=True, eq=False)
class ScopeTag:
    """A scope tag of the tenant."""

    id: str
    name: str

    def fields(self) -> dict[str, object]:
        """List what Graph shows."""
        return {
            "id": self.id,
            "displayName": self.name,
            "description": "",
            "isBuiltIn": self.id == "0",
        }


@dataclass(slots=True, kw_only=True, eq=False)
class PushCertificate:
    """The tenant's Apple push certificate."""

    apple_id: str
    expires_at: datetime
    modified_at: datetime
    topic: str = "com.apple.mgmt.External.00000000-1111-2222-3333-444444444444"
    serial_number: str = "6A4C0F2E9D10"

    def fields(self) -> dict[str, object]:
        """List what Graph shows."""
        return {
            "id": "applePushNotificationCertificate",
            "appleIdentifier": self.apple_id,
            "topicIdentifier": self.topic,
            "lastModifiedDateTime": stamp(self.modified_at),
            "expirationDateTime": stamp(self.expires_at),
            "certificateUploadStatus": None,
            "certificateUploadFailureReason": None,
            "certificateSerialNumber": self.serial_number,
            "certificate": None,
        }


@dataclass(slots=True, kw_only=True, eq=False)
class ContentToken:
    """A content (VPP) token of the tenant."""

    name: str
    organisation: str
    apple_id: str
    expires_at: datetime
    synced_at: datetime | None = None
    location: str = "Headquarters"
    state: str = "valid"
    sync_status: str = "completed"
    id: str = field(default_factory=lambda: str(uuid4()))

    def fields(self) -> dict[str, object]:
        """List what Graph shows."""
        return {
            "id": self.id,
            "displayName": self.name,
            "organizationName": self.organisation,
            "locationName": self.location,
            "vppTokenAccountType": "business",
            "appleId": self.apple_id,
            "expirationDateTime": stamp(self.expires_at),
            "lastModifiedDateTime": stamp(self.synced_at),
            "lastSyncDateTime": stamp(self.synced_at),
            "lastSyncStatus": self.sync_status,
            "state": self.state,
            "countryOrRegion": "us",
            "dataSharingConsentGranted": True,
            "automaticallyUpdateApps": False,
            "roleScopeTagIds": ["0"],
        }
