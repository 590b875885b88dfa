"""How a token is made and renewed in Intune by calls; nobody outside Microsoft has seen the order.

The operations are documented one by one. What follows from no document stands here as a field with
a default: the order in which they are called, how the file is handed in, in which forms the public
key comes. Source: Graph beta, `depOnboardingSetting` with `generateEncryptionPublicKey` and
`uploadDepToken`.
"""

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from uuid import uuid4

from cryptography import x509

from services.envelope import as_smime
from services.errands import Errand
from services.graph.errors import GraphError, GraphTrouble
from services.graph.intune import Intune
from services.graph.messages import PEM_BEGIN, certificate_of
from storage.records import Token


class UnknownKey(GraphError):
    """Intune's public key comes in a form that we do not take; asking again gives the same."""

    def __init__(self, log_text: str) -> None:
        super().__init__(GraphTrouble.REFUSED, log_text)
        self.user_message = "Intune gave its public key in a form that I do not understand."


class CreateOrder(StrEnum):
    """What comes first."""

    ENTRY_FIRST = "entry_first"
    """An entry without a token, its key, the file: the order in which Graph's pages are written."""
    KEY_FIRST = "key_first"
    """A key for an id that we make up; the file makes the entry."""


class TokenEncoding(StrEnum):
    """What `depToken` holds."""

    SMIME = "smime"
    """The text of the `.p7m`, as it was downloaded."""
    BASE64 = "base64"
    """The file's bytes in base64."""


class KeyText(StrEnum):
    """What the public key comes as."""

    PEM = "pem"
    """A certificate between BEGIN and END."""
    BASE64 = "base64"
    """The certificate's DER in base64, without lines around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """The steps by which a token comes into Intune. Each raises GraphError."""

    order: CreateOrder = CreateOrder.ENTRY_FIRST
    encoding: TokenEncoding = TokenEncoding.SMIME
    key_texts: frozenset[KeyText] = frozenset(KeyText)

    async def enter(self, intune: Intune, token: Token, errand: Errand) -> str:
        """The id of the entry that the token will be in."""
        match self.order:
            case CreateOrder.ENTRY_FIRST:
                made = await intune.create(
                    name=token.name,
                    apple_id=errand.apple_id,
                    portal=token.portal,
                    scope_tags=errand.scope_tags,
                )
                return made.id
            case CreateOrder.KEY_FIRST:
                return str(uuid4())
            case _:
                assert_never(self.order)

    async def certificate(self, intune: Intune, entry_id: str) -> x509.Certificate:
        """A new public-key certificate for the portal at Apple."""
        text = await intune.generate_public_key(entry_id)
        form = KeyText.PEM if PEM_BEGIN in text else KeyText.BASE64
        if form not in self.key_texts:
            raise UnknownKey(f"the public key comes as {form}")
        try:
            return certificate_of(text)
        except GraphError as error:
            raise UnknownKey(str(error)) from error

    async def hand_in(self, intune: Intune, entry_id: str, *, apple_id: str, file: bytes) -> None:
        """Hand the server token file in."""
        await intune.upload(entry_id, apple_id=apple_id, dep_token=self.encoded(file))

    async def tag(self, intune: Intune, entry_id: str, scope_tags: frozenset[str]) -> bool:
        """Whether the entry has these scope tags in the end: an upload may have taken them off."""
        if await _tagged(intune, entry_id) == scope_tags:
            return True
        await intune.set_scope_tags(entry_id, sorted(scope_tags))
        return await _tagged(intune, entry_id) == scope_tags

    def encoded(self, file: bytes) -> str:
        """The file as Intune takes it."""
        match self.encoding:
            case TokenEncoding.SMIME:
                return as_smime(file).decode("ascii")
            case TokenEncoding.BASE64:
                return base64.b64encode(file).decode("ascii")
            case _:
                assert_never(self.encoding)


async def _tagged(intune: Intune, entry_id: str) -> frozenset[str] | None:
    setting = await intune.setting(entry_id)
    return frozenset(setting.scope_tags) if setting else None
