"""Apple's answers, decoded into what is kept; unknown fields are passed over.

Source: Apple, Device Assignment Services, protocol version 10.
"""

from collections.abc import Sequence

import msgspec

from storage.records import Device


class Session(msgspec.Struct, frozen=True):
    """The answer of `/session`."""

    auth_session_token: str

    def __repr__(self) -> str:
        return "Session(...)"


class Account(msgspec.Struct, frozen=True):
    """The answer of `/account`: what the token belongs to."""

    server_uuid: str
    server_name: str = ""
    admin_id: str = ""
    facilitator_id: str = ""
    org_name: str = ""
    org_id: str = ""
    org_id_hash: str = ""


class AppleDevice(msgspec.Struct, frozen=True):
    """A device in an answer; times that are not set may be absent or null."""

    serial_number: str
    model: str | None = None
    description: str | None = None
    color: str | None = None
    asset_tag: str | None = None
    device_family: str | None = None
    os: str | None = None
    profile_status: str | None = None
    profile_uuid: str | None = None
    device_assigned_by: str | None = None
    device_assigned_date: str | None = None
    op_date: str | None = None
    response_status: str | None = None

    def record(self) -> Device:
        """The device as it is kept: absent is the empty text."""
        kept = (name for name in self.__struct_fields__ if name != "response_status")
        return Device(**{name: getattr(self, name) or "" for name in kept})


class FetchedPage(msgspec.Struct, frozen=True):
    """A page of `/server/devices`: `cursor` is opaque, up to 1,000 characters."""

    devices: list[AppleDevice]
    cursor: str
    more_to_follow: bool

    def records(self) -> Sequence[Device]:
        """The devices, each once: the later in a page is the newer."""
        return list({device.serial_number: device.record() for device in self.devices}.values())


class DeviceDetails(msgspec.Struct, frozen=True):
    """The answer of `/devices`, by serial number."""

    devices: dict[str, AppleDevice]


class DeviceAnswers(msgspec.Struct, frozen=True):
    """The answer of calls that change devices: a word for each serial number."""

    devices: dict[str, str]
