"""What Intune shows as ours: a token made from its entry, its name made unique."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.errors import Invalid
from services.graph.holding import judge
from services.graph.messages import Setting
from services.names import NAME_LENGTH, UNSEEN, token_name
from storage.records import Request, Token, new_id
from storage.states import Evidence, Portal, ProgramName, TokenState
from storage.tokens import Found, name_key

CLAIM_LEEWAY = timedelta(minutes=5)
"""How far Microsoft's clock and ours may differ."""
ASK_AGAIN = timedelta(hours=1)
"""When the health of a token that was just found is looked at again."""
HELD_BACK = timedelta(days=1)
"""So long a new entry may be what somebody has just made by hand."""
NAMELESS = "Intune token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expecting:
    """A token that is being made, and the request that makes it: its entry is not to be imported.

    Whoever carries the request on takes the entry for it.
    """

    token: Token
    request: Request
    seen: frozenset[str] | None = None
    """What Intune had when the request was prepared."""
    entry_id: str | None = None
    """The entry that we made for it."""

    def expects(self, setting: Setting, now: datetime) -> bool:
        """Whether the entry may be the one that the request waits for.

        What a person makes by hand may get any name there: for a day, each new entry may be theirs.
        """
        if setting.id == self.entry_id:
            return True
        if not self._is_new(setting):
            return False
        by_hand = self.request.evidence is Evidence.THEIR_WORD
        young = setting.modified_at is None or now - setting.modified_at < HELD_BACK
        return is_called(self.token, setting) or (by_hand and young)

    def _is_new(self, setting: Setting) -> bool:
        if self.seen is not None:
            return setting.id not in self.seen
        since = self.request.created_at - CLAIM_LEEWAY
        return setting.modified_at is None or setting.modified_at >= since


def is_called(token: Token, setting: Setting) -> bool:
    """Whether the entry has the token's name, or its server's, which Intune may show instead."""
    named = name_key((setting.name or "").strip())
    return named in {name_key(token.name), name_key(token.server_name)}


def found_token(setting: Setting, name: str, now: datetime, *, spread: timedelta) -> Found:
    """The entry as a token that nobody answers for yet.

    `spread` keeps the first syncs of many apart, and the next looks at their health.
    """
    health, evidence = judge(setting, now)
    token = Token(
        id=new_id(),
        name=name,
        program=ProgramName.INTUNE,
        portal=setting.portal or Portal.BUSINESS,
        server_name=shown_name(setting),
        apple_id=(setting.apple_id or "")[:320],
        owner="",
        state=TokenState.ACTIVE,
        health=health,
        health_since=now if health else None,
        expires_at=setting.expires_at,
        server_uuid=None,
        org_id=None,
        org_id_hash=None,
        org_name=None,
        admin_id=(setting.apple_id or "")[:320] or None,
        last_synced_at=None,
        sync_due_at=now + spread,
        created_at=now,
        holder_id=setting.id,
        holder_name=kept_name(setting),
    )
    return Found(token=token, evidence=evidence, asked_at=now, ask_at=now + ASK_AGAIN + spread)


def kept_name(setting: Setting) -> str:
    """The name in Intune as it is kept, to see when it is another."""
    return (setting.name or "")[:255]


def shown_name(setting: Setting) -> str:
    """The name in Intune under our rules: what cannot be seen or typed is left out."""
    words = " ".join((setting.name or "").split())
    kept = "".join(mark for mark in words if unicodedata.category(mark) not in UNSEEN)
    try:
        return token_name(kept[:NAME_LENGTH])
    except Invalid:
        return f"{NAMELESS} {setting.id[:8]}"


def unique_name(name: str, taken: Iterable[str]) -> str:
    """The name, with a number where a token has it already, in any case."""
    if name_key(name) not in taken:
        return name
    number = 2
    while True:
        mark = f" ({number})"
        numbered = f"{name[: NAME_LENGTH - len(mark)].rstrip()}{mark}"
        if name_key(numbered) not in taken:
            return numbered
        number += 1
