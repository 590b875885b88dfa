"""Slack's signature over a request (v0, HMAC-SHA256 over the raw body, at most 5 minutes old).

Ours, because Bolt parses the body before it verifies, answers 500 to junk headers, and loses
commands whose text holds the word "payload". Source: Slack, Verifying requests from Slack.
"""

import hmac
from hashlib import sha256

from services.clock import machine_now

OLDEST_SECONDS = 300
DIGITS = 12


def signed(secret: str, timestamp: str, signature: str, body: bytes) -> bool:
    """Whether Slack signed this body not long ago; junk of any kind is simply not signed."""
    seconds = age(timestamp)
    if seconds is None or abs(seconds) > OLDEST_SECONDS:
        return False
    text = b"v0:" + timestamp.encode() + b":" + body
    expected = "v0=" + hmac.new(secret.encode(), text, sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def age(timestamp: str) -> int | None:
    """How many seconds ago the request says that it was signed; None if it says nothing."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= DIGITS):
        return None
    return int(machine_now().timestamp()) - int(timestamp)
