"""The calls that tell about devices: fetch, sync, details, disown."""

from http import HTTPStatus
from typing import Any

from tests.sandbox.apple.answers import Refused
from tests.sandbox.apple.behaviour import Behaviour
from tests.sandbox.apple.call import Call, malformed
from tests.sandbox.apple.devices import Device, stamp
from tests.sandbox.apple.inventory import Event, Page
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server

DEFAULT_LIMIT = 100


def fetch(organisation: Organisation, server: Server, call: Call) -> dict[str, object]:
    """Answer `POST /server/devices`."""
    cursor, limit = _asked(call, organisation.behaviour)
    page = server.inventory.fetch(cursor, limit=limit, now=organisation.now())
    return _shown(page, call.version)


def sync(organisation: Organisation, server: Server, call: Call) -> dict[str, object]:
    """Answer `POST /devices/sync`."""
    cursor, limit = _asked(call, organisation.behaviour)
    page = server.inventory.sync(cursor, limit=limit, now=organisation.now())
    return _shown(page, call.version)


def details(_: Organisation, server: Server, call: Call) -> dict[str, object]:
    """Answer `POST /devices`."""
    found: dict[str, object] = {}
    for serial in call.serials():
        device = server.inventory.devices.get(serial)
        found[serial] = (
            {**device.fields(call.version), "response_status": "SUCCESS"}
            if device
            else {"serial_number": serial, "response_status": "NOT_ACCESSIBLE"}
        )
    return {"devices": found}


def disown(_: Organisation, server: Server, call: Call) -> dict[str, object]:
    """Answer `POST /devices/disown`, which only a server that may release devices can call."""
    serials = call.serials()
    if not server.may_release_devices:
        raise Refused(HTTPStatus.FORBIDDEN, "ACCESS_DENIED")
    answers: dict[str, object] = {}
    for serial in serials:
        if serial in server.inventory.devices:
            server.release([serial])
            answers[serial] = "SUCCESS"
        else:
            answers.setdefault(serial, "NOT_ACCESSIBLE")
    return {"devices": answers}


def _asked(call: Call, behaviour: Behaviour) -> tuple[str | None, int]:
    body: dict[str, Any] = call.json()
    cursor = body.get("cursor")
    limit = body.get("limit", DEFAULT_LIMIT)
    is_sound = (
        body.keys() <= {"cursor", "limit"}
        and (cursor is None or isinstance(cursor, str))
        and type(limit) is int  # a bool is not a number here
        and 1 <= limit <= behaviour.maximum_limit
    )
    if not is_sound:
        raise malformed()
    return cursor, min(limit, behaviour.full_page or limit)


def _shown(page: Page, version: int) -> dict[str, object]:
    return {
        "devices": [_line(each, version) for each in page.devices],
        "cursor": page.cursor,
        "fetched_until": stamp(page.fetched_until),
        "more_to_follow": page.more_to_follow,
    }


def _line(each: Device | Event, version: int) -> dict[str, object]:
    if isinstance(each, Device):
        return each.fields(version)
    fields = each.device.fields(version)
    fields["op_type"] = each.op.value
    fields["op_date"] = stamp(each.at)
    return fields
