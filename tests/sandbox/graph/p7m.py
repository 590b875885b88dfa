"""Opening server token files, as whoever holds the private key does; BER is read as it comes."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.sandbox.apple.keypairs import KeyPair

_CONSTRUCTED = 0x20
_OCTETS = 0x04


class Unreadable(Exception):
    """The file is no server token, or not for this key; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedToken:
    """What the holder of the key reads in the file."""

    consumer_key: str
    access_token: str = field(repr=False)
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class _Node:
    tag: int
    whole: bytes
    content: bytes
    children: list["_Node"]

    def octets(self) -> bytes:
        """The value, of one piece or of several."""
        return b"".join(child.octets() for child in self.children) or self.content


def open_token(text: bytes, pair: KeyPair) -> OpenedToken:
    """Open the file with the pair's private key."""
    try:
        root, _ = _read(_unarmoured(text), 0)
        envelope = root.children[1].children[0]
        recipients, content = envelope.children[1], envelope.children[2]
        ours = [one for one in recipients.children if _is_for(one, pair)]
        if not ours:
            raise Unreadable("The token was not encrypted with the public key of this token.")
        plain = _decrypted(ours[0], content, pair)
        return _values(plain)
    except (ValueError, IndexError, KeyError, binascii.Error) as error:
        raise Unreadable("The token file is not valid.") from error


def _unarmoured(text: bytes) -> bytes:
    head, _, body = text.replace(b"\r\n", b"\n").partition(b"\n\n")
    if b"pkcs7-mime" not in head:
        raise Unreadable("The token file is not an S/MIME message.")
    return base64.b64decode(b"".join(body.split()), validate=True)


def _read(data: bytes, at: int) -> tuple[_Node, int]:
    begin, tag, first = at, data[at], data[at + 1]
    at += 2
    if first == 0x80:
        children = []
        while data[at : at + 2] != b"\0\0":
            child, at = _read(data, at)
            children.append(child)
        return _Node(tag=tag, whole=b"", content=b"", children=children), at + 2
    size = first
    if first > 0x80:
        length = first & 0x7F
        size = int.from_bytes(data[at : at + length], "big")
        at += length
    content = data[at : at + size]
    if len(content) != size:
        raise ValueError("cut short")
    children = []
    if tag & _CONSTRUCTED:
        place = 0
        while place < size:
            child, place = _read(content, place)
            children.append(child)
    whole = data[begin : at + size]
    return _Node(tag=tag, whole=whole, content=content, children=children), at + size


def _is_for(recipient: _Node, pair: KeyPair) -> bool:
    certificate = x509.load_pem_x509_certificate(pair.certificate_pem)
    issuer, serial = recipient.children[1].children
    return (
        issuer.whole == certificate.issuer.public_bytes()
        and int.from_bytes(serial.content, "big") == certificate.serial_number
    )


def _decrypted(recipient: _Node, content: _Node, pair: KeyPair) -> bytes:
    key = serialization.load_pem_private_key(pair.private_key_pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("Only RSA keys can open a server token.")
    secret = key.decrypt(recipient.children[-1].octets(), PKCS1v15())
    iv = content.children[1].children[1].octets()
    decryptor = Cipher(algorithms.AES(secret), modes.CBC(iv)).decryptor()
    padded = decryptor.update(content.children[2].octets()) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _values(plain: bytes) -> OpenedToken:
    found = re.search(rb"\{.*\}", plain, re.DOTALL)
    values = json.loads(found[0]) if found else {}
    return OpenedToken(
        consumer_key=values["consumer_key"],
        access_token=values["access_token"],
        expires_at=datetime.fromisoformat(values["access_token_expiry"]),
    )
