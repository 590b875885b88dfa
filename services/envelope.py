"""What a server token file tells without the private key: CMS EnvelopedData and its wrapping."""

import binascii
import re
from dataclasses import dataclass, field
from enum import StrEnum

from services import ber
from services.wrong_file import WrongFile, WrongFileReason

MAX_BYTES = 65_536

SMIME_LINE = 64
SMIME_HEAD = (
    b'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data\n'
    b"Content-Transfer-Encoding: base64\n"
    b'Content-Disposition: attachment; filename="smime.p7m"\n\n'
)

_BLOCK_BYTES = 16
_ENVELOPED_DATA = "1.2.840.113549.1.7.3"
_AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23"
_DATA = "1.2.840.113549.1.7.1"
_RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
_CIPHERS = {"2.16.840.1.101.3.4.1.2": "AES-128-CBC", "2.16.840.1.101.3.4.1.42": "AES-256-CBC"}

_PEM_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 #]{1,40})-----")
_PEM = re.compile(rb"-----BEGIN (PKCS7|CMS)-----([A-Za-z0-9+/=\s]*)-----END \1-----\s*")
_WEB_PAGE = re.compile(rb"<(!doctype\s+html|html)\b", re.IGNORECASE)
_BASE64_OF_BER = re.compile(rb"MI[A-Za-z0-9+/]+={0,2}")
_BASE64_OF_JSON = re.compile(rb"eyJ[A-Za-z0-9+/]+={0,2}")


class FileFormat(StrEnum):
    """How the encrypted content is wrapped."""

    SMIME = "S/MIME"
    """Mail headers, an empty line, base64: what Apple's portal gives."""

    PEM = "PEM"
    """Base64 between BEGIN and END lines of PKCS7 or CMS."""

    BASE64 = "base64 without headers"
    """The lower part of an S/MIME file alone, as pasted text tends to be."""

    BINARY = "DER or BER"
    """The bytes themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whose key the file is for: issuer (a DER Name) and serial number of the certificate."""

    issuer: bytes
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A server token file that is still closed (EnvelopedData, RFC 5652, 6.1)."""

    format: FileFormat
    recipient: Recipient
    key_algorithm: str
    content_cipher: str
    encrypted_key: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


def read_envelope(data: bytes) -> Envelope:
    """Read what can be known without the private key, from at most MAX_BYTES.

    Takes S/MIME in LF or CRLF, PEM, bare base64, DER and BER. Raises WrongFile.
    """
    if len(data) > MAX_BYTES:
        raise WrongFile(WrongFileReason.TOO_LARGE, f"{len(data)} bytes")
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not data:
        raise WrongFile(WrongFileReason.EMPTY)
    try:
        file_format, cms = _unwrapped(data)
        return _envelope(file_format, ber.parse(cms))
    except ber.UnexpectedFields as error:
        raise WrongFile(WrongFileReason.NOT_APPLES_SHAPE, str(error)) from error
    except (ber.BerError, binascii.Error) as error:
        raise WrongFile(WrongFileReason.DAMAGED_STRUCTURE, str(error)) from error


def as_smime(data: bytes) -> bytes:
    """A file that `read_envelope` takes, as S/MIME text: what Apple's portal gives."""
    stripped = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    file_format, cms = _unwrapped(stripped)
    if file_format is FileFormat.SMIME:
        return stripped
    body = binascii.b2a_base64(cms, newline=False)
    lines = [body[at : at + SMIME_LINE] for at in range(0, len(body), SMIME_LINE)]
    return SMIME_HEAD + b"\n".join(lines) + b"\n"


def _unwrapped(data: bytes) -> tuple[FileFormat, bytes]:
    """Take the CMS bytes out of what stands around them."""
    if data.startswith(b"0") and not data.isascii():
        return FileFormat.BINARY, data
    if labels := _PEM_LABEL.findall(data):
        return FileFormat.PEM, _from_pem(data, labels)
    lines = [line.strip() for line in data.splitlines()]
    end_of_head = lines.index(b"") if b"" in lines else len(lines)
    # Apple's page breaks the first header within a word, so the head is searched, not parsed.
    if b"pkcs7-mime" in b"".join(lines[:end_of_head]).lower():
        return FileFormat.SMIME, _from_base64(b"".join(lines[end_of_head:]))
    joined = b"".join(lines)
    if _BASE64_OF_BER.fullmatch(joined):
        return FileFormat.BASE64, _from_base64(joined)
    raise WrongFile(_kind_of_text(data, joined))


def _from_pem(data: bytes, labels: list[bytes]) -> bytes:
    if any(label.endswith(b"PRIVATE KEY") for label in labels):
        raise WrongFile(WrongFileReason.PRIVATE_KEY)
    if labels[0] == b"MESSAGE":
        raise WrongFile(WrongFileReason.DECRYPTED)
    if labels[0] in (b"PKCS7", b"CMS"):
        block = _PEM.fullmatch(data)
        return _from_base64(block[2] if block else b"")
    if any(b"CERTIFICATE" in label or b"PUBLIC KEY" in label for label in labels):
        raise WrongFile(WrongFileReason.PUBLIC_KEY)
    raise WrongFile(WrongFileReason.NOT_A_SERVER_TOKEN)


def _from_base64(text: bytes) -> bytes:
    return binascii.a2b_base64(b"".join(text.split()), strict_mode=True)


def _kind_of_text(data: bytes, joined: bytes) -> WrongFileReason:
    if b'"consumer_secret"' in data:
        return WrongFileReason.DECRYPTED
    if _WEB_PAGE.search(data[:1024]):
        return WrongFileReason.WEB_PAGE
    if _BASE64_OF_JSON.fullmatch(joined):
        return WrongFileReason.CONTENT_TOKEN
    return WrongFileReason.NOT_A_SERVER_TOKEN


def _envelope(file_format: FileFormat, root: ber.Node) -> Envelope:
    """Read ContentInfo and EnvelopedData (RFC 5652, 3 and 6.1)."""
    (enveloped_data,) = _content_of(root).fields(ber.SEQUENCE)
    version, recipients, content = enveloped_data.fields(ber.INTEGER, ber.SET, ber.SEQUENCE)
    if ber.integer(version) not in (0, 2):
        raise ber.UnexpectedFields("a version other than 0 and 2")
    if len(recipients.children) > 1:
        raise WrongFile(WrongFileReason.SEVERAL_RECIPIENTS, str(len(recipients.children)))
    (recipient_info,) = recipients.fields(ber.SEQUENCE)
    recipient, encrypted_key = _recipient(recipient_info)
    cipher, iv, ciphertext = _encrypted_content(content)
    return Envelope(
        format=file_format,
        recipient=recipient,
        key_algorithm="RSA, PKCS #1 v1.5",
        content_cipher=cipher,
        encrypted_key=encrypted_key,
        iv=iv,
        ciphertext=ciphertext,
    )


def _content_of(root: ber.Node) -> ber.Node:
    """Find the envelope in ContentInfo, or say what else the bytes are."""
    match root.tag, *root.tags:
        case (ber.SEQUENCE, ber.OID, ber.EXPLICIT_0):
            kind = ber.oid(root.children[0])
        case (ber.SEQUENCE, ber.INTEGER, *_):
            raise WrongFile(WrongFileReason.PRIVATE_KEY)
        case (ber.SEQUENCE, *_, ber.BIT_STRING):
            raise WrongFile(WrongFileReason.PUBLIC_KEY)
        case _:
            raise WrongFile(WrongFileReason.NOT_A_SERVER_TOKEN, str(root.tags))
    if kind == _AUTH_ENVELOPED_DATA:
        raise WrongFile(WrongFileReason.WRONG_ALGORITHM, kind)
    if kind != _ENVELOPED_DATA:
        raise WrongFile(WrongFileReason.NOT_A_SERVER_TOKEN, kind)
    return root.children[1]


def _recipient(info: ber.Node) -> tuple[Recipient, bytes]:
    """Read KeyTransRecipientInfo (RFC 5652, 6.2.1): the recipient and the encrypted key."""
    version, issuer_and_serial, algorithm, encrypted_key = info.fields(
        ber.INTEGER, ber.SEQUENCE, ber.SEQUENCE, ber.OCTET_STRING
    )
    issuer, serial = issuer_and_serial.fields(ber.SEQUENCE, ber.INTEGER)
    if ber.integer(version) != 0:
        raise ber.UnexpectedFields("a recipient's version other than 0")
    if (name := _algorithm(algorithm)) != _RSA_ENCRYPTION:
        raise WrongFile(WrongFileReason.WRONG_ALGORITHM, name)
    algorithm.fields(ber.OID, ber.NULL)
    recipient = Recipient(issuer=ber.encode(issuer), serial=ber.integer(serial))
    return recipient, encrypted_key.content


def _encrypted_content(info: ber.Node) -> tuple[str, bytes, bytes]:
    """Read EncryptedContentInfo (RFC 5652, 6.1): the cipher's name, IV and ciphertext."""
    content_type, algorithm, content = info.fields(ber.OID, ber.SEQUENCE, None)
    if ber.oid(content_type) != _DATA:
        raise ber.UnexpectedFields("content other than data")
    if (name := _algorithm(algorithm)) not in _CIPHERS:
        raise WrongFile(WrongFileReason.WRONG_ALGORITHM, name)
    _, iv = algorithm.fields(ber.OID, ber.OCTET_STRING)
    ciphertext = ber.implicit_octets(content, 0)
    if len(iv.content) != _BLOCK_BYTES:
        raise ber.UnexpectedFields("an IV that is not one block")
    if not ciphertext or len(ciphertext) % _BLOCK_BYTES:
        raise ber.BerError("a ciphertext that is not whole blocks")
    return _CIPHERS[name], iv.content, ciphertext


def _algorithm(identifier: ber.Node) -> str:
    if not identifier.children:
        raise ber.UnexpectedFields("no algorithm")
    return ber.oid(identifier.children[0])
