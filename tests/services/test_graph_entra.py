"""Claims about signing in to Entra: by secret, by certificate, once, and what is refused."""

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from services.errors import ConfigurationError
from services.graph.entra import ClientCertificate, ClientSecret, read_certificate
from services.graph.errors import GraphError, GraphTrouble
from services.graph.http import AccessToken
from tests.sandbox.apple import faults
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.graph.applications import GUIDED
from tests.services.microsoft import Microsoft, microsoft

PAIR = key_pair("enroll-token at Entra")
PEM = PAIR.private_key_pem + PAIR.certificate_pem
SETTINGS = "/beta/deviceManagement/depOnboardingSettings"


def login(side: Microsoft) -> str:
    return f"/{side.tenant.id}/oauth2/v2.0/token"


def logins(side: Microsoft) -> int:
    return len(side.server.calls(login(side)))


async def refused(side: Microsoft) -> GraphError:
    with pytest.raises(GraphError) as caught:
        await side.intune.settings()
    return caught.value


def certificate(*, days: int = 30, key: rsa.RSAPrivateKey | None = None) -> ClientCertificate:
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "enroll-token")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return ClientCertificate(certificate=made, key=key)


async def test_a_secret_signs_in_and_the_token_tells_its_permissions() -> None:
    async with microsoft(roles=GUIDED) as side:
        assert await side.intune.roles() == frozenset(GUIDED)
        assert await side.intune.settings() == []


async def test_an_app_without_permissions_has_none_and_is_told_so_by_graph() -> None:
    async with microsoft(roles=()) as side:
        assert await side.intune.roles() == frozenset()
        assert (await refused(side)).trouble is GraphTrouble.FORBIDDEN


async def test_a_certificate_signs_in_where_the_app_registration_has_it() -> None:
    async with microsoft(credential=read_certificate(PEM)) as side:
        assert (await refused(side)).trouble is GraphTrouble.CREDENTIALS_REFUSED
    async with microsoft(credential=read_certificate(PEM)) as side:
        side.application.add_certificate(PAIR.certificate_pem)
        assert await side.intune.settings() == []


async def test_the_assertion_is_new_each_time_and_short_lived() -> None:
    async with microsoft(credential=read_certificate(PEM)) as side:
        side.application.add_certificate(PAIR.certificate_pem)
        first = await side.entra.access_token()
        await side.entra.access_token(refused=first)
        assert logins(side) == 2


async def test_everybody_shares_one_token() -> None:
    async with microsoft() as side:
        side.tenant.add_token("HQ iPads")
        await asyncio.gather(*(side.intune.settings() for _ in range(20)))
        assert logins(side) == 1


async def test_a_token_is_renewed_minutes_before_it_ends() -> None:
    async with microsoft() as side:
        side.tenant.knobs.token_seconds = 4
        first = await side.entra.access_token()
        assert await side.entra.access_token() is first
        await asyncio.sleep(2.01)
        assert await side.entra.access_token() is not first


async def test_a_token_that_graph_refuses_is_replaced_once() -> None:
    async with microsoft() as side:
        await side.intune.settings()
        side.tenant.revoke_access()
        assert await side.intune.settings() == []
        assert logins(side) == 2


async def test_many_calls_refused_together_bring_one_new_token() -> None:
    async with microsoft() as side:
        await side.intune.settings()
        side.tenant.revoke_access()
        await asyncio.gather(*(side.intune.settings() for _ in range(10)))
        assert logins(side) == 2


async def test_a_new_token_that_is_refused_too_is_an_error_and_not_a_loop() -> None:
    async with microsoft() as side:
        side.server.faults.next(SETTINGS, faults.status(401), times=9)
        error = await refused(side)
        assert error.trouble is GraphTrouble.UNAUTHORISED
        assert not error.retryable
        assert (logins(side), len(side.server.calls(SETTINGS))) == (2, 2)


async def test_an_expired_secret_says_that_it_is_expired() -> None:
    async with microsoft() as side:
        side.server.pass_time(timedelta(days=181))
        error = await refused(side)
        assert error.trouble is GraphTrouble.SECRET_EXPIRED
        assert error.code == "AADSTS7000222"
        assert "adds a new one" in error.user_message
        assert not error.retryable


async def test_a_wrong_secret_is_not_taken_for_an_expired_one() -> None:
    async with microsoft(credential=ClientSecret(value="another")) as side:
        assert (await refused(side)).trouble is GraphTrouble.CREDENTIALS_REFUSED


async def test_an_expired_certificate_is_known_before_entra_is_asked() -> None:
    async with microsoft(credential=certificate(days=-1)) as side:
        assert (await refused(side)).trouble is GraphTrouble.SECRET_EXPIRED
        assert logins(side) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"tenant_id": "00000000-0000-4000-8000-000000000000"},
        {"client_id": "00000000-0000-4000-8000-000000000000"},
    ],
)
async def test_a_wrong_tenant_or_app_is_named_as_such(wrong: dict[str, str]) -> None:
    async with microsoft(
        tenant_id=wrong.get("tenant_id"), client_id=wrong.get("client_id")
    ) as side:
        error = await refused(side)
        assert error.trouble is GraphTrouble.WRONG_TENANT
        assert "ENTRA_TENANT_ID" in error.user_message


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (faults.status(403), GraphTrouble.GARBLED),
        (faults.throttled(None), GraphTrouble.THROTTLED),
        (faults.throttled(7, code=503), GraphTrouble.THROTTLED),
        (faults.status(500), GraphTrouble.BROKEN),
        (faults.reset(), GraphTrouble.UNREACHABLE),
        (faults.reset_in_body(), GraphTrouble.UNREACHABLE),
        (faults.html_page(), GraphTrouble.GARBLED),
        (faults.half_json(), GraphTrouble.GARBLED),
        (faults.gzip_bomb(), GraphTrouble.GARBLED),
        (faults.status(302), GraphTrouble.GARBLED),
        (
            faults.status(200, '{"access_token": "opaque", "expires_in": 3599}'),
            GraphTrouble.GARBLED,
        ),
    ],
)
async def test_any_other_answer_of_the_login_may_be_tried_again(
    fault: faults.Fault, trouble: GraphTrouble
) -> None:
    async with microsoft() as side:
        side.server.faults.next(login(side), fault)
        error = await refused(side)
        assert error.trouble is trouble
        assert error.retryable


async def test_a_login_in_trouble_is_not_asked_again_by_everybody_who_waits() -> None:
    async with microsoft() as side:
        side.server.faults.next(login(side), faults.throttled(3))
        together = await asyncio.gather(
            *(side.intune.settings() for _ in range(20)), return_exceptions=True
        )
        assert all(isinstance(error, GraphError) for error in together)
        assert logins(side) == 1
        await asyncio.sleep(3.01)
        assert await side.intune.settings() == []


def spoilt(text: str) -> str:
    return text[:-2] + ("AA" if text[-2:] != "AA" else "BB")


@pytest.mark.parametrize(
    "spoil", [spoilt, lambda text: text[3:], lambda text: text.replace(".", "!")]
)
async def test_the_stand_in_refuses_a_token_that_was_tampered_with(
    spoil: Callable[[str], str],
) -> None:
    async with microsoft() as side:
        token = await side.entra.access_token()
        header = {"Authorization": f"Bearer {spoil(token.value)}"}
        answer = await side.graph.http.get(SETTINGS, headers=header)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"


async def test_no_secret_and_no_token_shows_in_what_is_logged() -> None:
    async with microsoft() as side:
        token = await side.entra.access_token()
        shown = f"{token!r} {side.entra.application!r} {read_certificate(PEM)!r}"
        assert token.value not in shown
        credential = side.entra.application.credential
        assert isinstance(credential, ClientSecret)
        assert credential.value not in shown
        side.server.faults.next(login(side), faults.half_json())
        with pytest.raises(GraphError) as caught:
            await side.entra.access_token(refused=token)
        assert "eyJ" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_the_claims_are_read_whatever_their_padding() -> None:
    for tail in ("", "x", "xx", "xxx"):
        claims = base64.urlsafe_b64encode(json.dumps({"roles": ["A"], "t": tail}).encode())
        content = {"access_token": f"e.{claims.decode().rstrip('=')}.s", "expires_in": 60}
        async with microsoft() as side:
            answer = faults.status(200, json.dumps(content))
            side.server.faults.next(login(side), answer)
            token = await side.entra.access_token()
            assert isinstance(token, AccessToken)
            assert token.roles == {"A"}


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        PAIR.certificate_pem,
        PAIR.private_key_pem,
        PAIR.certificate_pem + key_pair("another").private_key_pem,
        PAIR.certificate_pem
        + ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        PAIR.certificate_pem
        + rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"x"),
        ),
    ],
    ids=["nothing", "no key", "no certificate", "another key", "EC", "encrypted"],
)
def test_a_pem_that_cannot_sign_in_is_refused_with_the_settings_name(pem: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_certificate(pem)
    assert "ENTRA_CLIENT_CERTIFICATE" in caught.value.user_message
