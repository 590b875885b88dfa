"""Whose key a server token file is for, told from the file alone before Intune sees it.

Intune has the private key, but a file names its recipient in clear: issuer and serial number of a
certificate (RFC 5652, 6.2.1), which Intune shows for each of its tokens.
"""

import asyncio
from collections.abc import Sequence
from enum import StrEnum

from cryptography import x509

from services.envelope import Recipient, read_envelope
from services.graph import wrong_files
from services.graph.errors import GraphError, GraphTrouble
from services.graph.intune import Intune
from services.graph.messages import Setting, certificate_of
from storage.database import Database
from storage.records import Token

AT_ONCE = 8


class Match(StrEnum):
    """Whose file it is, where it is no wrong one."""

    OURS = "ours"
    """For the key of the token's own entry."""
    NOBODYS = "nobodys"
    """For a key that no entry shows: that of a form which is still open, or a stranger's."""
    UNTOLD = "untold"
    """For no other's key, but Intune does not show the one of the token's own entry."""


class Recipients:
    """Compares files with the certificates that Intune and we know."""

    def __init__(self, database: Database, intune: Intune) -> None:
        self.database = database
        self.intune = intune

    async def match(self, token: Token, file: bytes, entry_id: str | None) -> Match:
        """Whose it is; `entry_id` is the token's entry, where it has one already.

        Raises WrongFile where it is another's, GraphError.
        """
        recipient = read_envelope(file).recipient
        own = await self._of_entry(entry_id) if entry_id else None
        if own == recipient:
            return Match.OURS
        untold = entry_id is not None and own is None
        if await self._is_handed_out(token, recipient):
            if untold:
                return Match.OURS
            raise wrong_files.older_key()
        await self._check_others(token, recipient, entry_id)
        return Match.UNTOLD if untold else Match.NOBODYS

    async def _is_handed_out(self, token: Token, recipient: Recipient) -> bool:
        """Whether it is for a certificate that was handed out here for this token.

        Raises WrongFile if it was for another one.
        """
        async with self.database.read() as tx:
            pair = await tx.key_pairs.of_recipient(recipient.issuer, str(recipient.serial))
            holder = await tx.tokens.get(pair.token_id) if pair else None
        if holder is not None and holder.id != token.id:
            raise wrong_files.of_another(holder.name, in_intune=False)
        return holder is not None

    async def _check_others(self, token: Token, recipient: Recipient, entry_id: str | None) -> None:
        """Raise WrongFile if it is for the key of another entry in Intune."""
        settings = [one for one in await self.intune.settings() if one.id != entry_id]
        found = await self._among(settings, recipient)
        if found is None:
            return
        async with self.database.read() as tx:
            holder = await tx.tokens.of_holder(found.id)
        if holder is not None and holder.id == token.id:
            return
        if holder is not None:
            raise wrong_files.of_another(holder.name, in_intune=False)
        if found.expires_at is not None:
            raise wrong_files.of_another(found.name or found.id, in_intune=True)

    async def _among(self, settings: Sequence[Setting], recipient: Recipient) -> Setting | None:
        gate = asyncio.Semaphore(AT_ONCE)
        found: list[Setting] = []

        async def look(setting: Setting) -> None:
            async with gate:
                if not found and await self._of_entry(setting.id) == recipient:
                    found.append(setting)

        await asyncio.gather(*(look(one) for one in settings))
        return found[0] if found else None

    async def _of_entry(self, entry_id: str) -> Recipient | None:
        """To whom files for the entry are addressed; None where Intune shows no certificate."""
        text = await self.intune.public_key(entry_id)
        if text is None:
            return None
        try:
            return recipient_of(certificate_of(text))
        except GraphError as error:
            if error.trouble is GraphTrouble.GARBLED:
                return None
            raise


def recipient_of(certificate: x509.Certificate) -> Recipient:
    """How a file names this certificate."""
    return Recipient(issuer=certificate.issuer.public_bytes(), serial=certificate.serial_number)
