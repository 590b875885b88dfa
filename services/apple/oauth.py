"""The OAuth 1.0a header that opens a session (RFC 5849; HMAC-SHA1 is all that Apple takes)."""

from dataclasses import dataclass, field

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, Client


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthValues:
    """The four values that sign; none of them ever shows in a log or a message."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_secret: str = field(repr=False)


def authorization(values: OAuthValues, url: str) -> str:
    """The Authorization header of a GET of that URL, with a fresh nonce and the machine's time."""
    client = Client(
        values.consumer_key,
        client_secret=values.consumer_secret,
        resource_owner_key=values.access_token,
        resource_owner_secret=values.access_secret,
        signature_method=SIGNATURE_HMAC_SHA1,
        realm="ADM",
    )
    _, headers, _ = client.sign(url, http_method="GET")
    header: str = headers["Authorization"]
    return header
