"""Claims about reading server token files: the right ones, and every wrong one by its reason."""

import base64
import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from services.envelope import MAX_BYTES, FileFormat, read_envelope
from services.key_pairs import load_private_key
from services.server_token import ServerToken, check_expiry, open_envelope
from services.wrong_file import WrongFile, WrongFileReason
from tests.sandbox.apple import tlv
from tests.sandbox.apple.credentials import Credentials
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.mint import Mint, inner_text
from tests.sandbox.apple.shape import Armour, Cipher, KeyTransport, Shape

ISSUED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PAIR = key_pair("Invented server", serial=0x5EED)
OTHER = key_pair("Invented other server", serial=0x5EED)
KEY = load_private_key(PAIR.private_key_pem, ours=True)
CERTIFICATE = x509.load_pem_x509_certificate(PAIR.certificate_pem)
MINT = Mint(PAIR.certificate_pem)
CREDENTIALS = Credentials.invented(issued_at=ISSUED)
APPLES = MINT.token(CREDENTIALS)
RAW = MINT.cms(CREDENTIALS)
DER = MINT.cms(CREDENTIALS, shape=Shape(open_ended=False))

# Seconds of the processor's time; measuring coverage slows each line down.
SOON = 0.05 if sys.gettrace() is None else 0.5

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl command is missing"
)


def minted(**deviations: object) -> bytes:
    return MINT.token(CREDENTIALS, shape=Shape(**deviations))  # type: ignore[arg-type]


def opened(data: bytes) -> ServerToken:
    return open_envelope(read_envelope(data), KEY)


def is_quick(read: Callable[[], object]) -> bool:
    """Say whether one of three runs ended soon: another may meet the garbage collector."""
    return any(seconds(read) < SOON for _ in range(3))


def seconds(read: Callable[[], object]) -> float:
    started = time.thread_time()
    with contextlib.suppress(WrongFile):
        read()
    return time.thread_time() - started


def refusal(read: Callable[[], object]) -> WrongFile:
    with pytest.raises(WrongFile) as caught:
        read()
    return caught.value


@pytest.mark.parametrize(
    ("file_format", "data"),
    [
        (FileFormat.SMIME, APPLES),
        (FileFormat.SMIME, minted(line_end=b"\r\n")),
        (FileFormat.SMIME, minted(broken_header=True)),
        (FileFormat.SMIME, minted(broken_header=True, line_end=b"\r\n")),
        (FileFormat.SMIME, minted(columns=64)),
        (FileFormat.SMIME, minted(columns=5_000)),
        (FileFormat.SMIME, APPLES.rstrip()),
        (FileFormat.SMIME, APPLES.replace(b"\n\n", b"\n \t\n")),
        (FileFormat.SMIME, APPLES.replace(b"; name", b";\n\tname")),
        (FileFormat.SMIME, b"MIME-Version: 1.0\n" + APPLES.replace(b"pkcs7", b"X-PKCS7")),
        (FileFormat.SMIME, b"\xef\xbb\xbf" + APPLES),
        (FileFormat.SMIME, b"\xef\xbb\xbf\r\n\r\n  " + APPLES + b"\n \r\n"),
        (FileFormat.PEM, minted(armour=Armour.PEM)),
        (FileFormat.PEM, minted(armour=Armour.PEM, line_end=b"\r\n")),
        (FileFormat.PEM, b"\n" + minted(armour=Armour.PEM).replace(b"PKCS7", b"CMS") + b"\n "),
        (FileFormat.BASE64, minted(armour=Armour.BARE)),
        (FileFormat.BASE64, minted(armour=Armour.BARE, columns=5_000).rstrip()),
        (FileFormat.BINARY, RAW),
        (FileFormat.BINARY, DER),
        (FileFormat.BINARY, b"\xef\xbb\xbf\n" + DER),
        (FileFormat.SMIME, minted(cipher=Cipher.AES_256_CBC)),
        (FileFormat.SMIME, minted(version=2)),
        (FileFormat.SMIME, minted(chunk=16)),
        (FileFormat.SMIME, minted(chunk=1, open_ended=False)),
        (FileFormat.SMIME, minted(nesting=5, chunk=100)),
        (FileFormat.SMIME, minted(begin_end=False)),
        (FileFormat.SMIME, minted(head=False)),
        (FileFormat.SMIME, minted(head=False, begin_end=False)),
        (FileFormat.SMIME, minted(body_line_end=b"\r\n")),
        (FileFormat.SMIME, minted(text=CREDENTIALS.json().encode())),
    ],
)
def test_a_file_in_any_known_wrapping_gives_its_five_values(
    file_format: FileFormat, data: bytes
) -> None:
    assert read_envelope(data).format is file_format
    assert asdict(opened(data)) == asdict(CREDENTIALS)


@needs_openssl
@pytest.mark.parametrize("cipher", ["-aes128", "-aes256"])
@pytest.mark.parametrize(
    "how", [["-stream", "-indef"], []], ids=["BER with indefinite lengths", "DER"]
)
@pytest.mark.parametrize("outform", ["DER", "PEM", "SMIME"])
def test_a_file_by_openssl_gives_its_five_values(
    cipher: str, how: list[str], outform: str, tmp_path: Path
) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(PAIR.certificate_pem)
    command = ["openssl", "cms", "-encrypt", cipher, "-binary", *how, "-outform", outform]
    done = subprocess.run(
        [*command, certificate], input=inner_text(CREDENTIALS), capture_output=True, check=True
    )
    assert asdict(opened(done.stdout)) == asdict(CREDENTIALS)


@needs_openssl
def test_openssl_opens_what_we_open(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(PAIR.private_key_pem)
    done = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "SMIME", "-inkey", key],
        input=APPLES,
        capture_output=True,
        check=True,
    )
    assert opened(APPLES).consumer_key.encode() in done.stdout


def test_what_can_be_known_without_the_key() -> None:
    envelope = read_envelope(APPLES)

    assert envelope.recipient.issuer == CERTIFICATE.issuer.public_bytes()
    assert envelope.recipient.serial == 0x5EED
    assert envelope.key_algorithm == "RSA, PKCS #1 v1.5"
    assert envelope.content_cipher == "AES-128-CBC"
    assert (len(envelope.encrypted_key), len(envelope.iv)) == (256, 16)
    assert len(envelope.ciphertext) % 16 == 0


def test_a_negative_serial_is_a_serial() -> None:
    envelope = read_envelope(minted(serial=-0x7ACE5EED0DDBA115))
    assert envelope.recipient.serial == -0x7ACE5EED0DDBA115


def test_nothing_secret_is_shown() -> None:
    token = opened(APPLES)
    shown = repr(token) + repr(read_envelope(APPLES))
    for name, value in CREDENTIALS.fields().items():
        assert name == "access_token_expiry" or value not in shown
    assert len(shown) < 700


def test_the_cryptography_library_rejects_bad_padding_implicitly() -> None:
    assert backend.openssl_version_number() >= 0x30200000


def unusual(
    *,
    tail: bytes = b"",
    head: bytes = b"",
    recipient_version: int = 0,
    content_type: str = "1.2.840.113549.1.7.1",
    cipher: bytes = tlv.oid(Cipher.AES_128_CBC) + tlv.octets(b"i" * 16),
    content: bytes = tlv.definite(0x80, b"c" * 32),
) -> bytes:
    """Build an envelope around nonsense, with fields that Apple does not write."""
    who = tlv.definite(tlv.SEQUENCE, CERTIFICATE.issuer.public_bytes(), tlv.integer(5))
    recipient = tlv.definite(
        tlv.SEQUENCE,
        tlv.integer(recipient_version),
        who,
        tlv.definite(tlv.SEQUENCE, tlv.oid(KeyTransport.PKCS1_V1_5), tlv.NULL),
        tlv.octets(b"\xee" * 256),
    )
    encrypted = tlv.definite(
        tlv.SEQUENCE, tlv.oid(content_type), tlv.definite(tlv.SEQUENCE, cipher), content
    )
    recipients = tlv.definite(tlv.SET, recipient)
    body = tlv.definite(tlv.SEQUENCE, tlv.integer(2), head, recipients, encrypted, tail)
    outer = tlv.oid("1.2.840.113549.1.7.3"), tlv.definite(0xA0, body)
    return tlv.definite(tlv.SEQUENCE, *outer)


def pem(label: str, body: bytes = b"invented") -> bytes:
    text = base64.b64encode(body).decode()
    return f"-----BEGIN {label}-----\n{text}\n-----END {label}-----\n".encode()


R = WrongFileReason
SHORT_IV = tlv.oid(Cipher.AES_128_CBC) + tlv.octets(b"i" * 12)
SPKI = CERTIFICATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
KEY_DER = base64.b64decode(b"".join(PAIR.private_key_pem.splitlines()[1:-1]))
CONTENT_TOKEN = base64.b64encode(b'{"expDate":"2027-03-02","token":"invented","orgName":"School"}')
WRONG = [
    ("nothing", b"", R.EMPTY),
    ("white space", b"\xef\xbb\xbf \r\n\t", R.EMPTY),
    ("too many bytes", APPLES + b" " * MAX_BYTES, R.TOO_LARGE),
    ("a sign-in page", b"\n<!DOCTYPE html>\n<html><title>Sign in</title>", R.WEB_PAGE),
    ("a page with a comment first", b"<!-- x --><HTML lang=en>", R.WEB_PAGE),
    ("the certificate", PAIR.certificate_pem, R.PUBLIC_KEY),
    ("the certificate in DER", CERTIFICATE.public_bytes(Encoding.DER), R.PUBLIC_KEY),
    ("the certificate after some text", b"subject=x\n" + PAIR.certificate_pem, R.PUBLIC_KEY),
    ("a certificate request", pem("CERTIFICATE REQUEST"), R.PUBLIC_KEY),
    ("a public key", pem("PUBLIC KEY", SPKI), R.PUBLIC_KEY),
    ("a public key in DER", SPKI, R.PUBLIC_KEY),
    ("the private key", PAIR.private_key_pem, R.PRIVATE_KEY),
    ("both parts of the pair", PAIR.certificate_pem + PAIR.private_key_pem, R.PRIVATE_KEY),
    ("an encrypted private key", pem("ENCRYPTED PRIVATE KEY"), R.PRIVATE_KEY),
    ("the private key in DER", KEY_DER, R.PRIVATE_KEY),
    ("a content token", CONTENT_TOKEN, R.CONTENT_TOKEN),
    ("the text inside", inner_text(CREDENTIALS), R.DECRYPTED),
    ("the JSON inside", CREDENTIALS.json().encode(), R.DECRYPTED),
    ("some text", b"Hello", R.NOT_A_SERVER_TOKEN),
    ("some JSON", b"{}", R.NOT_A_SERVER_TOKEN),
    ("text that begins with 0", b"0 items", R.NOT_A_SERVER_TOKEN),
    ("a property list", b'<?xml version="1.0"?><!DOCTYPE plist><plist/>', R.NOT_A_SERVER_TOKEN),
    ("a picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", R.NOT_A_SERVER_TOKEN),
    ("another mail", b"Subject: x\n\n" + base64.b64encode(b"hello"), R.NOT_A_SERVER_TOKEN),
    ("another PEM", pem("OPENSSH THING"), R.NOT_A_SERVER_TOKEN),
    ("a signed message", minted(content_type="1.2.840.113549.1.7.2"), R.NOT_A_SERVER_TOKEN),
    ("another structure", tlv.definite(0x30, tlv.octets(b"\xff")), R.NOT_A_SERVER_TOKEN),
    ("base64 cut short", minted(cut_base64=7), R.DAMAGED_STRUCTURE),
    ("bare base64 cut short", minted(armour=Armour.BARE, cut_base64=7), R.DAMAGED_STRUCTURE),
    ("no base64 at all", APPLES.partition(b"\n\n")[0], R.DAMAGED_STRUCTURE),
    ("a stray character", APPLES.replace(b"\n\nMI", b"\n\nM!I"), R.DAMAGED_STRUCTURE),
    ("no END line", minted(armour=Armour.PEM)[:900], R.DAMAGED_STRUCTURE),
    ("CMS cut short", minted(cut_cms=40), R.DAMAGED_STRUCTURE),
    ("one byte missing", RAW[:-1], R.DAMAGED_STRUCTURE),
    ("bytes after the end", minted(trailing=b"\x00"), R.DAMAGED_STRUCTURE),
    ("two files in one", RAW + RAW, R.DAMAGED_STRUCTURE),
    ("nested too deep", minted(nesting=20), R.DAMAGED_STRUCTURE),
    ("too many chunks", b"\x30\x80" + b"\x04\x01\xff" * 5_000, R.DAMAGED_STRUCTURE),
    ("no ciphertext", minted(empty_ciphertext=True), R.DAMAGED_STRUCTURE),
    ("half a block", unusual(content=tlv.definite(0x80, b"c" * 40)), R.DAMAGED_STRUCTURE),
    ("two recipients", minted(others_after=(OTHER.certificate_pem,)), R.SEVERAL_RECIPIENTS),
    ("ours as the second", minted(others_before=(OTHER.certificate_pem,)), R.SEVERAL_RECIPIENTS),
    ("no recipient", minted(no_recipients=True), R.NOT_APPLES_SHAPE),
    ("a key identifier", minted(subject_key_identifier=True), R.NOT_APPLES_SHAPE),
    ("version 3", minted(version=3), R.NOT_APPLES_SHAPE),
    ("a short IV", unusual(cipher=SHORT_IV), R.NOT_APPLES_SHAPE),
    ("no IV", unusual(cipher=tlv.oid(Cipher.AES_128_CBC)), R.NOT_APPLES_SHAPE),
    ("no cipher", unusual(cipher=b""), R.NOT_APPLES_SHAPE),
    ("no content", unusual(content=b""), R.NOT_APPLES_SHAPE),
    ("a recipient of version 2", unusual(recipient_version=2), R.NOT_APPLES_SHAPE),
    ("another content", unusual(content_type="1.2.840.113549.1.7.2"), R.NOT_APPLES_SHAPE),
    ("unprotected attributes", unusual(tail=b"\xa1\x00"), R.NOT_APPLES_SHAPE),
    ("an originator", unusual(head=b"\xa0\x00"), R.NOT_APPLES_SHAPE),
    ("a SET around all", b"\x31" + minted(armour=Armour.RAW)[1:], R.NOT_A_SERVER_TOKEN),
    ("a SET around all in S/MIME", APPLES.replace(b"\n\nMI", b"\n\nMY"), R.NOT_A_SERVER_TOKEN),
    ("AES-192", minted(cipher=Cipher.AES_192_CBC), R.WRONG_ALGORITHM),
    ("Triple DES", minted(cipher=Cipher.DES_EDE3_CBC), R.WRONG_ALGORITHM),
    ("AES-GCM", minted(cipher=Cipher.AES_128_GCM), R.WRONG_ALGORITHM),
    ("OAEP", minted(key_transport=KeyTransport.OAEP), R.WRONG_ALGORITHM),
]


@pytest.mark.parametrize(("data", "reason"), [row[1:] for row in WRONG], ids=[r[0] for r in WRONG])
def test_a_wrong_file_is_named_before_the_key_is_used(data: bytes, reason: WrongFileReason) -> None:
    error = refusal(lambda: read_envelope(data))
    assert error.reason is reason
    assert error.user_message == reason.sentence
    assert str(error).startswith(reason.value)


@pytest.mark.parametrize("reason", WrongFileReason)
def test_every_reason_says_what_to_do_next_in_few_words(reason: WrongFileReason) -> None:
    assert "ownload" in reason.sentence
    assert reason.sentence.endswith(".")
    assert len(reason.sentence) < 200
    assert WrongFileReason.__members__[reason.name] is reason


YEAR = "access_token_expiry"
NESTED = {"instead": {"consumer_key": {"a": "b"}}}
BROKEN = [
    ("made for another key", {"key_of": OTHER.certificate_pem}),
    ("a bit flipped in the first block", {"flipped": 0}),
    ("a bit flipped in the last block", {"flipped": -1}),
    ("a key missing", {"without": ("access_secret",)}),
    ("no expiry", {"without": (YEAR,)}),
    ("a sixth key", {"instead": {"another": "x"}}),
    ("a key twice", {"doubled": ("consumer_key",)}),
    ("a number", {"instead": {"consumer_key": 5}}),
    ("a null", {"instead": {"consumer_key": None}}),
    ("a list", {"instead": {"consumer_key": ["CK_x"]}}),
    ("an object", NESTED),
    ("an empty value", {"instead": {"consumer_key": ""}}),
    ("a value with a line end", {"instead": {"consumer_key": "CK_x\r\nX: y"}}),
    ("a value beyond ASCII", {"instead": {"consumer_key": "CK_é"}}),
    ("a value too long", {"instead": {"consumer_key": "C" * 1_025}}),
    ("an expiry without a zone", {"instead": {YEAR: "2027-03-02T09:30:00"}}),
    ("an expiry in words", {"instead": {YEAR: "tomorrow"}}),
    ("an expiry on no day", {"instead": {YEAR: "2027-02-30T09:30:00Z"}}),
    ("an expiry before all time", {"instead": {YEAR: "0001-01-01T00:00:00+10:00"}}),
    ("an expiry in other digits", {"instead": {YEAR: "\uff12027-03-02T09:30:00Z"}}),
    ("NaN", {"json": '{"consumer_key":NaN}'}),
    ("a list at the top", {"json": "[]"}),
    ("a string at the top", {"json": '"CK_"'}),
    ("nothing at the top", {"json": ""}),
    ("two objects", {"json": CREDENTIALS.json() * 2}),
    ("deep nesting", {"json": "[" * 8_000}),
    ("a number of 5,000 digits", {"json": "5" * 5_000}),
    ("too much text", {"json": CREDENTIALS.json() + " " * 9_000}),
    ("not UTF-8", {"text": b"\xff\xfe{}"}),
    ("BEGIN without END", {"text": b"-----BEGIN MESSAGE-----\n" + CREDENTIALS.json().encode()}),
    ("a head without a body", {"text": b"Content-Type: text/plain\r\n"}),
    ("no text", {"text": b""}),
]


@pytest.mark.parametrize("deviations", [row[1] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_whatever_fails_once_the_key_is_used_is_one_and_the_same_error(
    deviations: dict[str, object],
) -> None:
    envelope = read_envelope(minted(**deviations))
    error = refusal(lambda: open_envelope(envelope, KEY))
    assert error.reason is R.DAMAGED
    assert error.user_message == "This file is damaged or was changed; download it again."
    assert str(error) == "damaged"
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_an_encrypted_key_of_any_size_is_the_same_error_too() -> None:
    envelope = read_envelope(APPLES)
    for encrypted_key in [b"", b"\x00" * 256, b"\xff" * 256, b"\x01" * 5_000]:
        with pytest.raises(WrongFile) as caught:
            open_envelope(replace(envelope, encrypted_key=encrypted_key), KEY)
        assert caught.value.reason is R.DAMAGED


@pytest.mark.parametrize(
    "text", ["2027-03-02T09:30:00Z", "2027-03-02T10:30:00+01:00", "2027-03-02T09:30:00.0Z"]
)
def test_the_expiry_is_an_aware_time_in_utc(text: str) -> None:
    expiry = opened(minted(instead={YEAR: text})).access_token_expiry
    assert expiry == datetime(2027, 3, 2, 9, 30, tzinfo=UTC)
    assert expiry.tzinfo is UTC


def test_an_expired_token_is_named_with_its_day() -> None:
    token = opened(APPLES)
    last = token.access_token_expiry

    check_expiry(token, last - timedelta(seconds=1))
    error = refusal(lambda: check_expiry(token, last))
    assert error.reason is R.EXPIRED
    assert error.user_message.startswith("This server token expired on 2027-03-02. Download a new")


def test_an_apple_file_is_read_and_opened_in_less_than_50_ms() -> None:
    assert is_quick(lambda: opened(APPLES))


EDITS = st.lists(
    st.tuples(st.integers(0, 2_000), st.integers(0, 3), st.binary(max_size=4)),
    min_size=1,
    max_size=5,
)


def edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for place, removed, put in edits:
        start = place % len(data)
        data = data[:start] + put + data[start + removed :]
    return data


@settings(max_examples=600, deadline=None, derandomize=True)
@given(st.sampled_from([APPLES, RAW, DER, minted(armour=Armour.PEM)]), EDITS)
def test_a_changed_file_gives_a_token_or_a_wrong_file_and_quickly(
    data: bytes, edits: list[tuple[int, int, bytes]]
) -> None:
    changed = edited(data, edits)
    with contextlib.suppress(WrongFile):
        assert isinstance(opened(changed), ServerToken)
    assert is_quick(lambda: opened(changed))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=600) | st.text(max_size=300).map(str.encode))
def test_a_changed_text_inside_gives_a_token_or_the_one_error(text: bytes) -> None:
    envelope = read_envelope(MINT.token(CREDENTIALS, shape=Shape(text=text, open_ended=False)))
    assert refusal(lambda: open_envelope(envelope, KEY)).reason is R.DAMAGED


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(CREDENTIALS.fields())), JSON)
def test_any_json_in_a_value_gives_a_token_or_the_one_error(name: str, value: object) -> None:
    text = json.dumps({**CREDENTIALS.fields(), name: value}).encode()
    envelope = read_envelope(MINT.token(CREDENTIALS, shape=Shape(text=text)))
    try:
        token = open_envelope(envelope, KEY)
    except WrongFile as error:
        reason = error.reason
    else:
        reason = R.DAMAGED
        assert getattr(token, name) == value
    assert reason is R.DAMAGED


HEAVY = [
    b"-----BEGIN PKCS7-----" + b"\n" * 65_000,
    b"-----BEGIN PKCS7-----" * 3_000,
    b"-----BEGIN A" + b" " * 65_000,
    b"MI" + b"A" * 65_000,
    b"M" * 65_000,
    b"\n" * 65_000 + b"x",
    b"x\n" * 32_000,
    b"Content-Type: application/pkcs7-mime\n\n" + b"A\n" * 32_000,
    b"<" * 65_000,
    b"\x30\x80" * 32_000,
    b"\x30\x83\x00\xf6\x18" + b"\x06\x01\x2a" * 21_000,
]


@pytest.mark.parametrize("data", HEAVY, ids=range(len(HEAVY)))
def test_the_heaviest_files_are_refused_in_less_than_50_ms(data: bytes) -> None:
    refusal(lambda: read_envelope(data))
    assert is_quick(lambda: read_envelope(data))
