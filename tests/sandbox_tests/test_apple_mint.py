"""Claims about the server token files of the stand-in."""

import base64
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sandbox.apple import tlv
from tests.sandbox.apple.credentials import Credentials
from tests.sandbox.apple.keypairs import KeyPair, key_pair
from tests.sandbox.apple.mint import HEADERS, Mint, inner_text, openssl_token
from tests.sandbox.apple.shape import Cipher, KeyTransport, Shape
from tests.sandbox.apple.variants import READABLE, UNREADABLE

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl command is the second opinion"
)

CONTENT_OUTLINE = [
    (3, "inf", "SEQUENCE"),
    (4, "9", "OBJECT"),
    (4, "29", "SEQUENCE"),
    (5, "9", "OBJECT"),
    (5, "16", "OCTET"),
    (4, "inf", "cont"),
]
APPLE_OUTLINE = [
    (0, "inf", "SEQUENCE"),
    (1, "9", "OBJECT"),
    (1, "inf", "cont"),
    (2, "inf", "SEQUENCE"),
    (3, "1", "INTEGER"),
    *CONTENT_OUTLINE,
    (5, "512", "OCTET"),
    (5, "0", "EOC"),
    (4, "0", "EOC"),
    (3, "0", "EOC"),
    (2, "0", "EOC"),
    (1, "0", "EOC"),
]


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return key_pair("Mint test")


def outline(cms: bytes) -> list[tuple[int, str, str]]:
    """List depth, length and type of what openssl sees, without the definite recipients."""
    done = subprocess.run(
        ["openssl", "asn1parse", "-inform", "DER"], input=cms, capture_output=True, check=True
    )
    lines = re.findall(r"d=(\d+) +hl=\d l= *(\w+) +\w+: (\w+)", done.stdout.decode())
    rows = [(int(depth), length, kind) for depth, length, kind in lines]
    start = next(place for place, row in enumerate(rows) if row[0] == 3 and row[2] == "SET")
    assert rows[start][1] != "inf"
    return rows[:start] + rows[rows.index(CONTENT_OUTLINE[0]) :]


def opened(cms: bytes, pair: KeyPair, folder: Path) -> bytes | None:
    """Decrypt with the openssl command; None where it refuses."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(pair.certificate_pem)
    key.write_bytes(pair.private_key_pem)
    done = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "DER", "-recip", certificate, "-inkey", key],
        input=cms,
        capture_output=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def test_the_file_has_four_headers_and_base64_in_76_columns(pair: KeyPair) -> None:
    head, _, body = Mint(pair.certificate_pem).token(Credentials.invented()).partition(b"\n\n")
    assert head.split(b"\n") == list(HEADERS)
    lines = body.split(b"\n")
    assert lines[-1] == b""
    assert {len(line) for line in lines[:-2]} == {76}
    assert base64.b64decode(body, validate=False).endswith(b"\x00" * 10)


def test_the_inner_text_mixes_line_ends_and_has_498_bytes() -> None:
    credentials = Credentials.invented()
    text = inner_text(credentials)
    assert len(text) == 498
    assert text == (
        b"Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
        b"-----BEGIN MESSAGE-----\n" + credentials.json().encode() + b"\n"
        b"-----END MESSAGE-----\n"
    )


def test_invented_credentials_have_the_right_lengths_and_print_no_secret() -> None:
    credentials = Credentials.invented()
    assert [len(value) for value in credentials.fields().values()] == [99, 43, 69, 43, 20]
    assert credentials.access_secret not in repr(credentials)
    assert credentials.access_token not in repr(credentials)


@needs_openssl
def test_the_outline_is_the_one_of_a_real_token(pair: KeyPair) -> None:
    assert outline(Mint(pair.certificate_pem).cms(Credentials.invented())) == APPLE_OUTLINE


@needs_openssl
def test_openssl_makes_the_same_outline_but_for_the_chunks(pair: KeyPair) -> None:
    file = openssl_token(pair.certificate_pem, Credentials.invented())
    cms = base64.b64decode(file.partition(b"\n\n")[2])
    chunks = [(5, "496", "OCTET"), (5, "16", "OCTET")]
    single = APPLE_OUTLINE.index((5, "512", "OCTET"))
    assert outline(cms) == [*APPLE_OUTLINE[:single], *chunks, *APPLE_OUTLINE[single + 1 :]]


@needs_openssl
@pytest.mark.parametrize(
    "shape",
    [
        Shape(),
        Shape(open_ended=False),
        Shape(chunk=100),
        Shape(chunk=100, open_ended=False),
        Shape(nesting=3),
        Shape(subject_key_identifier=True, version=2),
        Shape(key_transport=KeyTransport.OAEP),
        *(Shape(cipher=cipher) for cipher in Cipher),
    ],
    ids=repr,
)
def test_openssl_opens_what_is_sound(pair: KeyPair, tmp_path: Path, shape: Shape) -> None:
    credentials = Credentials.invented()
    cms = Mint(pair.certificate_pem).cms(credentials, shape=shape)
    assert opened(cms, pair, tmp_path) == inner_text(credentials, shape)


@needs_openssl
def test_a_file_for_several_recipients_opens_for_each(pair: KeyPair, tmp_path: Path) -> None:
    other = key_pair("Other")
    credentials = Credentials.invented()
    shape = Shape(others_before=(other.certificate_pem,))
    cms = Mint(pair.certificate_pem).cms(credentials, shape=shape)
    assert opened(cms, pair, tmp_path) == opened(cms, other, tmp_path) == inner_text(credentials)


@needs_openssl
def test_a_file_for_another_key_or_serial_stays_shut(pair: KeyPair, tmp_path: Path) -> None:
    mint = Mint(pair.certificate_pem)
    other = Shape(key_of=key_pair("Other").certificate_pem)
    credentials = Credentials.invented()
    # A wrong key yields a random content key; one padding in 256 of it looks right.
    assert opened(mint.cms(credentials, shape=other), pair, tmp_path) != inner_text(credentials)
    assert opened(mint.cms(credentials, shape=Shape(serial=7)), pair, tmp_path) is None


def test_every_variant_can_be_minted(pair: KeyPair) -> None:
    mint = Mint(pair.certificate_pem)
    credentials = Credentials.invented()
    for name, shape in {**READABLE, **UNREADABLE}.items():
        assert mint.token(credentials, shape=shape), name


@pytest.mark.parametrize(
    ("number", "encoded"),
    [(0, "020100"), (127, "02017f"), (128, "02020080"), (-1, "0201ff"), (-128, "020180")],
)
def test_integers_are_written_in_the_fewest_bytes(number: int, encoded: str) -> None:
    assert tlv.integer(number).hex() == encoded
