"""What the portal shows, as the Apple page draws it."""

from typing import Any

from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.tokens import TokenState
from tests.sandbox.demo.house import House
from tests.sandbox.slack.reading import Json

PAGE = 50
PORTALS = {"edu": "Apple School Manager", "org": "Apple Business"}


class Portal:
    """The portal as a page shows it, with the devices that the page asks for."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._apple = house.stage.apple

    def sections(self) -> dict[str, Any]:
        """Everything but the devices, which come page by page."""
        return {
            "organisations": [self._organisation(each) for each in self._apple.organisations],
            "trouble": sorted({each.path for each in self._apple.faults.ordered}),
            "now": f"{self._apple.now():%Y-%m-%d}",
        }

    def devices(self, organisation_id: str, asked: Json) -> Json:
        """One page of devices: of one server, of none, or all; those that hold the words."""
        organisation = self.organisation(organisation_id)
        place, words = str(asked.get("server", "")), str(asked.get("words", "")).upper()
        held = {serial: server.name for server in organisation.servers for serial in server.serials}
        found = [
            device
            for serial, device in organisation.devices.items()
            if words in serial and place in ("", held.get(serial) or "-")
        ]
        first = max(0, int(asked.get("first", 0)))
        return {
            "total": len(found),
            "first": first,
            "devices": [
                {
                    "serial": device.serial_number,
                    "model": device.product.model,
                    "server": held.get(device.serial_number, ""),
                    "profile": device.profile_status.value,
                }
                for device in found[first : first + PAGE]
            ],
        }

    def organisation(self, organisation_id: str) -> Organisation:
        """Find an organisation."""
        return next(o for o in self._apple.organisations if o.id == organisation_id)

    def _organisation(self, organisation: Organisation) -> Json:
        assigned = sum(len(server.inventory.devices) for server in organisation.servers)
        return {
            "id": organisation.id,
            "name": organisation.name,
            "kind": organisation.kind,
            "portal": PORTALS[organisation.kind],
            "admins": organisation.admins,
            "terms_signed": organisation.terms_signed,
            "devices": len(organisation.devices),
            "unassigned": len(organisation.devices) - assigned,
            "servers": [self._server(server) for server in organisation.servers],
        }

    def _server(self, server: Server) -> Json:
        token, connected = server.token, server.last_connected_at
        return {
            "uuid": server.uuid,
            "name": server.name,
            "devices": len(server.inventory.devices),
            "fingerprint": server.certificate.fingerprint,
            "subject": server.certificate.subject,
            "downloads": len(server.tokens),
            "last_connected": f"{connected:%Y-%m-%dT%H:%M:%SZ}" if connected else None,
            "token": None
            if token is None
            else {
                "by": token.admin,
                "issued": f"{token.issued_at:%Y-%m-%dT%H:%M:%SZ}",
                "expires": f"{token.credentials.access_token_expiry:%Y-%m-%dT%H:%M:%SZ}",
                "revoked": token.state is TokenState.REVOKED,
            },
        }
