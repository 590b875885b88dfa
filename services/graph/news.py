"""What a look at Intune brought, as one message for each transaction that it takes."""

from dataclasses import dataclass, field
from datetime import datetime

from services.watch_notices import WatchNotices
from storage.database import Transaction
from storage.records import new_id
from storage.states import NoticeKind

NAMED = 10
"""So many tokens of a kind are named in the message about them."""
DOUBTFUL, SHUT = "doubtful", "shut"


@dataclass(slots=True, kw_only=True)
class News:
    """The tokens' ids, by what happened to them."""

    imported: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)

    async def say(self, tx: Transaction, notices: WatchNotices) -> None:
        """Write the message beside the changes, where there are any."""
        if self.imported or self.deleted or self.renamed:
            await notices.say(tx, NoticeKind.HOLDER_NEWS, new_id(), facts=self._facts())

    def _facts(self) -> dict[str, str]:
        """The first ids of each kind, and how many there are."""
        kinds = {"imported": self.imported, "deleted": self.deleted, "renamed": self.renamed}
        ids = {kind: " ".join(some[:NAMED]) for kind, some in kinds.items() if some}
        return ids | {f"{kind}_count": str(len(some)) for kind, some in kinds.items() if some}


async def say_doubtful(tx: Transaction, notices: WatchNotices, count: int, now: datetime) -> None:
    """So many tokens are missing at once that the tenant is doubted; said once a day."""
    facts = {"doubtful": str(count)}
    await notices.say(tx, NoticeKind.HOLDER_NEWS, DOUBTFUL, stage=f"{now:%Y-%m-%d}", facts=facts)


async def say_shut(tx: Transaction, notices: WatchNotices, why: str, now: datetime) -> None:
    """Intune's list cannot be read, and not by itself again: an admin has to act; once a day."""
    stage, facts = f"{now:%Y-%m-%d}", {"shut": why}
    await notices.say(tx, NoticeKind.HOLDER_NEWS, SHUT, stage=stage, facts=facts)
