"""RSA key pairs with self-signed certificates, as an MDM makes them for the portal."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A private key (PKCS #8 PEM) and its public-key certificate (PEM)."""

    private_key_pem: bytes = field(repr=False)
    certificate_pem: bytes


def key_pair(
    name: str = "Invented key pair", *, serial: int | None = None, bits: int = 2048
) -> KeyPair:
    """Make an RSA key and a self-signed certificate of one year."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    public_key = key.public_key()
    certificate = (
        x509.CertificateBuilder(issuer_name=subject, subject_name=subject, public_key=public_key)
        .serial_number(x509.random_serial_number() if serial is None else serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .sign(key, hashes.SHA256())
    )
    return KeyPair(
        private_key_pem=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
    )
