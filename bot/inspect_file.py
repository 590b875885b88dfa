"""`enroll-token inspect FILE [--key KEY]`: what a server token file is, without any set-up."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from services.envelope import MAX_BYTES, Envelope, read_envelope
from services.errors import Invalid
from services.key_pairs import load_private_key
from services.server_token import ServerToken, open_envelope
from services.wrong_file import WrongFile

_SHOWN_AT_THE_START = 7
_SHOWN_AT_THE_END = 4
_SHORTEST_TO_SHORTEN = 24


def inspect(file: Path, key: Path | None, now: datetime) -> list[str]:
    """Tell the facts of a server token file, one a line; never a secret.

    An expired token is a fact, not an error. Raises ServiceError for a file or a key that cannot
    be read, is another kind of file, or where the two do not fit.
    """
    data = _read(file, field="file")
    envelope = read_envelope(data)
    facts = _facts_without_key(envelope, len(data))
    if key is not None:
        facts += _facts_inside(_opened(envelope, key), now)
    return facts


def _read(path: Path, *, field: str) -> bytes:
    """Read one byte more than allowed at most: the path may name a device without an end."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or "not a usable path"
        raise Invalid(
            f"The {field} could not be read: {cause}",
            user_message=f"{_one_line(str(path))} could not be read ({cause}). Check the path and"
            " your permissions, then try again.",
            field=field,
        ) from error


def _opened(envelope: Envelope, key: Path) -> ServerToken:
    private_key = load_private_key(_read(key, field="key"))
    try:
        return open_envelope(envelope, private_key)
    except WrongFile:
        raise Invalid(
            "The file could not be opened with this key.",
            user_message="This key does not open this file: either the file was made for another"
            " key, or it is damaged. Try the private key that belongs to the recipient's"
            " certificate; if it is that one, download the file again.",
            field="key",
        ) from None


def _facts_without_key(envelope: Envelope, size: int) -> list[str]:
    return [
        f"Format: {envelope.format}",
        f"Size: {size:,} bytes",
        f"Issuer of the recipient's certificate: {_issuer(envelope.recipient.issuer)}",
        f"Serial number of the recipient's certificate: {envelope.recipient.serial:#x}",
        f"Key algorithm: {envelope.key_algorithm}",
        f"Content cipher: {envelope.content_cipher}",
    ]


def _facts_inside(token: ServerToken, now: datetime) -> list[str]:
    expiry = token.access_token_expiry
    return [
        f"Expiry: {expiry.astimezone(UTC):%Y-%m-%d} (UTC)",
        _time_left(expiry, now),
        f"Consumer key: {_shortened(token.consumer_key)}",
    ]


def _time_left(expiry: datetime, now: datetime) -> str:
    if expiry > now:
        return f"Days left: {(expiry - now).days:,}"
    days = (now - expiry).days
    ago = {0: "less than a day ago", 1: "1 day ago"}.get(days, f"{days:,} days ago")
    return f"Days left: none, expired {ago}"


def _shortened(consumer_key: str) -> str:
    """Show enough to compare two keys by eye; of an unusually short one, almost nothing."""
    if len(consumer_key) < _SHORTEST_TO_SHORTEN:
        return f"{consumer_key[:3]}…"
    return f"{consumer_key[:_SHOWN_AT_THE_START]}…{consumer_key[-_SHOWN_AT_THE_END:]}"


def _issuer(der: bytes) -> str:
    """Write the name as RFC 4514 does; one that is no X.509 name is shown in hex."""
    try:
        return _one_line(x509.Name.from_bytes(der).rfc4514_string()) or "(empty)"
    except ValueError:
        return f"0x{der.hex()}"


def _one_line(text: str) -> str:
    """Escape what a terminal would obey: the text may be a stranger's."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
