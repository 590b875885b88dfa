"""Claims about what a person does in the portal."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.sandbox.apple.certificates import PortalRefused
from tests.sandbox.apple.credentials import Credentials
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.service import Apple
from tests.sandbox.apple.tokens import TokenState
from tests.sandbox.apple.visitor import visiting

ADMIN = "admin@schools.example"
PAIR = key_pair("Portal test")


@pytest.fixture
def organisation() -> Organisation:
    apple = Apple(clock=lambda: datetime(2026, 3, 2, 9, 5, 7, tzinfo=UTC))
    return apple.add_organisation("Example Schools", admin=ADMIN)


def elliptic() -> bytes:
    """Make a certificate with an EC key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "EC")])
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def decrypted(file: bytes, folder: Path) -> Credentials:
    """Open a server token file with the openssl command."""
    (folder / "key.pem").write_bytes(PAIR.private_key_pem)
    done = subprocess.run(
        ["openssl", "smime", "-decrypt", "-inkey", folder / "key.pem"],
        input=file,
        capture_output=True,
        check=True,
    )
    fields = json.loads(done.stdout.splitlines()[4])
    expiry = datetime.fromisoformat(fields.pop("access_token_expiry"))
    return Credentials(**fields, access_token_expiry=expiry)


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (PAIR.private_key_pem, "private key"),
        (PAIR.certificate_pem + PAIR.private_key_pem, "private key"),
        (PAIR.certificate_pem * 2, "one X.509 certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "can't be read"),
        (b"", "one X.509 certificate"),
        (elliptic(), "RSA"),
    ],
)
def test_only_one_rsa_certificate_is_a_public_key(
    organisation: Organisation, pem: bytes, words: str
) -> None:
    with pytest.raises(PortalRefused, match=words):
        organisation.add_server("HQ iPads", certificate_pem=pem)


def test_the_downloaded_file_is_named_after_server_and_time(organisation: Organisation) -> None:
    server = organisation.add_server("HQ iPads", certificate_pem=PAIR.certificate_pem)
    name, content = server.download_token()
    assert name == "HQ iPads_Token_2026-03-02T09-05-07Z_smime.p7m"
    assert content.startswith(b"Content-Type: application/pkcs7-mime")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command opens the file")
async def test_the_file_holds_what_the_service_lets_in(tmp_path: Path) -> None:
    apple = Apple()
    organisation = apple.add_organisation("Example Schools", admin=ADMIN)
    server = organisation.add_server("HQ iPads", certificate_pem=PAIR.certificate_pem)
    credentials = decrypted(server.download_token().content, tmp_path)
    async with visiting(apple, credentials) as visitor:
        await visitor.enter()
        assert (await visitor.send("GET", "/account")).json()["server_uuid"] == server.uuid


def test_the_consumer_key_stays_with_the_person(organisation: Organisation) -> None:
    server = organisation.add_server("HQ iPads", certificate_pem=PAIR.certificate_pem)
    organisation.add_admin("second@schools.example")
    for admin in (ADMIN, "second@schools.example", ADMIN):
        server.download_token(as_admin=admin)
    first, second, third = server.tokens
    assert first.credentials.consumer_key == third.credentials.consumer_key
    assert first.credentials.consumer_key != second.credentials.consumer_key
    assert [token.state for token in server.tokens] == [
        TokenState.SUPERSEDED,
        TokenState.SUPERSEDED,
        TokenState.CURRENT,
    ]
    assert re.fullmatch(r"CK_[0-9a-f]{96}", first.credentials.consumer_key)


def test_only_people_of_the_organisation_download(organisation: Organisation) -> None:
    server = organisation.add_server("HQ iPads", certificate_pem=PAIR.certificate_pem)
    with pytest.raises(PortalRefused, match="stranger"):
        server.download_token(as_admin="stranger@elsewhere.example")
    organisation.remove_admin(ADMIN)
    with pytest.raises(PortalRefused, match="can't sign in"):
        server.download_token()


def test_a_removed_server_leaves_its_devices_to_nobody(organisation: Organisation) -> None:
    server = organisation.add_server("HQ iPads", certificate_pem=PAIR.certificate_pem)
    server.download_token()
    (serial,) = server.assign_devices(1)
    organisation.remove_server(server)
    assert organisation.server_of(serial) is None
    assert serial in organisation.devices
    assert server.token
    assert server.token.state is TokenState.REVOKED


def test_a_new_certificate_counts_for_later_downloads(organisation: Organisation) -> None:
    server = organisation.add_server("HQ iPads", certificate_pem=PAIR.certificate_pem)
    before = server.certificate.fingerprint
    server.upload_certificate(key_pair("Rotated").certificate_pem)
    assert server.certificate.fingerprint != before
    with pytest.raises(PortalRefused, match="named HQ iPads"):
        organisation.add_server("HQ iPads", certificate_pem=PAIR.certificate_pem)
