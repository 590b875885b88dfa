"""EnvelopedData (RFC 5652, section 6) as Apple emits it, and in every shape it might take."""

import os
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding

from tests.sandbox.apple import tlv
from tests.sandbox.apple.shape import Cipher, KeyTransport, Shape

DATA = "1.2.840.113549.1.7.1"
ENVELOPED_DATA = "1.2.840.113549.1.7.3"
AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23"

_KEY_BYTES = {
    Cipher.AES_128_CBC: 16,
    Cipher.AES_192_CBC: 24,
    Cipher.AES_256_CBC: 32,
    Cipher.DES_EDE3_CBC: 24,
    Cipher.AES_128_GCM: 16,
}
_VERSION_TAG = 0xA0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ciphertext:
    """Encrypted content with what its algorithm identifier and its trailer need."""

    value: bytes
    parameters: bytes
    tag: bytes = b""


def enveloped(certificate_pem: bytes, text: bytes, shape: Shape) -> bytes:
    """Encrypt `text` to the certificate and write the ContentInfo."""
    key = os.urandom(_KEY_BYTES[shape.cipher])
    ciphertext = _encrypt(key, text, shape)
    authenticated = shape.cipher is Cipher.AES_128_GCM
    trailer = tlv.octets(ciphertext.tag) if authenticated else b""
    recipients = [] if shape.no_recipients else _recipients(certificate_pem, key, shape)
    envelope = tlv.container(
        tlv.SEQUENCE,
        tlv.integer(shape.version),
        tlv.definite(tlv.SET, *recipients),
        _content(ciphertext, shape),
        trailer,
        open_ended=shape.open_ended,
    )
    kind = shape.content_type or (AUTH_ENVELOPED_DATA if authenticated else ENVELOPED_DATA)
    return tlv.container(
        tlv.SEQUENCE,
        tlv.oid(kind),
        tlv.container(tlv.CONTEXT | tlv.CONSTRUCTED, envelope, open_ended=shape.open_ended),
        open_ended=shape.open_ended,
    )


def _recipients(certificate_pem: bytes, key: bytes, shape: Shape) -> list[bytes]:
    """One KeyTransRecipientInfo per certificate, the mint's own with the shape's deviations."""
    return [
        *(_recipient(other, key, Shape()) for other in shape.others_before),
        _recipient(certificate_pem, key, shape),
        *(_recipient(other, key, Shape()) for other in shape.others_after),
    ]


def _recipient(certificate_pem: bytes, key: bytes, shape: Shape) -> bytes:
    public_key = x509.load_pem_x509_certificate(shape.key_of or certificate_pem).public_key()
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise TypeError("Only RSA keys can receive a server token.")
    if shape.key_transport is KeyTransport.OAEP:
        encrypted = public_key.encrypt(
            key,
            rsa_padding.OAEP(rsa_padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),  # noqa: S303 - the default of OAEP's parameters
        )
        parameters = tlv.definite(tlv.SEQUENCE)
    else:
        encrypted = public_key.encrypt(key, rsa_padding.PKCS1v15())
        parameters = tlv.NULL
    by_identifier = shape.subject_key_identifier
    return tlv.definite(
        tlv.SEQUENCE,
        tlv.integer(2 if by_identifier else 0),
        _key_identifier(public_key)
        if by_identifier
        else _issuer_and_serial(certificate_pem, shape),
        tlv.definite(tlv.SEQUENCE, tlv.oid(shape.key_transport), parameters),
        tlv.octets(encrypted),
    )


def _key_identifier(public_key: rsa.RSAPublicKey) -> bytes:
    identifier = x509.SubjectKeyIdentifier.from_public_key(public_key).digest
    return tlv.definite(tlv.CONTEXT, identifier)


def _issuer_and_serial(certificate_pem: bytes, shape: Shape) -> bytes:
    """Copy issuer and serial byte for byte, so that a reader may compare them as bytes."""
    der = x509.load_pem_x509_certificate(certificate_pem).public_bytes(Encoding.DER)
    body = next(tlv.elements(tlv.inside(der)))
    serial, _algorithm, issuer, *_ = (
        element for element in tlv.elements(tlv.inside(body)) if element[0] != _VERSION_TAG
    )
    if shape.serial is not None:
        serial = tlv.integer(shape.serial)
    return tlv.definite(tlv.SEQUENCE, issuer, serial)


def _encrypt(key: bytes, text: bytes, shape: Shape) -> Ciphertext:
    match shape.cipher:
        case Cipher.AES_128_GCM:
            nonce = os.urandom(12)
            sealed = AESGCM(key).encrypt(nonce, text, None)
            parameters = tlv.definite(tlv.SEQUENCE, tlv.octets(nonce), tlv.integer(16))
            return Ciphertext(value=sealed[:-16], parameters=parameters, tag=sealed[-16:])
        case Cipher.DES_EDE3_CBC:
            algorithm: TripleDES | algorithms.AES = TripleDES(key)
        case _:
            algorithm = algorithms.AES(key)
    iv = os.urandom(algorithm.block_size // 8)
    padder = padding.PKCS7(algorithm.block_size).padder()
    encryptor = BlockCipher(algorithm, modes.CBC(iv)).encryptor()
    value = encryptor.update(padder.update(text) + padder.finalize()) + encryptor.finalize()
    return Ciphertext(value=_damaged(value, shape), parameters=tlv.octets(iv))


def _damaged(value: bytes, shape: Shape) -> bytes:
    if shape.empty_ciphertext:
        return b""
    if shape.flipped is None:
        return value
    changed = bytearray(value)
    changed[shape.flipped] ^= 0x01
    return bytes(changed)


def _content(ciphertext: Ciphertext, shape: Shape) -> bytes:
    """EncryptedContentInfo; its `[0]` is primitive in plain DER, else holds OCTET STRINGs."""
    size = shape.chunk or max(len(ciphertext.value), 1)
    chunks = [
        tlv.octets(ciphertext.value[start : start + size])
        for start in range(0, len(ciphertext.value), size)
    ]
    whole = b"".join(chunks)
    for _ in range(shape.nesting):
        whole = tlv.container(
            tlv.OCTET_STRING | tlv.CONSTRUCTED, whole, open_ended=shape.open_ended
        )
    if shape.open_ended or shape.chunk or shape.nesting:
        tag = tlv.CONTEXT | tlv.CONSTRUCTED
        body = tlv.container(tag, whole, open_ended=shape.open_ended)
    else:
        body = tlv.definite(tlv.CONTEXT, ciphertext.value)
    return tlv.container(
        tlv.SEQUENCE,
        tlv.oid(DATA),
        tlv.definite(tlv.SEQUENCE, tlv.oid(shape.cipher), ciphertext.parameters),
        body,
        open_ended=shape.open_ended,
    )
