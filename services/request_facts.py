"""The facts on which people decide: what a request's card shows, and its fingerprint.

A button carries the fingerprint of what stood on the card. If the facts have changed since, the
click shows the new ones and decides nothing.
"""

import json
from collections.abc import Mapping
from hashlib import sha256

from services.conditions import Conditions
from services.errands import Errand, Purpose
from storage.database import Transaction
from storage.records import Request, Token
from storage.states import Action

DIGEST_LENGTH = 16
"""Hexadecimal digits: enough that no two cards of one request share them by chance."""
COUNTED = {Action.DELETE, Action.REMOVE}
"""The actions for which the holder is asked what stands in their way."""


def digest_of(facts: Mapping[str, str]) -> str:
    """The fingerprint of these facts."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


async def facts_of(
    tx: Transaction,
    token: Token,
    action: Action,
    *,
    apple_id: str,
    scope_tags: Mapping[str, str] | None = None,
    conditions: Conditions | None = None,
) -> dict[str, str]:
    """The facts now. `apple_id` is the one that will download; `conditions` were just read.

    `scope_tags` are names by ids.
    """
    facts = {
        "name": token.name,
        "program": token.program.value,
        "portal": token.portal.value,
        "server_name": token.server_name,
        "apple_id": apple_id,
        "owner": token.owner,
    }
    if scope_tags:
        facts["scope_tags"] = ", ".join(f"{one} {name}".strip() for one, name in scope_tags.items())
    if action is Action.CREATE:
        return facts
    facts |= {
        "org_name": token.org_name or "",
        "server_uuid": token.server_uuid or "",
        "expires_at": token.expires_at.isoformat() if token.expires_at else "",
        "health": token.health.value if token.health else "",
    }
    if action not in COUNTED:
        return facts | {"devices": str(await tx.devices.count(token.id))}
    if conditions is None:
        raise AssertionError("a deletion is decided on conditions that were just read")
    return facts | conditions.facts()


def errand_of(request: Request, token: Token) -> Errand:
    """What the request's person goes to the portal for."""
    return Errand(
        purpose=_purpose(request),
        apple_id=request.apple_id or token.apple_id,
        scope_tags=tuple(request.scope_tags),
    )


def _purpose(request: Request) -> Purpose:
    if request.action is Action.CREATE:
        return Purpose.CREATE
    return Purpose.ROTATE if request.rotate else Purpose.RENEW
