"""Secrets at rest: a data key for each row, wrapped by a key-encryption key.

Both layers are AES-256-GCM with a random 96-bit nonce, and their associated data names the table,
the row, the field and the key, so that a ciphertext opens nowhere but where it was sealed. The
stored form is `v1:<key>:<base64 of nonce and ciphertext>`; anything else is refused.
"""

import binascii
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.errors import SealBroken

KEY_BYTES = 32
NONCE_BYTES = 12
DATA_KEY = "data_key"
CHECK_TEXT = b"enroll-token key check"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionKey:
    """A key-encryption key and the name that sealed values know it by."""

    name: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """A row's wrapped data key and its sealed fields."""

    data_key: str
    fields: Mapping[str, str]


class KeyRing:
    """The key-encryption keys: the first seals, all open."""

    def __init__(self, keys: tuple[EncryptionKey, ...]) -> None:
        self.first = keys[0]
        self._keys = {key.name: key.key for key in keys}

    def names(self) -> frozenset[str]:
        """The names of the keys that can open."""
        return frozenset(self._keys)

    def seal_row(self, table: str, row_id: str, values: Mapping[str, bytes]) -> SealedRow:
        """Seal a row's secrets under a new data key."""
        data_key = secrets.token_bytes(KEY_BYTES)
        name = self.first.name
        wrapped = _seal(self.first.key, name, (table, row_id, DATA_KEY), data_key)
        sealed = {
            part: _seal(data_key, DATA_KEY, (table, row_id, part), value)
            for part, value in values.items()
        }
        return SealedRow(data_key=wrapped, fields=sealed)

    def open_row(self, table: str, row_id: str, row: SealedRow) -> dict[str, bytes]:
        """The row's secrets in clear. Raises SealBroken."""
        wrapping = self._named(_key_of(row.data_key))
        data_key = _open(wrapping, (table, row_id, DATA_KEY), row.data_key)
        return {
            part: _open(data_key, (table, row_id, part), sealed)
            for part, sealed in row.fields.items()
        }

    def seal_check(self) -> str:
        """A known text under the first key, by which a wrong key is told at start."""
        return _seal(
            self.first.key, self.first.name, ("key_check", self.first.name, "text"), CHECK_TEXT
        )

    def open_check(self, key_name: str, sealed: str) -> None:
        """Prove that the key of that name is the one that sealed here. Raises SealBroken."""
        _open(self._named(key_name), ("key_check", key_name, "text"), sealed)

    def audit_key(self, key_name: str) -> bytes:
        """The key under which the audit log is chained, derived from that key-encryption key."""
        derive = HKDF(
            algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"enroll-token audit v1"
        )
        return derive.derive(self._named(key_name))

    def _named(self, name: str) -> bytes:
        if name not in self._keys:
            raise SealBroken(
                f"key {name!r} is not in ENCRYPTION_KEYS",
                user_message=f"Secrets here are sealed with the key {name!r}, which is not in "
                "ENCRYPTION_KEYS. Add it (after the first one, it then only opens).",
            )
        return self._keys[name]


def parse_keys(entries: tuple[str, ...]) -> KeyRing:
    """A key ring from `name:base64 of 32 bytes` entries. Raises SealBroken, naming the entry."""
    keys = tuple(_parse_key(number, entry) for number, entry in enumerate(entries, start=1))
    if not keys or len({key.name for key in keys}) != len(keys):
        raise SealBroken(
            "ENCRYPTION_KEYS is empty or names a key twice",
            user_message="ENCRYPTION_KEYS needs at least one key, each with a name of its own. "
            "Make one with: enroll-token keys new",
        )
    return KeyRing(keys)


def new_key(name: str) -> str:
    """A fresh entry for ENCRYPTION_KEYS."""
    return f"{name}:{b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _parse_key(number: int, entry: str) -> EncryptionKey:
    name, _, encoded = entry.strip().partition(":")
    try:
        key = b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if not name or len(key) != KEY_BYTES:
        raise SealBroken(
            f"entry {number} of ENCRYPTION_KEYS is malformed",
            user_message=f"Entry {number} of ENCRYPTION_KEYS is not of the form name:base64 of 32 "
            "bytes. Make one with: enroll-token keys new",
        )
    return EncryptionKey(name=name, key=key)


def _seal(key: bytes, key_name: str, place: tuple[str, str, str], value: bytes) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, value, _associated(key_name, place))
    return f"v1:{key_name}:{b64encode(nonce + sealed).decode()}"


def _open(key: bytes, place: tuple[str, str, str], sealed: str) -> bytes:
    key_name = _key_of(sealed)
    try:
        raw = b64decode(sealed.split(":", 2)[2], validate=True)
        return AESGCM(key).decrypt(
            raw[:NONCE_BYTES], raw[NONCE_BYTES:], _associated(key_name, place)
        )
    except (InvalidTag, ValueError) as error:
        raise SealBroken(
            f"a sealed value of {place[0]} does not open with the key {key_name!r}",
            user_message=f"A sealed value does not open with the key {key_name!r}: the key in "
            "ENCRYPTION_KEYS is another one, or the database was changed. Restore the right key.",
        ) from error


def _key_of(sealed: str) -> str:
    version, _, rest = sealed.partition(":")
    key_name, colon, _ = rest.partition(":")
    if version != "v1" or not colon:
        raise SealBroken(
            "a sealed value has an unknown form",
            user_message="A sealed value has a form that this release does not know. "
            "Start the release that wrote it, or restore the database.",
        )
    return key_name


def _associated(key_name: str, place: tuple[str, str, str]) -> bytes:
    # Canonical JSON, not bare concatenation: ("ab", "c") and ("a", "bc") must differ.
    return json.dumps(["v1", key_name, *place], separators=(",", ":")).encode()
