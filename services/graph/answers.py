"""Graph's answers, decoded into what is kept; unknown fields are passed over.

`@odata.type` may be missing, whatever the schema says. Source: Graph beta and v1.0 metadata.
"""

from typing import Generic, TypeVar

import msgspec

from services.graph.messages import (
    ContentToken,
    DefaultProfile,
    DeletedUser,
    Identity,
    Platform,
    Policy,
    Profile,
    PushCertificate,
    ScopeTag,
    Setting,
    User,
    bare_id,
    moment,
)
from storage.states import Portal

Item = TypeVar("Item")

PORTALS = {"dep": Portal.BUSINESS, "appleSchoolManager": Portal.SCHOOL}
TOKEN_TYPES = {portal: name for name, portal in PORTALS.items()}
PSEUDO = "none"
"""The `tokenType` of the entry that stands for Apple Configurator: it is no token."""
PLATFORMS = {
    "#microsoft.graph.depIOSEnrollmentProfile": Platform.IOS,
    "#microsoft.graph.depMacOSEnrollmentProfile": Platform.MACOS,
    "#microsoft.graph.depTvOSEnrollmentProfile": Platform.TVOS,
    "#microsoft.graph.depVisionOSEnrollmentProfile": Platform.VISIONOS,
}


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A page of any list."""

    value: list[Item]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


class Text(msgspec.Struct, frozen=True):
    """The answer of functions that give a text."""

    value: str | None = None


class SettingAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`depOnboardingSetting`."""

    id: str
    token_type: str | None = None
    token_name: str | None = None
    apple_identifier: str | None = None
    token_expiration_date_time: str | None = None
    last_modified_date_time: str | None = None
    last_successful_sync_date_time: str | None = None
    last_sync_triggered_date_time: str | None = None
    last_sync_error_code: int | None = None
    synced_device_count: int | None = None
    role_scope_tag_ids: list[str | None] | None = None

    @property
    def pseudo(self) -> bool:
        """Whether it is the entry of Apple Configurator."""
        return self.token_type == PSEUDO

    def record(self) -> Setting:
        """The token as it is kept."""
        return Setting(
            id=self.id,
            name=self.token_name,
            apple_id=self.apple_identifier,
            portal=PORTALS.get(self.token_type or ""),
            expires_at=moment(self.token_expiration_date_time),
            modified_at=moment(self.last_modified_date_time),
            synced_at=moment(self.last_successful_sync_date_time),
            sync_triggered_at=moment(self.last_sync_triggered_date_time),
            sync_error=self.last_sync_error_code or 0,
            devices=self.synced_device_count or 0,
            scope_tags=tuple(tag for tag in self.role_scope_tag_ids or () if tag is not None),
        )


class IdentityAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`importedAppleDeviceIdentity`."""

    id: str
    serial_number: str | None = None
    platform: str | None = None
    is_deleted: bool | None = None
    enrollment_state: str | None = None
    requested_enrollment_profile_id: str | None = None
    last_contacted_date_time: str | None = None

    def record(self) -> Identity:
        """The device as it is kept."""
        profile = self.requested_enrollment_profile_id
        return Identity(
            id=self.id,
            serial_number=self.serial_number or None,
            platform=self.platform or "unknown",
            released=bool(self.is_deleted),
            state=self.enrollment_state or "unknown",
            profile_id=bare_id(profile) if profile else None,
            contacted_at=moment(self.last_contacted_date_time),
        )


class ProfileAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`enrollmentProfile` of any kind; without an id where a default is not set."""

    id: str | None = None
    display_name: str | None = None
    odata_type: str | None = msgspec.field(name="@odata.type", default=None)

    def record(self) -> Profile:
        """The profile as it is kept."""
        return Profile(
            id=bare_id(self.id or ""),
            full_id=self.id or "",
            name=self.display_name,
            platform=PLATFORMS.get(self.odata_type or ""),
        )

    def default(self) -> DefaultProfile | None:
        """The default profile, None where there is none."""
        if not self.id:
            return None
        return DefaultProfile(id=bare_id(self.id), full_id=self.id, name=self.display_name)


class PolicyAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`deviceManagementConfigurationPolicy`; `creation_source` names the token it was made for."""

    id: str
    name: str | None = None
    creation_source: str | None = None

    def record(self) -> Policy:
        """The policy as it is kept."""
        return Policy(id=self.id, name=self.name)


class ScopeTagAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`roleScopeTag`."""

    id: str
    display_name: str | None = None

    def record(self) -> ScopeTag:
        """The scope tag as it is kept."""
        return ScopeTag(id=self.id, name=self.display_name or self.id)


class PushCertificateAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`applePushNotificationCertificate`."""

    apple_identifier: str | None = None
    topic_identifier: str | None = None
    certificate_serial_number: str | None = None
    expiration_date_time: str | None = None
    last_modified_date_time: str | None = None

    def record(self) -> PushCertificate:
        """The certificate as it is kept."""
        return PushCertificate(
            apple_id=self.apple_identifier,
            topic=self.topic_identifier,
            serial_number=self.certificate_serial_number,
            expires_at=moment(self.expiration_date_time),
            modified_at=moment(self.last_modified_date_time),
        )


class ContentTokenAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`vppToken`."""

    id: str
    display_name: str | None = None
    organization_name: str | None = None
    location_name: str | None = None
    apple_id: str | None = None
    state: str | None = None
    last_sync_status: str | None = None
    expiration_date_time: str | None = None
    last_sync_date_time: str | None = None

    def record(self) -> ContentToken:
        """The token as it is kept."""
        return ContentToken(
            id=self.id,
            name=self.display_name,
            organisation=self.organization_name,
            location=self.location_name,
            apple_id=self.apple_id,
            state=self.state or "unknown",
            sync_state=self.last_sync_status or "none",
            expires_at=moment(self.expiration_date_time),
            synced_at=moment(self.last_sync_date_time),
        )


class UserAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`user`, as far as it was selected."""

    id: str
    user_principal_name: str | None = None
    mail: str | None = None
    display_name: str | None = None
    account_enabled: bool | None = None
    last_password_change_date_time: str | None = None
    employee_leave_date_time: str | None = None

    def record(self) -> User:
        """The person as they are kept."""
        return User(
            id=self.id,
            address=self.user_principal_name,
            mail=self.mail,
            name=self.display_name,
            enabled=self.account_enabled,
            password_changed_at=moment(self.last_password_change_date_time),
            leaves_at=moment(self.employee_leave_date_time),
        )


class DeletedUserAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`user` below `directory/deletedItems`."""

    id: str
    display_name: str | None = None
    deleted_date_time: str | None = None

    def record(self) -> DeletedUser:
        """The person as they are kept."""
        return DeletedUser(
            id=self.id, name=self.display_name, deleted_at=moment(self.deleted_date_time)
        )
