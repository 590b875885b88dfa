"""One call to the service: read strictly, before anything is carried out."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from tests.sandbox.apple.answers import Refused

NEWEST_VERSION = 10
_PRODUCT = re.compile(r"[A-Za-z][\w!#$%&'*+.^`|~-]*/[0-9][\w.+-]*( .*)?", re.ASCII)
_LIBRARIES = ("python-requests/", "python-httpx/", "python-urllib", "python/", "go-http-client/")
_JSON = re.compile(r'application/json(;\s*charset="?utf-?8"?)?', re.IGNORECASE)
_SECRET_HEADERS = frozenset({"authorization", "x-adm-auth-session"})


@dataclass(slots=True, kw_only=True)
class RecordedRequest:
    """What came in, without secrets, and what was answered."""

    at: datetime
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any
    """The JSON, where there was any."""
    status: int | None = None
    """None as long as there is no answer, or the connection was broken instead."""
    code: str | None = None
    """The code of a refusal."""
    server_uuid: str | None = None
    """Whose token or session it was, where that could be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request, taken apart."""

    method: str
    path: str
    url: str
    """Without the query, as it is signed."""
    query: str
    parameters: Mapping[str, str]
    """Of the query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    record: RecordedRequest

    def check_client(self, *, insists_on_json: bool) -> None:
        """Refuse clients that say nothing useful about themselves, or don't speak JSON."""
        agent = self.headers.get("user-agent", "")
        if not agent.strip():
            raise Refused(HTTPStatus.BAD_REQUEST, "USER_AGENT_MISSING")
        if agent.lower().startswith(_LIBRARIES) or not _PRODUCT.fullmatch(agent):
            raise Refused(HTTPStatus.BAD_REQUEST, "USER_AGENT_INVALID")
        if insists_on_json and not _JSON.fullmatch(self.headers.get("content-type", "")):
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")

    @property
    def version(self) -> int:
        """The protocol version asked for; 1 where none is."""
        text = self.headers.get("x-server-protocol-version", "1")
        if not re.fullmatch(r"[1-9][0-9]?", text) or int(text) > NEWEST_VERSION:
            raise Refused(HTTPStatus.BAD_REQUEST, "PROTOCOL_VERSION_INVALID")
        return int(text)

    def json(self) -> dict[str, Any]:
        """Read the body, which must be one JSON object."""
        try:
            content = json.loads(self.body)
        except ValueError:
            raise malformed() from None
        if not isinstance(content, dict):
            raise malformed()
        return content

    def serials(self) -> list[str]:
        """Read the list of serial numbers that calls about devices carry."""
        devices = self.json().get("devices")
        if not devices:
            raise Refused(HTTPStatus.BAD_REQUEST, "DEVICE_ID_REQUIRED")
        if not isinstance(devices, list) or not all(isinstance(each, str) for each in devices):
            raise malformed()
        return devices


def malformed() -> Refused:
    """Refuse a body that is not what the call takes."""
    return Refused(HTTPStatus.BAD_REQUEST, "MALFORMED_REQUEST_BODY")


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Copy headers; of secret ones only the first word stays."""
    return {
        name: f"{value.split(' ')[0] if ' ' in value else ''} (not kept)".strip()
        if name in _SECRET_HEADERS
        else value
        for name, value in headers.items()
    }
