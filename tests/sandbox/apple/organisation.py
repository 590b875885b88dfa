"""One organisation in the portal: its people, its terms, its devices and its servers."""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from tests.sandbox.apple.behaviour import Behaviour
from tests.sandbox.apple.certificates import PortalRefused, accepted
from tests.sandbox.apple.devices import PRODUCTS, Device, serial_number, serial_prefix
from tests.sandbox.apple.server import Server

OrganisationType = Literal["edu", "org"]


class Organisation:
    """One customer of Apple Business (`org`) or Apple School Manager (`edu`)."""

    def __init__(
        self,
        name: str,
        *,
        number: int,
        admin: str,
        kind: OrganisationType,
        behaviour: Behaviour,
        now: Callable[[], datetime],
    ) -> None:
        self.name = name
        self.kind = kind
        self.id = str(10_000_000 + number * 7919)
        self.id_hash = hashlib.sha256(f"{self.id} {secrets.token_hex(8)}".encode()).hexdigest()
        self.email = f"it@{admin.rpartition('@')[2]}"
        self.phone = f"+1 555 01{number % 100:02d}"
        self.address = f"{number} Invented Street, Springfield"
        self.admins = [admin]
        self.terms_signed = True
        self.servers: list[Server] = []
        self.removed_servers: list[Server] = []
        self.devices: dict[str, Device] = {}
        """All devices, those assigned to no server too."""
        self.behaviour = behaviour
        self.now = now
        self._serials = serial_prefix(number)
        self._bought = 0

    def add_server(self, name: str, *, certificate_pem: bytes) -> Server:
        """Add a device management service, with the public-key certificate of the MDM."""
        if not name.strip():
            raise PortalRefused("Give the server a name.")
        if any(server.name == name for server in self.servers):
            raise PortalRefused(f"There is a server named {name} already.")
        server = Server(name, organisation=self, certificate=accepted(certificate_pem))
        self.servers.append(server)
        return server

    def remove_server(self, server: Server) -> None:
        """Delete a server: its token dies, its devices belong to none."""
        server.unassign(list(server.inventory.devices))
        server.revoke()
        self.servers.remove(server)
        self.removed_servers.append(server)

    def add_admin(self, admin: str) -> None:
        """Let somebody else download tokens too."""
        if admin not in self.admins:
            self.admins.append(admin)

    def remove_admin(self, admin: str) -> None:
        """Delete a person's account: the tokens they downloaded answer FORBIDDEN."""
        if admin not in self.admins:
            raise PortalRefused(f"{admin} has no account here.")
        self.admins.remove(admin)

    def change_password(self, admin: str) -> None:
        """Change a person's password: the tokens they downloaded die."""
        if admin not in self.admins:
            raise PortalRefused(f"{admin} has no account here.")
        for server in self.servers:
            if server.token and server.token.admin == admin:
                server.revoke()

    def change_terms(self) -> None:
        """Put new terms before the organisation; calls are refused until they are signed."""
        self.terms_signed = False

    def sign_terms(self) -> None:
        """Sign the terms that wait."""
        self.terms_signed = True

    def add_devices(self, number: int) -> list[str]:
        """Buy devices; they belong to no server yet. Returns their serial numbers."""
        now = self.now()
        bought = [
            Device(
                number=index,
                serial_number=serial_number(self._serials, index),
                product=PRODUCTS[index % len(PRODUCTS)],
                assigned_by=self.admins[0] if self.admins else "-1",
                assigned_at=now,
            )
            for index in range(self._bought + 1, self._bought + number + 1)
        ]
        self._bought += number
        self.devices.update((device.serial_number, device) for device in bought)
        return [device.serial_number for device in bought]

    def server_of(self, serial: str) -> Server | None:
        """Find the server that a device is assigned to."""
        return next((each for each in self.servers if serial in each.inventory.devices), None)

    def unassign(self, serials: Iterable[str]) -> None:
        """Take devices from whatever servers they are assigned to."""
        wanted = list(serials)
        for server in self.servers:
            server.unassign([serial for serial in wanted if serial in server.inventory.devices])
