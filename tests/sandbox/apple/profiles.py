"""The calls about enrollment profiles: define, show, assign, take away."""

import secrets
from http import HTTPStatus
from typing import Any

from tests.sandbox.apple.answers import Refused
from tests.sandbox.apple.call import Call, malformed
from tests.sandbox.apple.devices import Device, ProfileStatus
from tests.sandbox.apple.inventory import Op
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server

_MOST_DEVICES = 1000
_THROTTLES_SINCE = 9
_SAYS_WHEN_SINCE = 10

_TEXTS = (
    # key, characters at most, required, code without its ending
    ("profile_name", 125, True, "CONFIG_NAME"),
    ("url", 2000, True, "CONFIG_URL"),
    ("org_magic", 256, True, "MAGIC"),
    ("department", 125, False, "DEPARTMENT"),
    ("support_phone_number", 50, False, "SUPPORT_PHONE"),
    ("support_email_address", 250, False, "SUPPORT_EMAIL"),
)


def define(organisation: Organisation, server: Server, call: Call) -> dict[str, object]:
    """Answer `POST /profile`."""
    profile = call.json()
    for key, longest, required, code in _TEXTS:
        _check_text(profile.get(key), longest=longest, required=required, code=code)
    if profile.get("is_mdm_removable") is False and profile.get("is_supervised") is not True:
        raise Refused(HTTPStatus.BAD_REQUEST, "FLAGS_INVALID")
    uuid = secrets.token_hex(16).upper()
    serials = profile.pop("devices", None) or []
    if not isinstance(serials, list):
        raise malformed()
    server.profiles[uuid] = profile
    return {
        "profile_uuid": uuid,
        "devices": _assign(organisation, server, uuid, serials, call.version),
    }


def show(_: Organisation, server: Server, call: Call) -> dict[str, object]:
    """Answer `GET /profile?profile_uuid=`."""
    uuid = call.parameters.get("profile_uuid")
    return {"profile_uuid": uuid, **_profile(server, uuid)}


def assign(organisation: Organisation, server: Server, call: Call) -> dict[str, object]:
    """Answer `POST /profile/devices`, and PUT, as it was once documented."""
    serials = call.serials()
    uuid = call.json().get("profile_uuid")
    _profile(server, uuid)
    uuid = str(uuid)
    if len(serials) > _MOST_DEVICES:
        raise malformed()
    answers = _assign(organisation, server, uuid, serials, call.version)
    answer: dict[str, object] = {"profile_uuid": uuid, "devices": answers}
    if "THROTTLED" in answers.values() and call.version >= _SAYS_WHEN_SINCE:
        answer["retry_after_seconds"] = organisation.behaviour.retry_after_seconds
    return answer


def take_away(organisation: Organisation, server: Server, call: Call) -> dict[str, object]:
    """Answer `DELETE /profile/devices`."""
    answers: dict[str, object] = {}
    changed: list[Device] = []
    uuid = call.json().get("profile_uuid")
    for serial in call.serials():
        device = server.inventory.devices.get(serial)
        if device is None:
            answers[serial] = "NOT_ACCESSIBLE"
        elif uuid and device.profile_uuid != uuid:
            answers[serial] = "FAILED"
        else:
            device.drop_profile()
            changed.append(device)
            answers[serial] = "SUCCESS"
    server.inventory.note(Op.MODIFIED, changed, organisation.now())
    return {"devices": answers}


def _assign(
    organisation: Organisation, server: Server, uuid: str, serials: list[str], version: int
) -> dict[str, str]:
    answers: dict[str, str] = {}
    changed: list[Device] = []
    for serial in serials:
        device = server.inventory.devices.get(serial)
        if device is None:
            answers[serial] = "NOT_ACCESSIBLE"
        elif serial in server.throttled:
            answers[serial] = "THROTTLED" if version >= _THROTTLES_SINCE else "FAILED"
        else:
            device.profile_uuid = uuid
            device.profile_status = ProfileStatus.ASSIGNED
            device.profile_assigned_at = organisation.now()
            device.profile_pushed_at = None
            changed.append(device)
            answers[serial] = "SUCCESS"
    server.inventory.note(Op.MODIFIED, changed, organisation.now())
    return answers


def _profile(server: Server, uuid: object) -> dict[str, object]:
    if not uuid:
        raise Refused(HTTPStatus.BAD_REQUEST, "PROFILE_UUID_REQUIRED")
    if not isinstance(uuid, str) or uuid not in server.profiles:
        raise Refused(HTTPStatus.NOT_FOUND, "PROFILE_NOT_FOUND")
    return server.profiles[uuid]


def _check_text(value: Any, *, longest: int, required: bool, code: str) -> None:  # noqa: ANN401 - any JSON may stand there
    if value is None or value == "":
        if required:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{code}_REQUIRED")
        return
    if not isinstance(value, str) or len(value) > longest:
        raise Refused(HTTPStatus.BAD_REQUEST, f"{code}_INVALID")
