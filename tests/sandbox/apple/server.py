"""One device management service in the portal: its certificate, its tokens, its devices."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from tests.sandbox.apple.behaviour import Behaviour
from tests.sandbox.apple.certificates import PortalRefused, UploadedCertificate, accepted
from tests.sandbox.apple.credentials import LIFETIME, Credentials
from tests.sandbox.apple.devices import Device, ProfileStatus
from tests.sandbox.apple.inventory import Inventory, Op
from tests.sandbox.apple.mint import Mint
from tests.sandbox.apple.shape import Shape
from tests.sandbox.apple.tokens import IssuedToken, TokenState

_APPLE = Shape()


class TokenFile(NamedTuple):
    """What the browser saves after *Download Token*."""

    name: str
    content: bytes


class Owner(Protocol):
    """The organisation, as far as a server knows it."""

    admins: list[str]
    devices: dict[str, Device]
    behaviour: Behaviour
    now: Callable[[], datetime]

    def add_devices(self, number: int) -> list[str]:
        """Buy devices."""

    def server_of(self, serial: str) -> "Server | None":
        """Find a device's server."""


class Server:
    """A device management service (once called MDM server)."""

    def __init__(self, name: str, *, organisation: Owner, certificate: UploadedCertificate) -> None:
        self.name = name
        self.uuid = secrets.token_hex(16).upper()
        self.organisation = organisation
        self.certificate = certificate
        self.tokens: list[IssuedToken] = []
        """All tokens ever downloaded, oldest first."""
        self.inventory = Inventory()
        self.profiles: dict[str, dict[str, object]] = {}
        self.throttled: set[str] = set()
        """Serial numbers whose profile assignment answers THROTTLED."""
        self.may_release_devices = False
        self.last_connected_at: datetime | None = None
        self._consumer_keys: dict[str, str] = {}

    @property
    def token(self) -> IssuedToken | None:
        """The token last downloaded, dead or alive."""
        return self.tokens[-1] if self.tokens else None

    @property
    def serials(self) -> list[str]:
        """Serial numbers of the devices assigned to this server."""
        return list(self.inventory.devices)

    def rename(self, name: str) -> None:
        """Give the server another name; its UUID stays."""
        self.name = name

    def upload_certificate(self, certificate_pem: bytes) -> None:
        """Replace the public-key certificate; tokens downloaded from now on are for it."""
        self.certificate = accepted(certificate_pem)

    def download_token(
        self,
        *,
        as_admin: str | None = None,
        shape: Shape = _APPLE,
        lifetime: timedelta = LIFETIME,
    ) -> TokenFile:
        """Click *Download Token*: the token before it dies at once.

        The consumer key stays the same for the same person, as Apple keeps it.
        """
        admin = self._signed_in(as_admin)
        now = self.organisation.now()
        credentials = Credentials.invented(
            issued_at=now, lifetime=lifetime, consumer_key=self._consumer_keys.get(admin)
        )
        self._consumer_keys[admin] = credentials.consumer_key
        if self.token and self.token.state is TokenState.CURRENT:
            self.token.state = TokenState.SUPERSEDED
        self.tokens.append(IssuedToken(credentials=credentials, admin=admin, issued_at=now))
        content = Mint(self.certificate.pem).token(credentials, shape=shape)
        return TokenFile(f"{self.name}_Token_{now:%Y-%m-%dT%H-%M-%SZ}_smime.p7m", content)

    def revoke(self) -> None:
        """Take the token in use back."""
        if self.token:
            self.token.state = TokenState.REVOKED

    def assign_devices(self, number: int) -> list[str]:
        """Buy that many devices and assign them here; returns their serial numbers."""
        serials = self.organisation.add_devices(number)
        self._take([self.organisation.devices[serial] for serial in serials], Op.ADDED)
        return serials

    def assign(self, serials: Iterable[str], *, unseen: bool = False) -> None:
        """Assign devices to this server, wherever they were.

        Coming from another server, or assigned here a second time, a device loses its profile but
        keeps the profile's UUID. `unseen` devices never appear in a sync, as some real ones.
        """
        arriving: list[Device] = []
        moving: list[Device] = []
        for device in self._owned(serials):
            before = self.organisation.server_of(device.serial_number)
            if before:
                before.lose([device])
                device.drop_profile(keep_uuid=True)
            (moving if before else arriving).append(device)
        self._take(arriving, None if unseen else Op.ADDED)
        self._take(moving, None if unseen else self.organisation.behaviour.arrives_as)

    def unassign(self, serials: Iterable[str]) -> None:
        """Take devices from this server; they belong to none."""
        leaving = [self._assigned(serial) for serial in serials]
        self.lose(leaving)
        for device in leaving:
            device.drop_profile()

    def release(self, serials: Iterable[str]) -> None:
        """Release devices from the organisation, which can't be undone; a sync rarely says so."""
        says_so = self.organisation.behaviour.says_released
        for serial in serials:
            self.lose([self._assigned(serial)], unseen=not says_so)
            del self.organisation.devices[serial]

    def lose(self, devices: Sequence[Device], *, unseen: bool = False) -> None:
        """Let go of devices, and say so in the log."""
        for device in devices:
            del self.inventory.devices[device.serial_number]
        if not unseen:
            self.inventory.note(Op.DELETED, devices, self.organisation.now())

    def enrol(self, serials: Iterable[str]) -> None:
        """Let devices start up and fetch their profile."""
        fetching = [self._assigned(serial) for serial in serials]
        for device in fetching:
            if device.profile_status is ProfileStatus.ASSIGNED:
                device.profile_status = ProfileStatus.PUSHED
                device.profile_pushed_at = self.organisation.now()
        self.inventory.note(Op.MODIFIED, fetching, self.organisation.now())

    def _take(self, devices: Sequence[Device], op: Op | None) -> None:
        now = self.organisation.now()
        admin = self.organisation.admins[0] if self.organisation.admins else "-1"
        for device in devices:
            device.assigned_at, device.assigned_by = now, admin
            self.inventory.devices[device.serial_number] = device
        if op:
            self.inventory.note(op, devices, now)

    def _signed_in(self, admin: str | None) -> str:
        if admin is None and self.organisation.admins:
            return self.organisation.admins[0]
        if admin is None or admin not in self.organisation.admins:
            raise PortalRefused(f"{admin or 'Nobody'} can't sign in to this organisation.")
        return admin

    def _owned(self, serials: Iterable[str]) -> list[Device]:
        found = {serial: self.organisation.devices.get(serial) for serial in serials}
        if None in found.values():
            missing = ", ".join(serial for serial, device in found.items() if device is None)
            raise PortalRefused(f"The organisation has no device {missing}.")
        return [device for device in found.values() if device is not None]

    def _assigned(self, serial: str) -> Device:
        try:
            return self.inventory.devices[serial]
        except KeyError:
            raise PortalRefused(f"{serial} is not assigned to {self.name}.") from None
