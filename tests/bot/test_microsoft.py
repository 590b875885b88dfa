"""Microsoft is asked through one app registration, by a secret or by a certificate."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from bot.microsoft import application_of, microsoft_of, strategy_of
from bot.settings import Settings, load_settings
from services.errors import ConfigurationError
from services.graph.entra import ClientCertificate, ClientSecret
from services.graph.strategy import CreateOrder, KeyText, Strategy, TokenEncoding
from services.sealing import new_key
from tests.bot.served import only

SECRET = "canary-8d20"
TENANT, CLIENT = "schools.example", "6f0a4a3e-0000-4000-8000-000000000001"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def settings_with(folder: Path, environment: pytest.MonkeyPatch, **entra: str) -> Settings:
    values = {"SLACK_BOT_TOKEN": "x", "ALERT_CHANNEL": "C0ALERTS", "ENCRYPTION_KEYS": new_key("k")}
    only(environment, folder, values | entra)
    return load_settings()


def with_certificate(folder: Path, environment: pytest.MonkeyPatch, pem: bytes) -> Settings:
    path = folder / "bot.pem"
    path.write_bytes(pem)
    entra = {"ENTRA_TENANT_ID": TENANT, "ENTRA_CLIENT_ID": CLIENT}
    return settings_with(folder, environment, **entra, ENTRA_CLIENT_CERTIFICATE=str(path))


def key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def certificate_pem(key: Key) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "enroll-token")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW.replace(year=2028))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


async def test_without_an_app_registration_nobody_asks_microsoft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with microsoft_of(settings_with(tmp_path, monkeypatch)) as microsoft:
        assert microsoft is None


async def test_a_secret_makes_a_tenant_that_may_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_with(
        tmp_path,
        monkeypatch,
        ENTRA_TENANT_ID=TENANT,
        ENTRA_CLIENT_ID=CLIENT,
        ENTRA_CLIENT_SECRET=SECRET,
    )
    application = application_of(settings)
    assert application is not None
    assert application.credential == ClientSecret(value=SECRET)
    assert SECRET not in repr(application)
    async with microsoft_of(settings) as microsoft:
        assert microsoft is not None
        assert microsoft.tenant == TENANT


def test_a_certificate_is_read_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    settings = with_certificate(tmp_path, monkeypatch, key_pem(key) + certificate_pem(key))
    application = application_of(settings)
    assert application is not None
    assert isinstance(application.credential, ClientCertificate)
    assert application.credential.key.private_numbers() == key.private_numbers()


def test_a_certificate_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    curve = ec.generate_private_key(ec.SECP256R1())
    for pem, said in [
        (key_pem(ours) + certificate_pem(other), "its key does not belong to its certificate"),
        (key_pem(curve) + certificate_pem(curve), "Entra takes RSA keys alone"),
        (key_pem(ours) + certificate_pem(ours)[:200], "must hold a certificate and its key"),
    ]:
        with pytest.raises(ConfigurationError) as caught:
            application_of(with_certificate(tmp_path, monkeypatch, pem))
        assert said in caught.value.user_message
        assert "ENTRA_CLIENT_CERTIFICATE" in caught.value.user_message


def test_what_no_document_settles_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert strategy_of(settings_with(tmp_path, monkeypatch)) == Strategy()
    settings = settings_with(
        tmp_path,
        monkeypatch,
        INTUNE_CREATE_ORDER="Key_First",
        INTUNE_TOKEN_ENCODING="base64",
        INTUNE_PUBLIC_KEY="pem",
    )
    assert strategy_of(settings) == Strategy(
        order=CreateOrder.KEY_FIRST,
        encoding=TokenEncoding.BASE64,
        key_texts=frozenset({KeyText.PEM}),
    )
