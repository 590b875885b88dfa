"""The port behind which a token's holder stands: this service itself, Intune, or another MDM.

Nobody outside a program may assume that we hold a private key, that an expiry date is known, or
that a sync is ours to run. Network and arithmetic happen in the methods; what they leave to be
stored is a `Keep`, written by the caller in the transaction of the life-cycle change.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from services.errands import Brought, Errand, Offer
from services.errors import UpstreamError
from storage.database import Transaction
from storage.records import Device, Token
from storage.states import Evidence, Health, ProgramName, SyncKind

Keep = Callable[[Transaction], Awaitable[None]]
"""Writes what a step leaves behind, within the transaction that it is given."""


class TakenBack(Protocol):
    """Told of each token whose beginning was taken back at the holder."""

    async def __call__(self, token_id: str, *, done: bool) -> None:
        """Not `done`: something stays there that nobody needs."""
        ...


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
    """What stands in the way of a deletion, as the holder and the store see it now.

    `released` devices are gone at Apple and linger at the holder: they are no part of `devices`.
    `unseen` names what we were not permitted to look at. Not `told`: nobody can ask the holder,
    and a person looks.
    """

    devices: int
    in_default_profile: int
    profiles: int
    released: int = 0
    unseen: str = ""
    told: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A token that its holder has accepted, or that nobody can ask about; None is not told."""

    account: AccountDetail
    health: Health | None
    expires_at: datetime | None
    keep: Keep
    holder_id: str | None = None
    """What the holder knows it by."""
    holder_name: str | None = None
    note: str | None = None
    """What stays to be done, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStart:
    """From where to list: every device, or what changed since `cursor`.

    A FULL start with a cursor goes on within a list that was broken off. A holder without cursors
    is always asked for everything. With a `wish` a person waits for it: a holder that syncs by
    itself is asked to, and `awaits_after` says what its last success must be later than.
    """

    kind: SyncKind
    cursor: str | None
    wish: bool = False
    awaits_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePage:
    """Devices as the holder lists them, each once, and the cursor from which it would go on.

    `gone` are those that it says the token has lost; `failed` counts what could not be understood,
    `released` those among `gone` that it goes on listing though they are gone at Apple.
    """

    devices: Sequence[Device]
    gone: Sequence[Device] = ()
    failed: int = 0
    released: int = 0
    cursor: str | None


KeepPage = Callable[[DevicePage], Awaitable[None]]
"""Stores a page and its cursor in one transaction before the next page is asked for."""


class CursorLost(Exception):
    """The holder does not know the cursor any more: everything has to be listed."""


class HolderSyncs(Exception):
    """The holder syncs by itself and is not done: look again later.

    It is done when its last success is later than `after`. Once the run is older than `patience`
    it is given up, with `gives_up` as the reason. `note` is what people should know meanwhile.
    """

    def __init__(
        self, after: datetime, *, patience: timedelta, gives_up: str, note: str | None = None
    ) -> None:
        super().__init__(f"awaits a success after {after:%Y-%m-%dT%H:%M:%S}")
        self.after = after
        self.patience = patience
        self.gives_up = gives_up
        self.note = note


class StillRemoving(Exception):
    """Devices are being taken off at the holder, and some are left: ask again, others go first."""


class ByHand(Exception):
    """Only a person can do it, at the holder's own console; asked again with `done`."""


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
        BegunElsewhere, and Refused where there is nothing to begin.
        """
        ...

    async def check(self, token: Token, file: bytes, errand: Errand) -> str:
        """Tell a wrong file before it is used anywhere; what is right about it, for people.

        Raises WrongFile, UpstreamError.
        """
        ...

    async def prove(self, token: Token, brought: Brought, errand: Errand) -> Proof:
        """Submit what was brought, or try it with the holder. Nothing is in force before `keep`.

        Raises WrongFile, NotShown, GoesOnByHand, or UpstreamError where the holder gives no answer.
        """
        ...

    async def take_back(self, tell: TakenBack) -> float | None:
        """Undo at the holder what was begun for requests that are over, as far as it is due.

        Returns in how many seconds more is due.
        """
        ...

    async def read(self, token: Token) -> Holding:
        """Ask the holder how the token is. Trouble is an answer here, not an error."""
        ...

    async def sync(self, token: Token, start: SyncStart, keep_page: KeepPage) -> SyncEnd:
        """List devices page by page, or ask the holder to sync by itself.

        Raises CursorLost where it cannot go on from the cursor, HolderSyncs while the holder syncs
        by itself, ListAstray, UpstreamError.
        """
        ...

    async def devices(self, token: Token, serial_numbers: Sequence[str]) -> Sequence[Device]:
        """These devices as the holder sees them now; those that the token lacks are left out."""
        ...

    async def count(self, token: Token) -> Counts:
        """Ask the holder what stands in the way of a deletion. Raises UpstreamError."""
        ...

    async def remove_devices(self, token: Token, *, done: bool = False) -> Keep:
        """Take all devices off at the holder, as far as it goes; `keep` removes them here.

        What was done before an error stays done, so that asking again goes on; StillRemoving
        where more is left than others can wait for. Raises ByHand where a person has to do it;
        once they say that it is `done`, it is looked at where that is possible: Refused if it is
        not. Raises UpstreamError.
        """
        ...

    async def withdraw(self, token: Token, *, done: bool = False) -> Keep:
        """Take the token out of use at its holder; `keep` destroys what we held of it.

        Raises ByHand, Refused and UpstreamError as `remove_devices` does.
        """
        ...
