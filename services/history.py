"""The history: the audit log as people read it, page by page or as a file."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from services.errors import NotFound
from services.notices import Notices
from services.policy import People, require_viewer
from services.tokens import named_in, plain_name
from storage.audit import Wanted
from storage.database import Database, Transaction
from storage.records import AuditEntry, OutboxItem, Token

PAGE = 10
CHUNK = 500
NEWEST = 0
"""In the place of an entry's number: the page on which the newest entry stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Some entries, newest first, with the names of their tokens by id.

    `newer` and `older` are where the pages beside it begin: below that number, or at NEWEST; None
    where there is no such page.
    """

    wanted: Wanted
    token: Token | None
    entries: list[AuditEntry]
    names: Mapping[str, str]
    newer: int | None
    older: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some entries of an export, newest first, with the names of their tokens by id."""

    entries: list[AuditEntry]
    names: Mapping[str, str]


class History:
    """What people may see of the audit log: every role may see all of it."""

    def __init__(self, *, database: Database, people: People, notices: Notices) -> None:
        self.database = database
        self.people = people
        self.notices = notices

    async def open(self, person: str, text: str) -> HistoryPage:
        """The newest entries: of the token of that name, or of all. Raises NotAllowed, NotFound."""
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.read() as tx:
            token = await token_known_as(tx, text) if plain_name(text) else None
            return await _page(tx, Wanted(token_id=token.id if token else None), token, NEWEST)

    async def page(self, person: str, wanted: Wanted, before: int) -> HistoryPage:
        """The wanted entries below that number, or the newest. Raises NotAllowed, NotFound."""
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.read() as tx:
            return await _page(tx, wanted, await _token(tx, wanted), before)

    async def export(self, person: str, wanted: Wanted, key: str) -> None:
        """Let the wanted entries go to the person as a file; asked twice by one key, once.

        Raises NotAllowed, NotFound.
        """
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.write() as tx:
            await _token(tx, wanted)
            await self.notices.history_export(tx, person, wanted, key)


async def chunks(
    database: Database, wanted: Wanted, limit: int | None = None
) -> AsyncIterator[Chunk]:
    """The wanted entries, newest first, `limit` of them at most.

    Each chunk is a transaction of its own, so that a slow reader holds none open; entries that
    come meanwhile are not in it.
    """
    before, left = None, limit
    while left is None or left > 0:
        async with database.read() as tx:
            size = CHUNK if left is None else min(CHUNK, left)
            entries = await tx.audit.page(wanted, size, before=before)
            names = await _names(tx, entries)
        if not entries:
            return
        yield Chunk(entries=entries, names=names)
        before = entries[-1].number
        left = None if left is None else left - len(entries)


def wanted_of(item: OutboxItem) -> Wanted:
    """Which entries a HISTORY_EXPORT row asks for."""
    return Wanted(
        token_id=item.subject_id or None,
        actor=item.facts.get("actor"),
        action=item.facts.get("action"),
    )


async def token_known_as(tx: Transaction, text: str) -> Token:
    """The token of that name, one that is gone included. Raises NotFound."""
    name = plain_name(text)
    return await tx.tokens.known_as(name) or named_in(name, await tx.tokens.living())


async def _token(tx: Transaction, wanted: Wanted) -> Token | None:
    if wanted.token_id is None:
        return None
    token = await tx.tokens.get(wanted.token_id)
    if token is None:
        raise NotFound(
            f"no token {wanted.token_id!r}",
            user_message="This token is not known here. Open the history anew with "
            "`/enroll-token history`.",
        )
    return token


async def _page(tx: Transaction, wanted: Wanted, token: Token | None, before: int) -> HistoryPage:
    below = None if before == NEWEST else before
    # One more than is shown tells whether there is an older page.
    found = await tx.audit.page(wanted, PAGE + 1, before=below)
    shown = found[:PAGE]
    return HistoryPage(
        wanted=wanted,
        token=token,
        entries=shown,
        names=await _names(tx, shown),
        newer=None if below is None else await _newer(tx, wanted, below),
        older=shown[-1].number if len(found) > PAGE else None,
    )


async def _newer(tx: Transaction, wanted: Wanted, number: int) -> int | None:
    following = await tx.audit.numbers_from(wanted, number, PAGE)
    if not following:
        return None
    return NEWEST if len(following) < PAGE else following[-1] + 1


async def _names(tx: Transaction, entries: list[AuditEntry]) -> dict[str, str]:
    return await tx.tokens.names({one.token_id for one in entries if one.token_id})
