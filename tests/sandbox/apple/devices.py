"""Devices of an organisation, invented: little is kept, the rest follows from their number."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # serial numbers have neither I nor O
_SPREAD = 1_000_000_007  # shares no factor with the number of letters: no serial comes twice
_HEX_DIGITS_OF_A_MAC = 12


class ProfileStatus(StrEnum):
    """What became of a device's enrollment profile."""

    EMPTY = "empty"
    """No profile was ever assigned."""

    ASSIGNED = "assigned"
    """A profile waits for the device."""

    PUSHED = "pushed"
    """The device fetched its profile."""

    REMOVED = "removed"
    """The profile was taken away, or the device moved between servers."""


@dataclass(frozen=True, slots=True)
class Product:
    """One thing an organisation buys."""

    family: str
    os: str
    model: str
    description: str
    color: str
    has_cellular: bool = False


PRODUCTS = (
    Product(
        "iPad", "iPadOS", "iPad (10th generation)", "IPAD 10TH GEN WI-FI 64GB SILVER", "SILVER"
    ),
    Product(
        "iPad",
        "iPadOS",
        "iPad Air 11-inch",
        "IPAD AIR 11 WI-FI CELL 128GB BLUE",
        "BLUE",
        has_cellular=True,
    ),
    Product("iPhone", "iOS", "iPhone 15", "IPHONE 15 BLACK 128GB", "BLACK", has_cellular=True),
    Product("Mac", "OSX", "MacBook Air", "MBA 13.6 MIDNIGHT/8C CPU/8C GPU/8GB/256GB", "MIDNIGHT"),
    Product("AppleTV", "tvOS", "Apple TV 4K", "APPLE TV 4K WI-FI 64GB", "BLACK"),
    Product("Vision", "visionOS", "Apple Vision Pro", "APPLE VISION PRO 256GB", "WHITE"),
)


@dataclass(slots=True, eq=False)
class Device:
    """One device: its number, who assigned it when, and its profile."""

    number: int
    serial_number: str
    product: Product
    assigned_by: str
    assigned_at: datetime
    profile_status: ProfileStatus = ProfileStatus.EMPTY
    profile_uuid: str | None = None
    profile_assigned_at: datetime | None = None
    profile_pushed_at: datetime | None = None
    migration_deadline: datetime | None = None

    def drop_profile(self, *, keep_uuid: bool = False) -> None:
        """Take the profile away; a move between servers leaves its UUID standing."""
        if self.profile_status is not ProfileStatus.EMPTY:
            self.profile_status = ProfileStatus.REMOVED
        if not keep_uuid:
            self.profile_uuid = None
        self.profile_assigned_at = self.profile_pushed_at = None

    def fields(self, version: int) -> dict[str, object]:
        """List what a client of that protocol version is shown; times never set are absent."""
        product = self.product
        fields: dict[str, object] = {
            "serial_number": self.serial_number,
            "model": product.model,
            "description": product.description,
            "color": product.color,
            "asset_tag": f"A-{self.number:06d}",
            "profile_status": self.profile_status.value,
            "device_assigned_by": self.assigned_by,
            "device_assigned_date": stamp(self.assigned_at),
        }
        if version >= 2:
            fields["device_family"] = product.family
            fields["os"] = "iOS" if version < 7 and product.os == "iPadOS" else product.os
        if self.profile_uuid:
            fields["profile_uuid"] = self.profile_uuid
        if self.profile_assigned_at:
            fields["profile_assign_time"] = stamp(self.profile_assigned_at)
        if self.profile_pushed_at:
            fields["profile_push_time"] = stamp(self.profile_pushed_at)
        if version >= 8 and self.migration_deadline:
            fields["mdm_migration_deadline"] = stamp(self.migration_deadline)
        if version >= 10:
            self._add_hardware(fields)
        return fields

    def _add_hardware(self, fields: dict[str, object]) -> None:
        mac = f"02{self.number:0{_HEX_DIGITS_OF_A_MAC - 2}X}"
        fields["wifi_mac_address"] = mac
        fields["is_replacement_device"] = False
        if self.product.has_cellular:
            fields["imei"] = [f"35{self.number:013d}"]
            fields["eid"] = f"89{self.number:030d}"


def serial_number(prefix: str, number: int) -> str:
    """Make the serial number of twelve characters for the nth device of an organisation."""
    rest = number * _SPREAD % 34**8
    letters = []
    for _ in range(8):
        rest, letter = divmod(rest, 34)
        letters.append(_LETTERS[letter])
    return prefix + "".join(letters)


def serial_prefix(number: int) -> str:
    """Make the four characters with which the serial numbers of the nth organisation begin."""
    return "X" + "".join(_LETTERS[number // 34**place % 34] for place in (2, 1, 0))


@lru_cache(maxsize=4096)
def stamp(moment: datetime) -> str:
    """Write a time the way the service does."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
