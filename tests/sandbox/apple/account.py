"""`GET /account`: what a token belongs to."""

from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server

_LIMITED = {
    "/server/devices": ["POST"],
    "/devices/sync": ["POST"],
    "/devices": ["POST"],
    "/devices/disown": ["POST"],
    "/profile/devices": ["DELETE", "POST", "PUT"],
}
_UNLIMITED = {"/account": ["GET"], "/profile": ["GET", "POST"]}


def account_detail(organisation: Organisation, server: Server, version: int) -> dict[str, object]:
    """Describe organisation and server to a client of that protocol version."""
    admin = server.token.admin if server.token else ""
    detail: dict[str, object] = {
        "server_name": server.name,
        "server_uuid": server.uuid,
        "admin_id": admin,
        "facilitator_id": admin,
        "org_name": organisation.name,
        "org_email": organisation.email,
        "org_phone": organisation.phone,
        "org_address": organisation.address,
    }
    if version >= 3:
        detail["org_id"] = organisation.id
        detail["org_id_hash"] = organisation.id_hash
        detail["org_type"] = organisation.kind
        detail["org_version"] = "v2"
        detail["urls"] = _urls(organisation.behaviour.maximum_limit)
    return detail


def _urls(maximum: int) -> list[dict[str, object]]:
    limit = {"default": min(1000, maximum), "maximum": maximum}
    urls: list[dict[str, object]] = []
    for uri, methods in (_UNLIMITED | _LIMITED).items():
        entry: dict[str, object] = {"uri": uri, "http_method": methods}
        urls.append({**entry, "limit": limit} if uri in _LIMITED else entry)
    return urls
