"""What somebody does at the portal, and what goes wrong there."""

import itertools
from collections.abc import Callable, Mapping
from http import HTTPStatus

from tests.sandbox.apple import faults
from tests.sandbox.apple.certificates import PortalRefused
from tests.sandbox.apple.organisation import Organisation, OrganisationType
from tests.sandbox.apple.server import Server, TokenFile
from tests.sandbox.demo.apple_room import Portal
from tests.sandbox.demo.house import House
from tests.sandbox.slack.reading import Json

MOST_DEVICES = 100_000
ALWAYS = 10**9
PATHS = ("/session", "/account", "/server/devices", "/devices/sync", "/devices", "/profile")
RETRY_AFTER = 5

Act = Callable[[Organisation, Json], None]


class PortalActs:
    """The acts, by the words that the page sends."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._apple = house.stage.apple
        self._portal = Portal(house)
        self._named: Mapping[str, Act] = {
            "rename_server": lambda o, asked: _server(o, asked).rename(_text(asked, "name")),
            "remove_server": lambda o, asked: o.remove_server(_server(o, asked)),
            "buy": lambda o, asked: _ignored(o.add_devices(_count(asked))),
            "assign": self._assign,
            "unassign": self._unassign,
            "release": self._release,
            "add_admin": self._add_admin,
            "remove_admin": lambda o, asked: o.remove_admin(asked["admin"]),
            "change_password": lambda o, asked: o.change_password(asked["admin"]),
            "change_terms": lambda o, _: o.change_terms(),
            "sign_terms": lambda o, _: o.sign_terms(),
            "curious": lambda o, asked: _ignored(
                _server(o, asked).download_token(as_admin=asked["admin"])
            ),
            "throttle": lambda _o, _: self._order(faults.throttled(RETRY_AFTER)),
            "outage": lambda _o, _: self._order(
                faults.status(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR")
            ),
            "recover": lambda _o, _: self._apple.faults.clear(),
        }

    def do(self, asked: Json) -> None:
        """Do one thing. Raises PortalRefused."""
        if asked["act"] == "add_organisation":
            self._add_organisation(asked)
        else:
            organisation = self._portal.organisation(asked["organisation"])
            self._named[asked["act"]](organisation, asked)
        self._house.changes.mark()

    def add_server(self, asked: Json, pem: bytes) -> None:
        """Add a device management service, or give one another certificate."""
        organisation = self._portal.organisation(asked["organisation"])
        if asked.get("server"):
            _server(organisation, asked).upload_certificate(pem)
        else:
            organisation.add_server(_text(asked, "name"), certificate_pem=pem)
        self._house.changes.mark()

    def download(self, asked: Json) -> TokenFile:
        """Click *Download Token*: the token before it dies."""
        organisation = self._portal.organisation(asked["organisation"])
        file = _server(organisation, asked).download_token(as_admin=asked["admin"])
        self._house.changes.mark()
        return file

    def _add_organisation(self, asked: Json) -> None:
        admin = _apple_id(asked)
        kind: OrganisationType = "edu" if asked.get("kind") == "edu" else "org"
        self._apple.add_organisation(_text(asked, "name"), admin=admin, type=kind)

    def _add_admin(self, organisation: Organisation, asked: Json) -> None:
        organisation.add_admin(_apple_id(asked))

    def _assign(self, organisation: Organisation, asked: Json) -> None:
        _server(organisation, asked).assign(self._chosen(organisation, asked, free=True))

    def _unassign(self, organisation: Organisation, asked: Json) -> None:
        organisation.unassign(self._chosen(organisation, asked, free=False))

    def _release(self, organisation: Organisation, asked: Json) -> None:
        for serial in self._chosen(organisation, asked, free=False):
            server = organisation.server_of(serial)
            if server is not None:
                server.release([serial])
            else:
                del organisation.devices[serial]

    def _chosen(self, organisation: Organisation, asked: Json, *, free: bool) -> list[str]:
        """The devices that were ticked, or so many: of those without a server, or of its own."""
        if "serials" in asked:
            return list(asked["serials"])
        if not free:
            held = _server(organisation, asked).serials
            return held[: _count(asked)]
        held_all = set().union(*(server.serials for server in organisation.servers))
        rest = (serial for serial in organisation.devices if serial not in held_all)
        return list(itertools.islice(rest, _count(asked)))

    def _order(self, fault: faults.Fault) -> None:
        self._apple.faults.clear()
        for path in PATHS:
            self._apple.faults.next(path, fault, times=ALWAYS)


def _server(organisation: Organisation, asked: Json) -> Server:
    return next(each for each in organisation.servers if each.uuid == asked["server"])


def _text(asked: Json, key: str) -> str:
    text = str(asked.get(key, "")).strip()
    if not text:
        raise PortalRefused("Enter a name.")
    return text


def _apple_id(asked: Json) -> str:
    admin = str(asked.get("admin", "")).strip()
    name, _, domain = admin.partition("@")
    if not name or "." not in domain:
        raise PortalRefused("Enter an Apple ID: an email address of the organisation.")
    return admin


def _count(asked: Json) -> int:
    count = asked.get("count")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_DEVICES:
        raise PortalRefused(f"Enter a number from 1 to {MOST_DEVICES:,}.")
    return count


def _ignored(_: object) -> None:
    """Take an answer that nobody needs."""
