"""What the portal accepts as public key: one RSA certificate in PEM."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

_LARGEST = 64 * 1024


class PortalRefused(Exception):
    """The portal shows an error instead of doing what was asked; its text is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedCertificate:
    """A certificate that the portal took."""

    pem: bytes
    fingerprint: str
    """SHA-256, 64 hex digits."""
    subject: str
    not_after: datetime


def accepted(pem: bytes) -> UploadedCertificate:
    """Check an uploaded file; a key instead of a certificate is the usual mistake."""
    if len(pem) > _LARGEST:
        raise PortalRefused("The file is too large for a public key.")
    if b"PRIVATE KEY" in pem:
        raise PortalRefused("The file holds a private key. Upload the certificate alone.")
    if pem.count(b"-----BEGIN CERTIFICATE-----") != 1:
        raise PortalRefused("Upload one X.509 certificate in PEM form (.pem).")
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise PortalRefused("The certificate can't be read.") from error
    if not isinstance(certificate.public_key(), rsa.RSAPublicKey):
        raise PortalRefused("The certificate's key must be an RSA key.")
    return UploadedCertificate(
        pem=pem,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        subject=certificate.subject.rfc4514_string(),
        not_after=certificate.not_valid_after_utc,
    )
