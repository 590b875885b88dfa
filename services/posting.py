"""The port `Notifier`, and what may come of a post."""

from dataclasses import dataclass
from typing import Protocol

from storage.records import OutboxItem

SHARED = "shared_with_another_organisation"
"""What a notifier calls it when other organisations see a channel; not one of Slack's words."""
THROTTLED = "ratelimited"
"""What a notifier calls a pause that Slack asked for; it is kept over restarts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Slack has it; the channel and message id, where it is a message that can be edited."""

    channel: str | None = None
    ts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    """Slack did not take it, and says when to try again."""

    seconds: float
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """It did not reach Slack."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The channel does not take our messages, or may not have them."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """Slack will not take it, however often it is tried."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moot:
    """What it tells of is gone: there is nothing to say."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The message that it edits or replies to is gone: it becomes a message of its own."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmarkable:
    """Slack takes it only without its mark, so that it cannot be looked for."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Slack's answer was lost: it may have the message or not."""

    error: str
    harmless: bool = False
    """Whether the same once more would change nothing, as with an edit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Slack does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """It cannot be told whether Slack has it."""

    why: str


Outcome = Posted | NotNow | Unsent | Closed | Never | Moot | Gone | Unmarkable | Unknown
Finding = Posted | Absent | Untold | NotNow | Unsent


class Notifier(Protocol):
    """Draws a message from the records and posts it."""

    async def post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        """Post the item: an edit of `original`, or a reply to it, where the item names one."""
        ...

    async def find(self, item: OutboxItem, original: OutboxItem | None) -> Finding:
        """Look whether Slack has the item, of which a post had no answer."""
        ...
