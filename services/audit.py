"""The audit log: append-only, each entry chained to the one before by HMAC-SHA256.

The key is derived from a key-encryption key, so that whoever can write the database alone cannot
forge an entry. The head row names the newest entry under the same key: a cut tail shows too.
What it cannot see by itself: a log that somebody who holds the key wrote anew, and an older, whole
database put back. Both show against a head that was noted elsewhere, as the digest does weekly.
"""

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import Self

from services.clock import Clock
from services.sealing import KeyRing
from storage.database import Database, Transaction
from storage.records import AuditEntry, AuditHead

FIRST = "0" * 64
_NOTED = re.compile(r"([1-9][0-9]{0,17}):([0-9a-fA-F]{64})", re.ASCII)
CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is to be audited: who did what on what, before and after, and where it came from.

    `subject` reads `request:<id>`; `origin` is a Slack message, view or file; no secrets.
    """

    actor: str
    action: str
    subject: str
    token_id: str | None
    origin: str
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedHead:
    """An entry's number and hash as they were noted outside the database."""

    number: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read NUMBER:HASH as the digest shows it. Raises ValueError."""
        found = _NOTED.fullmatch(text.strip())
        if found is None:
            raise ValueError("not of the form NUMBER:HASH")
        return cls(number=int(found[1]), hash=found[2].lower())


class AuditLog:
    """Writes entries in the transaction of the change, and checks the chain."""

    def __init__(self, keys: KeyRing, clock: Clock) -> None:
        self.keys = keys
        self.clock = clock

    async def append(self, tx: Transaction, deed: Deed) -> None:
        """Add an entry; if it cannot be written, the transaction with the change fails."""
        await self.append_all(tx, [deed])

    async def append_all(self, tx: Transaction, deeds: Sequence[Deed]) -> None:
        """Add an entry for each deed, in their order and each as whole as alone."""
        if not deeds:
            return
        head = await tx.audit.head()
        number, previous = (head.number, head.hash) if head else (0, FIRST)
        entries = []
        for deed in deeds:
            number += 1
            entry = self._entry(deed, number, previous)
            entries.append(entry)
            previous = entry.hash
        await tx.audit.add_all(entries)
        await tx.audit.set_head(self._head(entries[-1]))

    def _entry(self, deed: Deed, number: int, previous: str) -> AuditEntry:
        entry = AuditEntry(
            number=number,
            at=self.clock.now(),
            actor=deed.actor,
            action=deed.action,
            subject=deed.subject,
            token_id=deed.token_id,
            before=dict(deed.before),
            after=dict(deed.after),
            origin=deed.origin,
            key_name=self.keys.first.name,
            previous_hash=previous,
            hash="",
        )
        return replace(entry, hash=self._hash(entry))

    async def verify(self, database: Database, noted: NotedHead | None = None) -> str | None:
        """Walk the whole chain; None if it holds, else one sentence that names the first fault.

        With a head that was noted, the chain has to go through that very entry.
        """
        async with database.read() as tx:
            head = await tx.audit.head()
            previous, number = FIRST, 0
            try:
                while entries := await _next(tx, number):
                    for entry in entries:
                        fault = self._fault(entry, number + 1, previous)
                        if fault := fault or _against(noted, entry):
                            return fault
                        previous, number = entry.hash, entry.number
            except (ValueError, TypeError):
                return f"Entry {number + 1} was changed: it cannot be read."
        return self._head_fault(head, number, previous) or _ends_before(noted, number)

    def _fault(self, entry: AuditEntry, number: int, previous: str) -> str | None:
        if entry.number != number:
            return f"Entry {number} is missing."
        if entry.previous_hash != previous:
            return (
                f"Entry {number} does not follow the entry before it: entries were put in, taken "
                "out or moved."
            )
        if entry.key_name not in self.keys.names():
            return f"Entry {number} was chained with the key {entry.key_name!r}, which is not here."
        if not hmac.compare_digest(entry.hash, self._hash(entry)):
            return f"Entry {number} was changed."
        return None

    def _head_fault(self, head: AuditHead | None, number: int, previous: str) -> str | None:
        if head is None:
            return None if number == 0 else "The head of the log is missing."
        if head.key_name not in self.keys.names():
            return f"The head was made with the key {head.key_name!r}, which is not here."
        if not hmac.compare_digest(head.mac, self._mac(head.key_name, head.number, head.hash)):
            return "The head of the log was changed."
        if head.number > number:
            return f"The log ends at entry {number}; its head says {head.number}: its end is cut."
        if (head.number, head.hash) != (number, previous):
            return (
                f"The log goes on to entry {number}; its head says {head.number}: it is of before."
            )
        return None

    def _hash(self, entry: AuditEntry) -> str:
        facts = {**asdict(entry), "at": entry.at.isoformat()}
        del facts["hash"]
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return hmac.new(self.keys.audit_key(entry.key_name), text.encode(), sha256).hexdigest()

    def _head(self, entry: AuditEntry) -> AuditHead:
        return AuditHead(
            number=entry.number,
            hash=entry.hash,
            key_name=entry.key_name,
            mac=self._mac(entry.key_name, entry.number, entry.hash),
        )

    def _mac(self, key_name: str, number: int, entry_hash: str) -> str:
        text = f"head:{number}:{entry_hash}"
        return hmac.new(self.keys.audit_key(key_name), text.encode(), sha256).hexdigest()


def _against(noted: NotedHead | None, entry: AuditEntry) -> str | None:
    if noted is None or entry.number != noted.number:
        return None
    if hmac.compare_digest(entry.hash.encode(), noted.hash.encode()):
        return None
    return f"Entry {entry.number} is not the one that was noted: the log was written anew."


def _ends_before(noted: NotedHead | None, number: int) -> str | None:
    if noted is None or noted.number <= number:
        return None
    return (
        f"The log is whole, but ends at entry {number}, before entry {noted.number} that was "
        "noted: an older database was put back, or the log was written anew."
    )


async def _next(tx: Transaction, number: int) -> list[AuditEntry]:
    """The entries after that number: one alone where a row behind it cannot be read."""
    try:
        return await tx.audit.since(number, CHUNK)
    except ValueError:
        return await tx.audit.since(number, 1)
