"""Key pairs: the RSA key that opens server tokens, and the certificate that goes to Apple.

Apple encrypts each server token to the certificate that was uploaded, and names it in the file by
issuer and serial number. The serial is random and never used twice, so it tells our pairs apart.
"""

import asyncio
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from services.errors import Invalid

MAX_COMMON_NAME_BYTES = 64
LIFETIME = timedelta(days=5 * 365 + 1)

_KEY_BITS = 2048
_SERIAL_BITS = 63
_CLOCK_TOLERANCE = timedelta(days=1)
_KEY_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_encipherment=True,
    content_commitment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPairMaterial:
    """A new key pair: PKCS #8 PEM, unencrypted, for the caller to seal, and what Apple gets."""

    private_key_pem: bytes = field(repr=False)
    certificate_pem: bytes
    issuer: bytes
    """The certificate's issuer, a DER Name."""
    serial: int
    fingerprint: str
    """SHA-256 of the certificate: 32 pairs of upper-case hex digits with colons between."""


async def make_key_pair_in_thread(name: str, now: datetime) -> KeyPairMaterial:
    """Make a key pair beside the event loop, which the search for primes would hold up."""
    return await asyncio.to_thread(make_key_pair, name, now)


def make_key_pair(name: str, now: datetime) -> KeyPairMaterial:
    """Make an RSA-2048 key and its self-signed certificate, valid from a day ago for five years.

    `name` is the token's, of any characters; `now` is an aware time. Takes 40 to 200 ms.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    serial = secrets.randbits(_SERIAL_BITS - 1) | 1 << (_SERIAL_BITS - 1)
    certificate = _certificate(key, serial=serial, name=name, now=now)
    return KeyPairMaterial(
        private_key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificate_pem=certificate.public_bytes(Encoding.PEM),
        issuer=certificate.issuer.public_bytes(),
        serial=serial,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
    )


def load_private_key(pem: bytes, *, ours: bool = False) -> rsa.RSAPrivateKey:
    """Read an unencrypted RSA private key in PEM; raises Invalid for the field `key`.

    A key of `ours` was sound when it was sealed, so its numbers are not proved again: that takes
    60 ms. Any other key is checked.
    """
    try:
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=ours)
    except TypeError:
        raise _unusable(
            "it is encrypted",
            "This private key is protected by a password. Remove the password from a copy"
            " (openssl pkey -in KEY -out COPY) and use the copy.",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise _unreadable(pem) from None
    return _rsa(key)


def _rsa(key: PrivateKeyTypes) -> rsa.RSAPrivateKey:
    if isinstance(key, rsa.RSAPrivateKey):
        return key
    raise _unusable(
        "it is not RSA",
        "This is not an RSA key, and server tokens are always for RSA keys. Use the private key"
        " that belongs to the certificate uploaded to Apple.",
    )


def _unreadable(pem: bytes) -> Invalid:
    if b"-----BEGIN" in pem and b"PRIVATE KEY" not in pem:
        return _unusable(
            "it is a certificate or a public key",
            "This is a certificate or a public key, not the private key. Use the file that begins"
            " with BEGIN PRIVATE KEY.",
        )
    return _unusable(
        "it is not a sound PEM private key",
        "This is not a private key in PEM form, or it is damaged. Use the file that begins with"
        " BEGIN PRIVATE KEY, unchanged.",
    )


def _unusable(why: str, user_message: str) -> Invalid:
    return Invalid(
        f"The private key cannot be used: {why}.", user_message=user_message, field="key"
    )


def _certificate(
    key: rsa.RSAPrivateKey, *, serial: int, name: str, now: datetime
) -> x509.Certificate:
    common_name = _common_name(name, f"{serial:x}"[-8:])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - _CLOCK_TOLERANCE)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_KEY_USAGE, critical=True)
        .sign(key, hashes.SHA256())
    )


def _common_name(name: str, short_id: str) -> str:
    """Write "name (id)" in at most 64 bytes of UTF-8 (RFC 5280, A.1: ub-common-name)."""
    composed = unicodedata.normalize("NFC", name)
    shown = "".join(character if character.isprintable() else " " for character in composed)
    room = MAX_COMMON_NAME_BYTES - len(short_id) - len(" ()")
    start = " ".join(shown.split()).encode()[:room].decode(errors="ignore").rstrip()
    return f"{start or 'Server token'} ({short_id})"
