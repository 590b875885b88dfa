"""The program `apple`: key pair, server token file, session and devices, all ours."""

import asyncio
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from services.apple import removal, wrong_files
from services.apple.client import PAGE_LIMIT, AppleConnection
from services.apple.errors import HEALTH, AppleError, Trouble
from services.apple.messages import Account
from services.apple.pages import Pages
from services.apple.vault import Vault, oauth_values
from services.clock import Clock
from services.envelope import Envelope, read_envelope
from services.errands import Brought, Errand, Offer, Purpose
from services.errors import NotFound
from services.key_pairs import load_private_key, make_key_pair_in_thread
from services.phrases import quoted
from services.programs import (
    AccountDetail,
    Beginning,
    Counts,
    Holding,
    Keep,
    KeepPage,
    Proof,
    SyncEnd,
    SyncStart,
    TakenBack,
)
from services.server_token import ServerToken, check_expiry, open_envelope
from services.wrong_file import WrongFile, WrongFileReason
from storage.database import Database, Transaction
from storage.records import Credentials, Device, KeyPair, Token
from storage.states import Evidence, Health, KeyPairState, ProgramName, SyncKind

SUCCESS = "SUCCESS"
DAMAGED_SECONDS = 0.25
"""So long it takes to say that a file is damaged, wherever it failed once the key is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    """A file whose recipient is the key pair that this token waits for."""

    envelope: Envelope
    pair: KeyPair


class AppleProgram:
    """Implements the port `Program` towards Apple's device-enrollment service."""

    name = ProgramName.APPLE

    def __init__(
        self, database: Database, http: httpx.AsyncClient, vault: Vault, clock: Clock
    ) -> None:
        self.database = database
        self.http = http
        self.vault = vault
        self.clock = clock
        # By the id of the credentials: a renewed token must not go on in the old one's session.
        self._connections: dict[str, AppleConnection] = {}

    async def offer(self, token: Token | None) -> Offer:  # noqa: ARG002 - the port's signature
        """A file is brought, whatever the token."""
        return Offer(evidence=Evidence.SERVER_TOKEN_FILE)

    async def begin(self, token: Token, errand: Errand) -> Beginning:
        """Make a key pair; its certificate goes to the person, its key under seal.

        A plain renewal needs none: the portal has the certificate already.
        """
        if errand.purpose is Purpose.RENEW:
            return Beginning(
                evidence=Evidence.SERVER_TOKEN_FILE, certificate_id=None, keep=_nothing
            )
        made = await make_key_pair_in_thread(token.name, self.clock.now())
        pair = self.vault.seal_key_pair(token.id, made, self.clock.now())

        async def keep(tx: Transaction) -> None:
            await tx.key_pairs.add(pair)

        return Beginning(evidence=Evidence.SERVER_TOKEN_FILE, certificate_id=pair.id, keep=keep)

    async def check(self, token: Token, file: bytes, errand: Errand) -> str:
        """Tell whether the file is a server token for this token's key. Raises WrongFile."""
        await self._match(token, file, errand.purpose)
        return f"The file was made for the key of {quoted(token.name)}."

    async def prove(self, token: Token, brought: Brought, errand: Errand) -> Proof:
        """Open the file and ask Apple with what is in it; nothing is in force before `keep`."""
        if brought.file is None:
            raise AssertionError("the program apple takes a file")
        match = await self._match(token, brought.file, errand.purpose)
        opened = await self._open(match)
        await self._check_new(token, opened)
        check_expiry(opened, self.clock.now())
        connection = AppleConnection(self.http, oauth_values(opened))
        account = await _account_of(connection, token, opened)
        await self._check_server(token, account)
        credentials = self.vault.seal_credentials(match.pair, opened, self.clock.now())

        async def keep(tx: Transaction) -> None:
            await tx.key_pairs.make_current(token.id, match.pair.id)
            await tx.credentials.put_in_force(credentials)

        self._connections[credentials.id] = connection
        return Proof(
            account=_detail(account),
            health=Health.OK,
            expires_at=opened.access_token_expiry,
            keep=keep,
        )

    async def take_back(self, tell: TakenBack) -> None:
        """Nothing is begun at Apple before a file is proved."""

    async def read(self, token: Token) -> Holding:
        """Ask `/account`; trouble is told as health with Apple's words as evidence."""
        try:
            account = await (await self._connection(token)).account()
        except AppleError as error:
            return Holding(
                health=HEALTH.get(error.trouble, Health.UNREACHABLE),
                evidence=str(error),
                account=None,
                expires_at=token.expires_at,
                devices=None,
            )
        return Holding(
            health=Health.OK,
            evidence="/account answered",
            account=_detail(account),
            expires_at=token.expires_at,
            devices=None,
        )

    async def sync(self, token: Token, start: SyncStart, keep_page: KeepPage) -> SyncEnd:
        """Fetch all devices from the cursor on, or what changed since it."""
        connection = await self._connection(token)
        full = start.kind is SyncKind.FULL
        ask = connection.fetch if full else connection.changes
        await Pages(ask, start.cursor).walk(keep_page)
        return SyncEnd.COMPLETE if full else SyncEnd.CHANGES

    async def devices(self, token: Token, serial_numbers: Sequence[str]) -> Sequence[Device]:
        """Up to 1,000 devices as Apple sees them now."""
        if len(serial_numbers) > PAGE_LIMIT:
            raise AssertionError(f"at most {PAGE_LIMIT} devices a call")
        connection = await self._connection(token)
        details = await connection.devices(list(serial_numbers))
        return [found.record() for found in details.values() if found.response_status == SUCCESS]

    async def count(self, token: Token) -> Counts:
        """Count at Apple as far as one page tells, and in the store beyond it."""
        return await removal.count(self.database, await self._connection(token), token)

    async def remove_devices(self, token: Token, *, done: bool = False) -> Keep:  # noqa: ARG002 - the port's signature
        """Take the profiles off at Apple; `keep` removes devices and profiles here."""
        await removal.take_profiles_off(self.database, await self._connection(token), token)

        async def keep(tx: Transaction) -> None:
            now = self.clock.now()
            await tx.devices.remove_here(token.id, now)
            await tx.profiles.remove(token.id, now)

        return keep

    async def withdraw(self, token: Token, *, done: bool = False) -> Keep:  # noqa: ARG002 - the port's signature
        """Nothing is to be done at Apple; `keep` destroys the keys and the credentials."""

        async def keep(tx: Transaction) -> None:
            await tx.credentials.destroy(token.id)
            await tx.key_pairs.destroy(token.id)

        return keep

    async def _match(self, token: Token, file: bytes, purpose: Purpose) -> _Match:
        envelope = read_envelope(file)
        async with self.database.read() as tx:
            pair = await tx.key_pairs.of_recipient(
                envelope.recipient.issuer, str(envelope.recipient.serial)
            )
            newest = await tx.key_pairs.newest_of(token.id)
            holder = await tx.tokens.get(pair.token_id) if pair else None
        if pair is None or holder is None:
            raise wrong_files.unknown_recipient()
        if holder.id != token.id:
            raise wrong_files.of_another(holder)
        # A plain renewal is for whichever certificate the portal has; a new one must be there.
        renewable = purpose is Purpose.RENEW and pair.state is not KeyPairState.RETIRED
        if not renewable and (newest is None or pair.id != newest.id):
            raise wrong_files.older_key_pair()
        return _Match(envelope=envelope, pair=pair)

    async def _open(self, match: _Match) -> ServerToken:
        ends_at = time.monotonic() + DAMAGED_SECONDS
        pem = self.vault.private_key(match.pair)
        try:
            return open_envelope(match.envelope, load_private_key(pem, ours=True))
        except WrongFile:
            # However far it came: an answer that took its time would tell that.
            await asyncio.sleep(ends_at - time.monotonic())
            raise

    async def _check_new(self, token: Token, opened: ServerToken) -> None:
        async with self.database.read() as tx:
            credentials = await tx.credentials.in_force(token.id)
        if credentials is None:
            return
        in_force = self.vault.oauth_values(credentials)
        if hmac.compare_digest(in_force.access_token.encode(), opened.access_token.encode()):
            raise WrongFile(WrongFileReason.SAME_FILE)

    async def _check_server(self, token: Token, account: Account) -> None:
        async with self.database.read() as tx:
            holder = await tx.tokens.of_server(account.server_uuid)
        if holder is not None and holder.id != token.id:
            raise wrong_files.server_taken(account.server_name, holder)

    async def _connection(self, token: Token) -> AppleConnection:
        async with self.database.read() as tx:
            credentials = await tx.credentials.in_force(token.id)
        if credentials is None:
            raise NotFound(
                f"token {token.id} has no credentials",
                user_message=f"{quoted(token.name)} has no server token yet. Finish its request.",
            )
        return self._connections.setdefault(credentials.id, self._connect(credentials))

    def _connect(self, credentials: Credentials) -> AppleConnection:
        return AppleConnection(self.http, self.vault.oauth_values(credentials))


async def _nothing(_tx: Transaction) -> None:
    """Leave nothing behind."""


async def _account_of(connection: AppleConnection, token: Token, opened: ServerToken) -> Account:
    try:
        return await connection.account()
    except AppleError as error:
        if error.retryable:
            raise
        superseded = error.trouble is Trouble.SUPERSEDED
        if superseded and token.expires_at and opened.access_token_expiry < token.expires_at:
            raise WrongFile(WrongFileReason.OLDER_FILE) from error
        raise wrong_files.refused_by_apple(error) from error


def _detail(account: Account) -> AccountDetail:
    return AccountDetail(
        server_uuid=account.server_uuid,
        server_name=account.server_name,
        org_id=account.org_id,
        org_id_hash=account.org_id_hash,
        org_name=account.org_name,
        admin_id=account.admin_id or account.facilitator_id,
    )
