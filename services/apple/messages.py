"""Apple's answers, decoded into what is kept; unknown fields are passed over.

Source: Apple, Device Assignment Services, protocol version 10.
"""

from datetime import UTC, datetime

import msgspec

from services.programs import DevicePage
from storage.records import Device

DELETED = "deleted"
SERIAL_LENGTH = 64


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
    """A device in an answer; times that are not set may be absent or null.

    `op_type` and `op_date` come with a sync: what happened to the device, and when.
    """

    serial_number: str | None = None
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
    op_type: str | None = None
    op_date: str | None = None
    response_status: str | None = None

    @property
    def gone(self) -> bool:
        """Whether the server has lost it."""
        return self.op_type == DELETED

    @property
    def known(self) -> bool:
        """Whether it says which device it is."""
        return bool(self.serial_number) and len(self.serial_number or "") <= SERIAL_LENGTH

    def record(self) -> Device:
        """The device as it is kept: absent is the empty text, and dates compare as texts."""
        facts = {name: getattr(self, name) or "" for name in self.__struct_fields__}
        facts["op_date"] = _moment(facts["op_date"])
        del facts["op_type"], facts["response_status"]
        return Device(**facts)


class FetchedPage(msgspec.Struct, frozen=True):
    """A page of `/server/devices` or `/devices/sync`; `cursor` is opaque, up to 1,000 characters.

    A device may come several times: the latest `op_date` is its last known state, and of the same
    date `deleted` wins (Apple, "Sync the List of Devices").
    """

    devices: list[AppleDevice]
    cursor: str
    more_to_follow: bool

    def page(self) -> DevicePage:
        """The page as it is kept: each device once."""
        newest: dict[str, tuple[tuple[str, bool], AppleDevice]] = {}
        failed = 0
        for device in self.devices:
            serial = device.serial_number
            if serial is None or not device.known:
                failed += 1
                continue
            rank = (_moment(device.op_date or ""), device.gone)
            if serial not in newest or rank >= newest[serial][0]:
                newest[serial] = (rank, device)
        last = [device for _, device in newest.values()]
        return DevicePage(
            devices=[device.record() for device in last if not device.gone],
            gone=[device.record() for device in last if device.gone],
            failed=failed,
            cursor=self.cursor,
        )


class DeviceDetails(msgspec.Struct, frozen=True):
    """The answer of `/devices`, by serial number."""

    devices: dict[str, AppleDevice]


class DeviceAnswers(msgspec.Struct, frozen=True):
    """The answer of calls that change devices: a word for each serial number."""

    devices: dict[str, str]


def _moment(text: str) -> str:
    """A time in the one form in which times compare as texts; empty where it is none."""
    if not text:
        return ""
    try:
        at = datetime.fromisoformat(text)
        aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return aware.isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return ""
