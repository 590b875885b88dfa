"""Access tokens for Graph from Entra's login: client credentials, by secret or by certificate.

One token is in use until minutes before its end; whoever needs another waits for the one that
asks. Source: Entra, "The OAuth 2.0 client credentials flow" and "Certificate credentials".
"""

import asyncio
import base64
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from services.clock import machine_now
from services.errors import ConfigurationError
from services.graph.errors import GraphError, GraphTrouble, login_trouble_of, read_login_refusal
from services.graph.exchange import Answer, exchange
from services.graph.http import AccessToken
from services.graph.reading import Unreadable, read

PAUSE = 5.0
"""Seconds for which a refused sign-in is not tried again, where Entra does not say how long."""
EARLY = 300.0
"""Seconds before its end at which a token is no longer used."""
ASSERTION_MINUTES = 5
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """A secret of the app registration."""

    value: str

    def __repr__(self) -> str:
        return "ClientSecret(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """A certificate of the app registration, and its private key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    def __repr__(self) -> str:
        return "ClientCertificate(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The app registration that we are; `resource` is Graph's origin."""

    tenant_id: str
    client_id: str
    credential: ClientSecret | ClientCertificate
    resource: str


class _Issued(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float
    token_type: str = "Bearer"  # noqa: S105 - a kind, not a token

    def __repr__(self) -> str:
        return "_Issued(...)"


class _Claims(msgspec.Struct, frozen=True):
    roles: list[str] = []


class Entra:
    """The login of one app registration; it hands out the access token in use."""

    def __init__(self, http: httpx.AsyncClient, application: Application) -> None:
        self.http = http
        self.application = application
        self._token: AccessToken | None = None
        self._refused: tuple[GraphError, float] | None = None
        self._asking = asyncio.Lock()

    async def access_token(self, refused: AccessToken | None = None) -> AccessToken:
        """The one in use, or another one where Graph refused it. Raises GraphError."""
        async with self._asking:
            # Another call may have brought a new one while this one waited.
            token = self._token
            usable = token is not None and time.monotonic() < token.fresh_until
            if token is None or token is refused or not usable:
                token = self._token = await self._renewed()
            return token

    async def _renewed(self) -> AccessToken:
        if self._refused is not None and time.monotonic() < self._refused[1]:
            # Whoever waited meanwhile gets the same answer, without a call each.
            raise self._refused[0].again()
        try:
            return await self._ask()
        except GraphError as error:
            pause = PAUSE if error.retry_after is None else error.retry_after
            self._refused = error, time.monotonic() + pause
            raise

    async def _ask(self) -> AccessToken:
        path = f"/{self.application.tenant_id}/oauth2/v2.0/token"
        url = str(self.http.base_url.join(path))
        form = {
            "grant_type": "client_credentials",
            "client_id": self.application.client_id,
            "scope": f"{self.application.resource.rstrip('/')}/.default",
            **_proof(self.application, url),
        }
        asked_at = time.monotonic()
        request = self.http.build_request("POST", url, data=form)
        answer = await exchange(self.http, request, "POST /oauth2/v2.0/token")
        if answer.status != OK:
            said = read_login_refusal(answer.status, answer.body, retry_after=answer.retry_after)
            raise GraphError(login_trouble_of(said), "Entra's login", refusal=said)
        return _issued(answer, asked_at)


def read_certificate(pem: bytes) -> ClientCertificate:
    """The certificate and its private key from one PEM text. Raises ConfigurationError."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise _unusable("it must hold a certificate and its key, unencrypted, in PEM") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _unusable("Entra takes RSA keys alone")
    if certificate.public_key() != key.public_key():
        raise _unusable("its key does not belong to its certificate")
    return ClientCertificate(certificate=certificate, key=key)


def _unusable(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"ENTRA_CLIENT_CERTIFICATE: {why}",
        user_message=f"The file that ENTRA_CLIENT_CERTIFICATE names cannot be used: {why}.",
    )


def _proof(application: Application, audience: str) -> dict[str, str]:
    match application.credential:
        case ClientSecret(value=secret):
            return {"client_secret": secret}
        case ClientCertificate() as credential:
            now = machine_now()
            if credential.certificate.not_valid_after_utc <= now:
                raise GraphError(GraphTrouble.SECRET_EXPIRED, "the client certificate has expired")
            return {
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": _assertion(application.client_id, credential, audience, now),
            }


def _assertion(client_id: str, credential: ClientCertificate, audience: str, now: datetime) -> str:
    """A signed statement of who we are (RFC 7523), by PS256 as Entra advises."""
    thumbprint = credential.certificate.fingerprint(hashes.SHA256())
    header = {"alg": "PS256", "typ": "JWT", "x5t#S256": _base64url(thumbprint)}
    claims = {
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": str(uuid4()),
        "nbf": int(now.timestamp()),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=ASSERTION_MINUTES)).timestamp()),
    }
    text = ".".join(_base64url(msgspec.json.encode(part)) for part in (header, claims))
    salted = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
    signature = credential.key.sign(text.encode(), salted, hashes.SHA256())
    return f"{text}.{_base64url(signature)}"


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _issued(answer: Answer, asked_at: float) -> AccessToken:
    try:
        issued = read(answer.body, _Issued)
        roles = _roles(issued.access_token)
    except (Unreadable, ValueError):
        raise GraphError(GraphTrouble.GARBLED, "Entra's login: no access token") from None
    lasts = issued.expires_in - min(EARLY, issued.expires_in / 2)
    return AccessToken(
        value=issued.access_token, roles=frozenset(roles), fresh_until=asked_at + lasts
    )


def _roles(access_token: str) -> list[str]:
    claims = access_token.split(".")[1:2]
    if not claims:
        raise ValueError("no claims")
    padded = claims[0] + "=" * (-len(claims[0]) % 4)
    return read(base64.urlsafe_b64decode(padded), _Claims).roles
