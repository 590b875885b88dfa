"""What a server token file may look like: Apple's shape by default, every deviation by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Armour(StrEnum):
    """What stands around the CMS bytes."""

    SMIME = "smime"
    """Four MIME headers, an empty line, base64: Apple's."""

    BARE = "bare"
    """Base64 alone."""

    PEM = "pem"
    """Base64 between BEGIN PKCS7 and END PKCS7."""

    RAW = "raw"
    """The CMS bytes themselves."""


class Cipher(StrEnum):
    """What encrypts the content."""

    AES_128_CBC = "2.16.840.1.101.3.4.1.2"
    """Apple's."""

    AES_192_CBC = "2.16.840.1.101.3.4.1.22"
    """AES with a key of 24 bytes."""

    AES_256_CBC = "2.16.840.1.101.3.4.1.42"
    """AES with a key of 32 bytes."""

    DES_EDE3_CBC = "1.2.840.113549.3.7"
    """Triple DES, the default of older openssl commands."""

    AES_128_GCM = "2.16.840.1.101.3.4.1.6"
    """AES in a mode of its own content type, AuthEnvelopedData (RFC 5083)."""


class KeyTransport(StrEnum):
    """What encrypts the content's key for the recipient."""

    PKCS1_V1_5 = "1.2.840.113549.1.1.1"
    """Apple's."""

    OAEP = "1.2.840.113549.1.1.7"
    """RSA with OAEP padding and its default parameters (SHA-1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One way to write a server token file."""

    # Around the CMS bytes
    armour: Armour = Armour.SMIME
    line_end: bytes = b"\n"
    columns: int = 76
    broken_header: bool = False
    """Break the first header inside `smime-type=enveloped-data`, as Apple's own page prints it."""
    cut_base64: int = 0
    """Leave out that many characters at the end of the base64."""
    cut_cms: int = 0
    """Leave out that many bytes at the end of the CMS."""
    trailing: bytes = b""
    """Bytes after the end of the CMS."""

    # The CMS itself
    open_ended: bool = True
    """BER with indefinite lengths, Apple's; else DER."""
    chunk: int | None = None
    """Cut the ciphertext into OCTET STRINGs of that size; None is Apple's single one."""
    nesting: int = 0
    """Wrap the ciphertext in that many more constructed OCTET STRINGs."""
    content_type: str | None = None
    """Another OID for the outer content type."""
    version: int = 0
    cipher: Cipher = Cipher.AES_128_CBC
    key_transport: KeyTransport = KeyTransport.PKCS1_V1_5
    flipped: int | None = None
    """Flip one bit of that byte of the ciphertext; negative counts from the end."""
    empty_ciphertext: bool = False

    # To whom
    subject_key_identifier: bool = False
    """Name the recipient by key identifier instead of issuer and serial."""
    serial: int | None = None
    """Another serial number than the certificate's, negative ones too."""
    key_of: bytes | None = None
    """PEM of the certificate whose key is used, the recipient named stays the same."""
    others_before: tuple[bytes, ...] = ()
    """PEMs of more certificates, named before the mint's own."""
    others_after: tuple[bytes, ...] = ()
    """PEMs of more certificates, named after the mint's own."""
    no_recipients: bool = False

    # The text inside
    text: bytes | None = None
    """The whole inner text; the fields below then have no effect."""
    json: str | None = None
    """The JSON line."""
    begin_end: bool = True
    """The lines BEGIN MESSAGE and END MESSAGE."""
    head: bool = True
    """The two MIME headers of the inner text."""
    body_line_end: bytes = b"\n"
    without: tuple[str, ...] = ()
    """Keys to leave out."""
    instead: Mapping[str, object] = field(default_factory=dict)
    """Values that replace or join the five."""
    doubled: tuple[str, ...] = ()
    """Keys written a second time, with another value."""
