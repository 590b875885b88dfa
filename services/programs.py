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

from storage.database import Transaction
from storage.records import Device, Token
from storage.states import Health, ProgramName

Keep = Callable[[Transaction], Awaitable[None]]
"""Writes what a step leaves behind, within the transaction that it is given."""


class Purpose(StrEnum):
    """What a person goes to the portal for."""

    CREATE = "create"
    """The first server token of a new server."""
    RENEW = "renew"
    """A newer server token, for the key pair that the portal has."""
    ROTATE = "rotate"
    """A newer server token, or one of another server, for a new key pair."""


class Evidence(StrEnum):
    """What a person brings back from the portal to show that their part is done."""

    SERVER_TOKEN_FILE = "server_token_file"  # noqa: S105 - a kind of evidence, not a credential
    """The `.p7m`; the program checks and proves it."""
    EXPIRY_DATE = "expiry_date"
    """The date that the holder's own console shows; nobody can prove it."""
    THEIR_WORD = "their_word"
    """A click on *Done*; the program then asks the holder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a person starts with: which evidence to bring, and a certificate where there is one.

    `certificate_id` names a key pair whose certificate the person uploads at the portal, be its
    private key ours or the holder's; None where the person gets it from the holder's console.
    """

    evidence: tuple[Evidence, ...]
    certificate_id: str | None
    keep: Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The evidence as submitted: the file's bytes, or the date; neither where a word is enough."""

    file: bytes | None = None
    expires_at: datetime | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePage:
    """Devices as the holder lists them, and the cursor from which it would go on."""

    devices: Sequence[Device]
    cursor: str


KeepPage = Callable[[DevicePage], Awaitable[None]]
"""Stores a page and its cursor in one transaction before the next page is asked for."""


class SyncEnd(StrEnum):
    """How a sync ended."""

    COMPLETE = "complete"
    """Every device was listed: one that was not is gone."""
    ASKED = "asked"
    """The holder was asked to sync by itself; its result shows later in what `read` says."""
    NOT_OURS = "not_ours"
    """Nobody can ask the holder: its own console shows the devices."""


class Program(Protocol):
    """Who holds tokens, and all that we may ask of it."""

    name: ProgramName

    async def begin(self, token: Token, purpose: Purpose) -> Beginning:
        """Prepare what the person needs before they go to the portal."""
        ...

    async def check(self, token: Token, file: bytes, purpose: Purpose) -> None:
        """Tell a wrong file before it is used anywhere. Raises WrongFile."""
        ...

    async def prove(self, token: Token, brought: Brought, purpose: Purpose) -> Proof:
        """Submit what was brought, or try it with the holder. Nothing is in force before `keep`.

        Raises WrongFile, or UpstreamError where the holder gives no answer.
        """
        ...

    async def read(self, token: Token) -> Holding:
        """Ask the holder how the token is. Trouble is an answer here, not an error."""
        ...

    async def sync(self, token: Token, keep_page: KeepPage) -> SyncEnd:
        """List all devices page by page, or ask the holder to sync. Raises UpstreamError."""
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
