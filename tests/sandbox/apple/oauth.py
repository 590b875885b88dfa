"""OAuth 1.0a as the service checks it (RFC 5849), with nothing of the libraries clients use."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, unquote

from tests.sandbox.apple.answers import Refused

CLOCK_WINDOW = 300
"""Seconds by which a client's clock may differ from ours."""

_PARAMETER = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*')
_REQUIRED = frozenset(
    {
        "oauth_consumer_key",
        "oauth_token",
        "oauth_signature_method",
        "oauth_signature",
        "oauth_timestamp",
        "oauth_nonce",
        "oauth_version",
    }
)
_LONGEST_NONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """The parameters of an Authorization header, decoded, with what was signed."""

    method: str
    url: str
    query: str
    parameters: Mapping[str, str]

    @property
    def consumer_key(self) -> str:
        """Who asks."""
        return self.parameters["oauth_consumer_key"]

    @property
    def token(self) -> str:
        """The access token."""
        return self.parameters["oauth_token"]

    @property
    def nonce(self) -> str:
        """What must never come twice."""
        return self.parameters["oauth_nonce"]

    @property
    def timestamp(self) -> int:
        """When the client says it is, in seconds since 1970."""
        return int(self.parameters["oauth_timestamp"])

    def is_signed_with(self, consumer_secret: str, access_secret: str) -> bool:
        """Compute the signature anew and compare (RFC 5849, 3.4.2)."""
        key = f"{_percent(consumer_secret)}&{_percent(access_secret)}".encode()
        digest = hmac.new(key, self._base_string().encode(), hashlib.sha1).digest()
        try:
            given = base64.b64decode(self.parameters["oauth_signature"], validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(digest, given)

    def _base_string(self) -> str:
        """Join method, address and sorted parameters (RFC 5849, 3.4.1); realm is not signed."""
        signed = [
            (name, value)
            for name, value in self.parameters.items()
            if name not in {"realm", "oauth_signature"}
        ]
        signed += parse_qsl(self.query, keep_blank_values=True)
        pairs = sorted((_percent(name), _percent(value)) for name, value in signed)
        parameters = "&".join(f"{name}={value}" for name, value in pairs)
        return "&".join([self.method.upper(), _percent(self.url), _percent(parameters)])


def read_header(authorization: str | None, *, method: str, url: str, query: str) -> SignedRequest:
    """Take an Authorization header apart; whatever is wrong with its form is a bad request."""
    parameters = _parameters(authorization or "")
    is_whole = (
        parameters.keys() >= _REQUIRED
        and parameters.keys() <= _REQUIRED | {"realm"}
        and parameters["oauth_signature_method"] == "HMAC-SHA1"
        and parameters["oauth_version"] == "1.0"
        and re.fullmatch(r"[1-9][0-9]{0,11}", parameters["oauth_timestamp"]) is not None
        and 0 < len(parameters["oauth_nonce"]) <= _LONGEST_NONCE
    )
    if not is_whole:
        raise bad_parameters()
    return SignedRequest(method=method, url=url, query=query, parameters=parameters)


def bad_parameters() -> Refused:
    """Refuse a header that is not OAuth 1.0a with HMAC-SHA1."""
    return Refused(HTTPStatus.BAD_REQUEST, "oauth_problem_advice")


def _parameters(authorization: str) -> dict[str, str]:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "oauth":
        raise bad_parameters()
    parameters: dict[str, str] = {}
    for part in rest.split(","):
        found = _PARAMETER.fullmatch(part)
        if not found or found[1] in parameters:
            raise bad_parameters()
        try:
            parameters[found[1]] = unquote(found[2], errors="strict")
        except UnicodeDecodeError:
            raise bad_parameters() from None
    return parameters


def _percent(text: str) -> str:
    """Encode for signing: only letters, digits and -._~ stay (RFC 5849, 3.6)."""
    return quote(text, safe="-._~")
