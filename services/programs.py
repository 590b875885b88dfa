"""The port behind which a token's holder stands: this service itself, Intune, or another MDM.

Nobody outside a program may assume that we hold a private key, that an expiry date is known, or
that a sync is ours to run. Network and arithmetic happen in the methods; what they leave to be
stored is a `Keep`, written by the caller in the transaction of the life-cycle change.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.errands import Brought, Errand, Offer
from services.errors import UpstreamError
from storage.database import Transaction
from storage.records import Device, Token
from storage.states import Evidence, Health, ProgramName, SyncKind

Keep = Callable[[Transaction], Awaitable[None]]
"""Writes what a step leaves behind, within the transaction that it is given."""


LeftOver = Callable[[str], Awaitable[None]]
"""Told the id of a token of which something stays at the holder that nobody needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a person starts with: which evidence to bring, and a certificate where there is one.

    `certificate_id` names a key pair whose certificate the person uploads at the portal, be its
    private key ours or the holder's; None where the person gets it from the holder's console.
    `detour` is why the evidence is not what it would be, for people.
    """

    evidence: Evidence
    certificate_id: str | None
    keep: Keep
    detour: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDetail:
    """What a token belongs to, as far as its holder tells; Apple tells all of it."""

    server_uuid: str | None
    server_name: str | None
    org_id: str | None
    org_id_hash: str | None
    org_name: str | None
    admin_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What the holder says of a token now; None is what it does not tell."""

    health: Health | None
    evidence: str
    account: AccountDetail | None
    expires_at: datetime | None
    devices: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What stands in the way of a deletion, as the holder and the store see it now."""

    devices: int
    in_default_profile: int
    profiles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A token that its holder has accepted, or that nobody can ask about; None is not told."""

    account: AccountDetail
    health: Health | None
    expires_at: datetime | None
    keep: Keep
    holder_id: str | None = None
    """By which id the holder knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStart:
    """From where to list: every device, or what changed since `cursor`.

    A FULL start with a cursor goes on within a list that was broken off. A holder without cursors
    is always asked for everything.
    """

    kind: SyncKind
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePage:
    """Devices as the holder lists them, each once, and the cursor from which it would go on.

    `gone` are those that it says the token has lost; `failed` counts what could not be understood.
    """

    devices: Sequence[Device]
    gone: Sequence[Device] = ()
    failed: int = 0
    cursor: str | None


KeepPage = Callable[[DevicePage], Awaitable[None]]
"""Stores a page and its cursor in one transaction before the next page is asked for."""


class CursorLost(Exception):
    """The holder does not know the cursor any more: everything has to be listed."""


class ListAstray(UpstreamError):
    """The holder's list goes in a circle, or comes to no end: none of it is the whole."""

    def __init__(self, log_text: str, *, system: str) -> None:
        super().__init__(
            log_text,
            system=system,
            retryable=False,
            user_message=f"{system}'s list of devices comes to no proper end, so it was not taken "
            "for the whole: nothing was marked as removed. The next sync reads it from the start. "
            "Try again in a few minutes.",
        )


class SyncEnd(StrEnum):
    """How a sync ended."""

    COMPLETE = "complete"
    """Every device was listed: one that was not is gone."""
    CHANGES = "changes"
    """All that changed since the cursor was listed."""
    ASKED = "asked"
    """The holder was asked to sync by itself; its result shows later in what `read` says."""
    NOT_OURS = "not_ours"
    """Nobody can ask the holder: its own console shows the devices."""


class Program(Protocol):
    """Who holds tokens, and all that we may ask of it."""

    name: ProgramName

    async def offer(self, token: Token | None) -> Offer:
        """What a form for a new token, or for renewing this one, has to know. Never raises."""
        ...

    async def begin(self, token: Token, errand: Errand) -> Beginning:
        """Prepare what the person needs before they go to the portal.

        Begun twice it is once. Raises UpstreamError where the holder gives no answer,
        BegunElsewhere.
        """
        ...

    async def check(self, token: Token, file: bytes, errand: Errand) -> str:
        """Tell a wrong file before it is used anywhere; what is right about it, for people.

        Raises WrongFile, UpstreamError.
        """
        ...

    async def prove(self, token: Token, brought: Brought, errand: Errand) -> Proof:
        """Submit what was brought, or try it with the holder. Nothing is in force before `keep`.

        Raises WrongFile, NotShown, ByHand, or UpstreamError where the holder gives no answer.
        """
        ...

    async def take_back(self, left_over: LeftOver) -> float | None:
        """Undo at the holder what was begun for requests that are over, as far as it is due.

        Returns in how many seconds more is due.
        """
        ...

    async def read(self, token: Token) -> Holding:
        """Ask the holder how the token is. Trouble is an answer here, not an error."""
        ...

    async def sync(self, token: Token, start: SyncStart, keep_page: KeepPage) -> SyncEnd:
        """List devices page by page, or ask the holder to sync by itself.

        Raises CursorLost where it cannot go on from the cursor, ListAstray, UpstreamError.
        """
        ...

    async def devices(self, token: Token, serial_numbers: Sequence[str]) -> Sequence[Device]:
        """These devices as the holder sees them now; those that the token lacks are left out."""
        ...

    async def count(self, token: Token) -> Counts:
        """Ask the holder what stands in the way of a deletion. Raises UpstreamError."""
        ...

    async def remove_devices(self, token: Token) -> Keep:
        """Take the profiles off all devices at the holder; `keep` removes them here.

        What was done before an error stays done, so that asking again goes on. Raises
        UpstreamError.
        """
        ...

    async def withdraw(self, token: Token) -> Keep:
        """Take the token out of use at its holder; `keep` destroys what we held of it."""
        ...
