"""Server token files (`.p7m`) made the way Apple makes them, and in the ways it does not."""

import base64
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from tests.sandbox.apple.cms import enveloped
from tests.sandbox.apple.credentials import Credentials
from tests.sandbox.apple.shape import Armour, Shape

HEADERS = (
    b'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data',
    b"Content-Transfer-Encoding: base64",
    b'Content-Disposition: attachment; filename="smime.p7m"',
    b"Content-Description: S/MIME Encrypted Message",
)
_INNER_HEAD = b"Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
_APPLE = Shape()


@dataclass(frozen=True, slots=True)
class Mint:
    """Makes server token files for one public-key certificate (PEM)."""

    certificate_pem: bytes

    def token(self, credentials: Credentials, *, shape: Shape = _APPLE) -> bytes:
        """Make one file; in Apple's shape unless another is asked for."""
        return armoured(self.cms(credentials, shape=shape), shape)

    def cms(self, credentials: Credentials, *, shape: Shape = _APPLE) -> bytes:
        """Make the CMS bytes that the file carries."""
        whole = enveloped(self.certificate_pem, inner_text(credentials, shape), shape)
        return whole[: len(whole) - shape.cut_cms] + shape.trailing


def openssl_token(certificate_pem: bytes, credentials: Credentials) -> bytes:
    """Make a file with the openssl command, as a second opinion about Mint.

    It differs from Apple's in one way: the ciphertext comes in several OCTET STRINGs.
    """
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder, "certificate.pem")
        certificate.write_bytes(certificate_pem)
        options = ["-encrypt", "-aes128", "-stream", "-indef", "-binary", "-outform", "DER"]
        done = subprocess.run(
            ["openssl", "cms", *options, str(certificate)],
            input=inner_text(credentials),
            capture_output=True,
            check=True,
        )
    return armoured(done.stdout)


def inner_text(credentials: Credentials, shape: Shape = _APPLE) -> bytes:
    """Write what is encrypted: a MIME head in CRLF, then the armoured JSON in LF."""
    if shape.text is not None:
        return shape.text
    line = (shape.json if shape.json is not None else _json(credentials, shape)).encode()
    lines = [b"-----BEGIN MESSAGE-----", line, b"-----END MESSAGE-----"]
    body = lines if shape.begin_end else [line]
    head = _INNER_HEAD if shape.head else b""
    return head + b"".join(part + shape.body_line_end for part in body)


def armoured(cms: bytes, shape: Shape = _APPLE) -> bytes:
    """Put headers and base64 around CMS bytes."""
    encoded = base64.b64encode(cms)
    encoded = encoded[: len(encoded) - shape.cut_base64]
    body = [
        encoded[start : start + shape.columns] for start in range(0, len(encoded), shape.columns)
    ]
    match shape.armour:
        case Armour.RAW:
            return cms
        case Armour.SMIME:
            lines = [*_headers(shape), b"", *body]
        case Armour.PEM:
            lines = [b"-----BEGIN PKCS7-----", *body, b"-----END PKCS7-----"]
        case Armour.BARE:
            lines = body
        case _:
            assert_never(shape.armour)
    return b"".join(line + shape.line_end for line in lines)


def _headers(shape: Shape) -> list[bytes]:
    first, *rest = HEADERS
    if shape.broken_header:
        first = first.replace(b"enveloped-data", b"enveloped-" + shape.line_end + b"data")
    return [first, *rest]


def _json(credentials: Credentials, shape: Shape) -> str:
    fields: dict[str, object] = {**credentials.fields(), **shape.instead}
    pairs = [(key, value) for key, value in fields.items() if key not in shape.without]
    pairs += [(key, "another value") for key in shape.doubled]
    members = (f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs)
    return "{" + ",".join(members) + "}"
