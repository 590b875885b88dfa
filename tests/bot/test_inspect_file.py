"""Claims about `enroll-token inspect`."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from bot.inspect_file import inspect
from services.errors import ServiceError
from services.key_pairs import load_private_key
from services.wrong_file import WrongFile, WrongFileReason
from tests.sandbox.apple.credentials import Credentials
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.mint import Mint
from tests.sandbox.apple.shape import Shape

ISSUED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CREDENTIALS = Credentials.invented(issued_at=ISSUED, consumer_key="CK_" + "0123456789abcdef" * 6)
PAIR = key_pair("School, north", serial=0x5EED)
OTHER = key_pair("Invented other server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A server token file and the key that opens it, on disk."""

    path: Path
    file: Path
    key: Path

    def written(self, name: str, data: bytes) -> Path:
        path = self.path / name
        path.write_bytes(data)
        return path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(path=tmp_path, file=tmp_path / "token.p7m", key=tmp_path / "key.pem")
    folder.file.write_bytes(minted())
    folder.key.write_bytes(PAIR.private_key_pem)
    return folder


def minted(shape: Shape | None = None) -> bytes:
    return Mint(PAIR.certificate_pem).token(CREDENTIALS, shape=shape or Shape())


def sentence(file: Path, key: Path | None) -> str:
    with pytest.raises(ServiceError) as caught:
        inspect(file, key, ISSUED)
    return caught.value.user_message


def test_without_the_key_it_tells_what_the_file_is(folder: Folder) -> None:
    assert inspect(folder.file, None, ISSUED) == [
        "Format: S/MIME",
        f"Size: {len(minted()):,} bytes",
        "Issuer of the recipient's certificate: CN=School\\, north",
        "Serial number of the recipient's certificate: 0x5eed",
        "Key algorithm: RSA, PKCS #1 v1.5",
        "Content cipher: AES-128-CBC",
    ]


def test_with_the_key_it_tells_the_expiry_and_a_shortened_consumer_key(folder: Folder) -> None:
    assert inspect(folder.file, folder.key, ISSUED + timedelta(days=5, hours=1))[6:] == [
        "Expiry: 2027-03-02 (UTC)",
        "Days left: 359",
        "Consumer key: CK_0123…cdef",
    ]


@pytest.mark.parametrize(
    ("after", "line"),
    [
        (timedelta(seconds=-1), "Days left: 0"),
        (timedelta(0), "Days left: none, expired less than a day ago"),
        (timedelta(days=1), "Days left: none, expired 1 day ago"),
        (timedelta(days=1_234), "Days left: none, expired 1,234 days ago"),
    ],
)
def test_an_expired_token_is_a_fact_and_not_an_error(
    folder: Folder, after: timedelta, line: str
) -> None:
    now = CREDENTIALS.access_token_expiry + after
    assert inspect(folder.file, folder.key, now)[7] == line


def test_it_never_tells_a_secret(folder: Folder) -> None:
    facts = "\n".join(inspect(folder.file, folder.key, ISSUED))
    for secret in [
        CREDENTIALS.consumer_key,
        CREDENTIALS.consumer_secret,
        CREDENTIALS.access_token,
        CREDENTIALS.access_secret,
    ]:
        assert secret not in facts
        assert secret[8:20] not in facts


def test_of_a_short_consumer_key_almost_nothing_is_shown(folder: Folder) -> None:
    shape = Shape(instead={"consumer_key": "CK_0123456789"})
    file = folder.written("short.p7m", minted(shape))
    assert inspect(file, folder.key, ISSUED)[8] == "Consumer key: CK_…"


@pytest.mark.parametrize(
    ("serial", "shown"),
    [(-0x7ACE5EED0DDBA115, "-0x7ace5eed0ddba115"), (2**159, f"{2**159:#x}")],
)
def test_any_serial_is_shown_in_hex(folder: Folder, serial: int, shown: str) -> None:
    file = folder.written("serial.p7m", minted(Shape(serial=serial)))
    assert inspect(file, None, ISSUED)[3].endswith(f" {shown}")


def test_an_issuer_that_is_no_name_is_shown_in_hex(folder: Folder) -> None:
    cms = Mint(PAIR.certificate_pem).cms(CREDENTIALS)
    file = folder.written("x.p7m", cms.replace(b"\x06\x03\x55\x04\x03", b"\x04\x03\x55\x04\x03"))
    assert inspect(file, None, ISSUED)[2].startswith("Issuer of the recipient's certificate: 0x30")


def test_what_a_terminal_would_obey_is_escaped(folder: Folder) -> None:
    foreign = key_pair("\x1b[2J\nFormat: x \u202e")
    file = folder.written("x.p7m", Mint(foreign.certificate_pem).token(CREDENTIALS))
    assert inspect(file, None, ISSUED)[2].endswith("CN=\\x1b[2J\\nFormat: x \\u202e")


def test_another_key_and_a_damaged_file_cannot_be_told_apart_and_both_are_said(
    folder: Folder,
) -> None:
    other = folder.written("other.pem", OTHER.private_key_pem)
    damaged = folder.written("damaged.p7m", minted(Shape(flipped=-1)))

    said = sentence(folder.file, other)
    assert "made for another key, or it is damaged" in said
    assert "download the file again" in said
    assert sentence(damaged, folder.key) == said


def test_a_wrong_file_is_named(folder: Folder) -> None:
    with pytest.raises(WrongFile) as caught:
        inspect(folder.key, None, ISSUED)
    assert caught.value.reason is WrongFileReason.PRIVATE_KEY


@pytest.mark.parametrize("name", ["missing.p7m", ".", "a\x00b", "n" * 300, "token.p7m/x"])
def test_a_path_that_cannot_be_read_is_named(folder: Folder, name: str) -> None:
    path = folder.path / name
    assert "could not be read" in sentence(path, None)
    assert "try again" in sentence(folder.file, path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero here")
def test_a_file_without_an_end_is_too_large(folder: Folder) -> None:
    assert "too large" in sentence(Path("/dev/zero"), None)
    assert "not a private key" in sentence(folder.file, Path("/dev/zero"))


def test_a_key_that_cannot_be_used_is_named_with_what_to_do(folder: Folder) -> None:
    key = load_private_key(PAIR.private_key_pem, ours=True)
    locked = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"invented")
    )
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for data, words in [
        (locked, "protected by a password"),
        (curve, "not an RSA key"),
        (PAIR.certificate_pem, "not the private key"),
        (b"", "not a private key in PEM form"),
    ]:
        assert words in sentence(folder.file, folder.written("unusable.pem", data))
