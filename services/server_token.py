"""Server tokens: the credentials in a file that Apple encrypted to our public-key certificate.

Such a file is encrypted but not signed: whoever has the certificate can make one, so nothing in
it is proved before Apple accepts it.
"""

import contextlib
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from services.envelope import Envelope
from services.wrong_file import WrongFile, WrongFileReason

_MAX_TEXT_BYTES = 8_192
_MAX_VALUE_CHARACTERS = 1_024
_BLOCK_BYTES = 16
_KEY_BYTES = {"AES-128-CBC": 16, "AES-256-CBC": 32}
_MESSAGE = re.compile(r"-----BEGIN MESSAGE-----\n(.*)\n-----END MESSAGE-----", re.DOTALL)
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerToken:
    """The OAuth 1.0a credentials in the file, and when they end (an aware time)."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_secret: str = field(repr=False)
    access_token_expiry: datetime


def open_envelope(envelope: Envelope, private_key: RSAPrivateKey) -> ServerToken:
    """Decrypt and read the five values (Apple, "Examining Server Tokens").

    Raises WrongFile with the one reason DAMAGED, whatever failed: an answer that told a wrong
    key from a wrong padding would help whoever tries to decrypt by asking.
    """
    try:
        return _token(_decrypted(envelope, private_key))
    except (ValueError, OverflowError, RecursionError):
        raise WrongFile(WrongFileReason.DAMAGED) from None


def check_expiry(token: ServerToken, now: datetime) -> None:
    """Raise WrongFile (EXPIRED), with the date in UTC, once the token has ended."""
    if token.access_token_expiry > now:
        return
    day = f"{token.access_token_expiry.astimezone(UTC):%Y-%m-%d}"
    sentence = WrongFileReason.EXPIRED.sentence.replace("has expired", f"expired on {day}")
    raise WrongFile(WrongFileReason.EXPIRED, day, user_message=sentence)


def _decrypted(envelope: Envelope, private_key: RSAPrivateKey) -> bytes:
    """Decrypt the content; a key that does not open is replaced by a random one (RFC 3218, 2.3.2).

    OpenSSL from 3.2 on gives a random key too, but of a random length.
    """
    size = _KEY_BYTES[envelope.content_cipher]
    content_key = secrets.token_bytes(size)
    with contextlib.suppress(ValueError):
        opened = private_key.decrypt(envelope.encrypted_key, PKCS1v15())
        content_key = opened if len(opened) == size else content_key
    decryptor = Cipher(algorithms.AES(content_key), modes.CBC(envelope.iv)).decryptor()
    padded = decryptor.update(envelope.ciphertext) + decryptor.finalize()
    unpadder = PKCS7(_BLOCK_BYTES * 8).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _token(content: bytes) -> ServerToken:
    """Read the text inside: an optional MIME head, optional BEGIN and END lines, and JSON."""
    if len(content) > _MAX_TEXT_BYTES:
        raise ValueError("the text is too long")
    text = content.decode().replace("\r\n", "\n")
    if text[:8].lower() == "content-":
        text = text.partition("\n\n")[2]
    text = text.strip()
    armoured = _MESSAGE.fullmatch(text)
    values = json.loads(
        armoured[1] if armoured else text, object_pairs_hook=_distinct, parse_constant=_refused
    )
    if not isinstance(values, dict) or not all(_is_value(value) for value in values.values()):
        raise ValueError("not an object of strings")
    try:
        expiry = _date_time(values.pop("access_token_expiry"))
        return ServerToken(**values, access_token_expiry=expiry)
    except (KeyError, TypeError):
        raise ValueError("not the five keys") from None


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands there twice")
    return values


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _is_value(value: object) -> bool:
    """Say whether it is fit for an OAuth header: some printable ASCII without spaces."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _MAX_VALUE_CHARACTERS
        and all("!" <= character <= "~" for character in value)
    )


def _date_time(text: str) -> datetime:
    if not _RFC_3339.fullmatch(text):
        raise ValueError("not a date and time of RFC 3339")
    return datetime.fromisoformat(text).astimezone(UTC)
