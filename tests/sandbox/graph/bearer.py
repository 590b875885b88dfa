"""Access tokens: issued by the login, read by Graph."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from tests.sandbox.graph.answers import Refused
from tests.sandbox.graph.applications import AppRegistration
from tests.sandbox.graph.tenant import Tenant

_KEY = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who calls, and what they may do."""

    tenant: Tenant
    client_id: str
    roles: frozenset[str]


def issue(tenant: Tenant, application: AppRegistration, *, resource: str, seconds: int) -> str:
    """Make an access token with the roles that the application has now."""
    now, number = int(time.time()), str(uuid4())
    claims = {
        "aud": resource,
        "iss": f"https://sts.windows.net/{tenant.id}/",
        "iat": now,
        "nbf": now,
        "exp": now + seconds,
        "appid": application.client_id,
        "roles": sorted(application.roles),
        "tid": tenant.id,
        "uti": number,
    }
    if not application.roles:
        del claims["roles"]
    text = f"{_part({'typ': 'JWT', 'alg': 'HS256'})}.{_part(claims)}"
    tenant.issued.add(number)
    return f"{text}.{_signature(text)}"


def read_bearer(headers: Mapping[str, str], tenants: Sequence[Tenant], *, resource: str) -> Bearer:
    """Check the Authorization header. Raises Refused."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not value:
        raise _unauthorised("Access token is empty.")
    text, _, signature = value.rpartition(".")
    if not hmac.compare_digest(signature, _signature(text)):
        raise _unauthorised("Access token validation failure. Invalid signature.")
    claims = _claims(text)
    if claims["exp"] <= time.time():
        raise _unauthorised("Lifetime validation failed, the token is expired.")
    if claims["aud"] != resource:
        raise _unauthorised("Access token validation failure. Invalid audience.")
    tenant = next((one for one in tenants if one.id == claims["tid"]), None)
    if tenant is None or claims["uti"] not in tenant.issued:
        raise _unauthorised("Access token has been revoked.")
    roles = frozenset(claims.get("roles", ()))
    return Bearer(tenant=tenant, client_id=claims["appid"], roles=roles)


def _unauthorised(text: str) -> Refused:
    return Refused(HTTPStatus.UNAUTHORIZED, "InvalidAuthenticationToken", text)


def _claims(text: str) -> dict[str, Any]:
    part = text.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def _part(content: object) -> str:
    text = json.dumps(content, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _signature(text: str) -> str:
    digest = hmac.digest(_KEY, text.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
