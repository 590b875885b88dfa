"""Entra's login: `POST /{tenant}/oauth2/v2.0/token`, for client credentials alone."""

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.sandbox.apple.answers import Answer
from tests.sandbox.graph.applications import AppRegistration
from tests.sandbox.graph.bearer import issue
from tests.sandbox.graph.tenant import Tenant

PATH = re.compile(r"/([^/]+)/oauth2/v2\.0/token")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FIELDS = {
    "grant_type",
    "client_id",
    "scope",
    "client_secret",
    "client_assertion_type",
    "client_assertion",
}
_LONGEST_ASSERTION = 600


class LoginRefused(Exception):
    """Entra answers with OAuth's error and its own number."""

    def __init__(self, error: str, number: int, text: str, status: int = 401) -> None:
        super().__init__(text)
        self.error = error
        self.number = number
        self.status = status


def sign_in(
    tenant: Tenant | None, body: bytes, *, url: str, content_type: str, resource: str
) -> Answer:
    """Answer one request for an access token; `url` is where it came, `resource` what we serve."""
    try:
        if tenant is None:
            raise _bad("invalid_request", 90002, "Tenant not found. Check the tenant ID.")
        if content_type != "application/x-www-form-urlencoded":
            raise _bad("invalid_request", 900144, "The request body must be a form.")
        form = _form(body)
        application = _application(tenant, form)
        if form["scope"] != f"{resource}/.default":
            raise _bad("invalid_scope", 1002012, "The provided scope is not valid.")
        _check_proof(tenant, application, form, url)
    except LoginRefused as refused:
        return _refusal(refused)
    seconds = tenant.knobs.token_seconds
    granted = {
        "token_type": "Bearer",
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": issue(tenant, application, resource=resource, seconds=seconds),
    }
    return _json(granted, HTTPStatus.OK)


def login_refusal(status: int, error: str, text: str) -> Answer:
    """Answer as the login does in trouble of its own."""
    return _refusal(LoginRefused(error, 90033, text, status))


def _form(body: bytes) -> dict[str, str]:
    fields = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=True)
    if unknown := set(fields) - _FIELDS:
        raise _bad("invalid_request", 900144, f"Unknown parameter {min(unknown)}.")
    form = {name: values[0] for name, values in fields.items()}
    for name in ("grant_type", "client_id", "scope"):
        if not form.get(name):
            raise _bad("invalid_request", 900144, f"The request must contain: '{name}'.")
    if form["grant_type"] != "client_credentials":
        raise _bad("unsupported_grant_type", 70003, "The grant type is not supported.")
    return form


def _application(tenant: Tenant, form: Mapping[str, str]) -> AppRegistration:
    for application in tenant.applications:
        if application.client_id == form["client_id"]:
            return application
    text = f"Application with identifier '{form['client_id']}' was not found in the directory."
    raise _bad("unauthorized_client", 700016, text)


def _check_proof(
    tenant: Tenant, application: AppRegistration, form: Mapping[str, str], url: str
) -> None:
    if "client_secret" in form and "client_assertion" not in form:
        _check_secret(tenant, application, form["client_secret"])
    elif form.get("client_assertion_type") == ASSERTION and "client_secret" not in form:
        _check_assertion(tenant, application, form.get("client_assertion", ""), url)
    else:
        raise _client(7000216, "'client_assertion' or 'client_secret' is required.")


def _check_secret(tenant: Tenant, application: AppRegistration, value: str) -> None:
    for secret in application.secrets:
        if secret.value == value:
            if secret.expires_at <= tenant.now():
                raise _client(7000222, "The provided client secret keys are expired.")
            return
    raise _client(7000215, "Invalid client secret provided.")


def _check_assertion(
    tenant: Tenant, application: AppRegistration, assertion: str, url: str
) -> None:
    try:
        head, claims, signature = assertion.split(".")
        header, content = _part(head), _part(claims)
        signed = _unbase64(signature)
    except (ValueError, AttributeError):
        raise _client(50027, "JWT token is invalid or malformed.") from None
    certificate = _certificate(application, header)
    if certificate.not_valid_after_utc <= tenant.now():
        raise _client(700027, "The certificate with which the assertion is signed has expired.")
    _check_signature(certificate, header, f"{head}.{claims}".encode(), signed)
    _check_claims(application, content, url)


def _certificate(application: AppRegistration, header: Mapping[str, Any]) -> x509.Certificate:
    for certificate in application.certificates:
        names = {
            "x5t#S256": _base64url(certificate.fingerprint(hashes.SHA256())),
            "x5t": _base64url(certificate.fingerprint(hashes.SHA1())),  # noqa: S303 - its name's own
        }
        if any(header.get(name) == value for name, value in names.items()):
            return certificate
    raise _client(700027, "The certificate used to sign the assertion is not registered.")


def _check_signature(
    certificate: x509.Certificate, header: Mapping[str, Any], text: bytes, signature: bytes
) -> None:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or header.get("typ") != "JWT":
        raise _client(700027, "The assertion is not signed by an RSA key.")
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    ways = {"PS256": pss, "RS256": padding.PKCS1v15()}
    try:
        key.verify(signature, text, ways[header["alg"]], hashes.SHA256())
    except (KeyError, InvalidSignature):
        raise _client(700027, "The assertion's signature is not valid.") from None


def _check_claims(application: AppRegistration, claims: Mapping[str, Any], url: str) -> None:
    now = datetime.now(UTC).timestamp()
    if claims.get("aud") != url:
        raise _client(700023, "The assertion's audience is not this login.")
    if not claims.get("iss") == claims.get("sub") == application.client_id:
        raise _client(700021, "The assertion's subject is not the application.")
    if not claims.get("nbf", now + 1) <= now < claims.get("exp", 0) <= now + _LONGEST_ASSERTION:
        raise _client(700024, "The assertion is not within its valid time range.")
    if not claims.get("jti"):
        raise _client(50027, "The assertion has no identifier.")


def _refusal(refused: LoginRefused) -> Answer:
    trace = str(uuid4())
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
    text = f"AADSTS{refused.number}: {refused} Trace ID: {trace} Timestamp: {now}"
    content = {
        "error": refused.error,
        "error_description": text,
        "error_codes": [refused.number],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": str(uuid4()),
    }
    return _json(content, refused.status)


def _json(content: object, status: int) -> Answer:
    headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
    return Answer(status=status, body=json.dumps(content).encode(), headers=headers)


def _bad(error: str, number: int, text: str) -> LoginRefused:
    return LoginRefused(error, number, text, HTTPStatus.BAD_REQUEST)


def _client(number: int, text: str) -> LoginRefused:
    return LoginRefused("invalid_client", number, text)


def _part(text: str) -> dict[str, Any]:
    return dict(json.loads(_unbase64(text)).items())


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
