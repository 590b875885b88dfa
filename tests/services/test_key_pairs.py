"""Claims about key pairs."""

import asyncio
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from services.errors import Invalid
from services.key_pairs import (
    KeyPairMaterial,
    load_private_key,
    make_key_pair,
    make_key_pair_in_thread,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def pair() -> KeyPairMaterial:
    return make_key_pair("Head office", NOW)


@pytest.fixture(scope="module")
def certificate(pair: KeyPairMaterial) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate_pem)


def common_name(pair: KeyPairMaterial) -> str:
    subject = x509.load_pem_x509_certificate(pair.certificate_pem).subject
    return str(subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def test_the_certificate_is_rsa_2048_self_signed_with_sha_256(
    pair: KeyPairMaterial, certificate: x509.Certificate
) -> None:
    public_key = certificate.public_key()
    certificate.verify_directly_issued_by(certificate)
    assert isinstance(public_key, rsa.RSAPublicKey)
    assert public_key.key_size == 2048
    assert certificate.signature_hash_algorithm is not None
    assert certificate.signature_hash_algorithm.name == "sha256"
    assert public_key == load_private_key(pair.private_key_pem).public_key()


def test_the_certificate_is_valid_from_a_day_ago_for_five_years(
    certificate: x509.Certificate,
) -> None:
    assert certificate.not_valid_before_utc == NOW - timedelta(days=1)
    assert certificate.not_valid_after_utc == datetime(2031, 3, 2, 9, 30, tzinfo=UTC)


def test_the_certificate_may_encrypt_keys_and_is_no_authority(
    certificate: x509.Certificate,
) -> None:
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_encipherment
    assert usage.digital_signature
    assert not usage.key_cert_sign
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_material_says_what_the_certificate_says(
    pair: KeyPairMaterial, certificate: x509.Certificate
) -> None:
    assert certificate.serial_number == pair.serial
    assert certificate.issuer.public_bytes() == pair.issuer


def test_serials_are_positive_of_63_bits_and_differ() -> None:
    serials = {make_key_pair("Head office", NOW).serial for _ in range(3)}
    assert len(serials) == 3
    assert all(serial.bit_length() == 63 for serial in serials)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("Head office", "Head office"),
        ("  Head\n\toffice\x00 ", "Head office"),
        ("a" * 500, "a" * 53),
        ("校" * 40, "校" * 17),
        ("e\u0301cole", "école"),
        ("\ud800\u202e", "Server token"),
        ("", "Server token"),
        ("CN=x, O=y + z", "CN=x, O=y + z"),
    ],
)
def test_any_name_makes_a_common_name_of_at_most_64_bytes(name: str, start: str) -> None:
    pair = make_key_pair(name, NOW)
    short_id = f"{pair.serial:x}"[-8:]
    assert common_name(pair) == f"{start} ({short_id})"
    assert len(common_name(pair).encode()) <= 64


def test_the_private_key_is_not_shown(pair: KeyPairMaterial) -> None:
    assert "PRIVATE" not in repr(pair)


async def test_the_event_loop_goes_on_while_a_key_is_made() -> None:
    made = asyncio.ensure_future(make_key_pair_in_thread("Head office", NOW))
    turns = 0
    while not made.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert common_name(await made).startswith("Head office (")
    assert turns > 2


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is missing")
def test_openssl_reads_the_certificate_alike(pair: KeyPairMaterial, tmp_path: Path) -> None:
    path = tmp_path / "certificate.pem"
    path.write_bytes(pair.certificate_pem)
    questions = ["-serial", "-fingerprint", "-sha256", "-subject", "-text", "-certopt", "no_pubkey"]
    said = subprocess.run(
        ["openssl", "x509", "-noout", "-in", path, *questions],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert f"serial={pair.serial:X}\n" in said
    assert f"={pair.fingerprint}\n" in said
    assert "CN = Head office (" in said
    assert "Digital Signature, Key Encipherment" in said
    assert "CA:FALSE" in said
    checked = subprocess.run(
        ["openssl", "verify", "-CAfile", path, "-attime", f"{NOW.timestamp():.0f}", path],
        capture_output=True,
        check=False,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr


def test_a_key_of_ours_is_read_without_the_costly_proof(pair: KeyPairMaterial) -> None:
    key = load_private_key(pair.private_key_pem, ours=True)
    assert key.private_numbers() == load_private_key(pair.private_key_pem).private_numbers()


def test_a_strangers_key_whose_numbers_do_not_fit_is_refused(pair: KeyPairMaterial) -> None:
    numbers = load_private_key(pair.private_key_pem).private_numbers()
    unfit = rsa.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d + 2,
        dmp1=numbers.dmp1,
        dmq1=numbers.dmq1,
        iqmp=numbers.iqmp,
        public_numbers=numbers.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)
    pem = unfit.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(Invalid) as caught:
        load_private_key(pem)
    assert "damaged" in caught.value.user_message


def unusable_keys() -> list[tuple[str, bytes]]:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    pem, pkcs8 = Encoding.PEM, PrivateFormat.PKCS8
    locked = rsa_key.private_bytes(pem, pkcs8, BestAvailableEncryption(b"invented"))
    public = rsa_key.public_key().public_bytes(pem, PublicFormat.SubjectPublicKeyInfo)
    whole = rsa_key.private_bytes(pem, pkcs8, NoEncryption())
    return [
        ("protected by a password", locked),
        ("not an RSA key", curve.private_bytes(pem, pkcs8, NoEncryption())),
        ("a certificate or a public key", public),
        ("a certificate or a public key", make_key_pair("Head office", NOW).certificate_pem),
        ("not a private key in PEM form", b""),
        ("not a private key in PEM form", b"\x30\x82\x00\x00"),
        ("or it is damaged", whole[:800]),
    ]


@pytest.mark.parametrize(("sentence", "pem"), unusable_keys())
def test_a_key_that_cannot_be_used_is_refused_with_what_to_do(sentence: str, pem: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        load_private_key(pem)
    assert sentence in caught.value.user_message
    assert "Use " in caught.value.user_message or "use " in caught.value.user_message
    assert caught.value.field == "key"
