"""One call to Graph, read strictly before anything is carried out."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from tests.sandbox.graph.answers import Refused, bad_request
from tests.sandbox.graph.tenant import Tenant

_JSON = re.compile(r'application/json(;\s*charset="?utf-?8"?)?', re.IGNORECASE)
_HIDDEN = frozenset({"depToken", "client_secret", "client_assertion"})


@dataclass(slots=True, kw_only=True)
class RecordedRequest:
    """What came in, without secrets, and what was answered."""

    at: datetime
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any
    """The JSON, secret values replaced by their length."""
    status: int | None = None
    """None as long as there is no answer, or the connection was broken instead."""
    code: str | None = None
    """The code of a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request, taken apart."""

    tenant: Tenant
    method: str
    path: str
    origin: str
    query: Mapping[str, str]
    parts: Mapping[str, str]
    """What the path names."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    roles: frozenset[str]

    def json(self, fields: Mapping[str, type], *, required: frozenset[str]) -> dict[str, Any]:
        """Read the body: one JSON object with these fields, of these types, and no others."""
        if not _JSON.fullmatch(self.headers.get("content-type", "")):
            text = "The Content-Type header must be application/json."
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", text)
        try:
            content = json.loads(self.body)
        except ValueError:
            raise bad_request("Unable to read JSON request payload.") from None
        if not isinstance(content, dict):
            raise bad_request("Empty Payload. JSON content expected.")
        for name, value in content.items():
            if name not in fields:
                raise bad_request(f"The property '{name}' does not exist on this type.")
            if not _fits(value, fields[name]):
                raise bad_request(f"Cannot convert the value of '{name}' to its expected type.")
        if missing := required - content.keys():
            raise bad_request(f"The property '{min(missing)}' is required.")
        return content

    def no_body(self) -> None:
        """Refuse a body where the action takes none."""
        if self.body.strip() not in {b"", b"{}"}:
            raise bad_request("This action takes no parameters.")


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Copy headers; of the access token only the kind stays."""
    kept = dict(headers)
    if "authorization" in kept:
        kept["authorization"] = f"{kept['authorization'].partition(' ')[0]} (not kept)"
    return kept


def without_values(content: object) -> object:
    """Copy a body; of secret values only the length stays."""
    if not isinstance(content, dict):
        return content
    return {
        name: f"({len(str(value))} characters)" if name in _HIDDEN else value
        for name, value in content.items()
    }


def _fits(value: object, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, kind)
