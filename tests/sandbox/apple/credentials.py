"""The five OAuth values of a server token, invented in the lengths Apple's have."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a server token file holds."""

    consumer_key: str
    consumer_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_secret: str = field(repr=False)
    access_token_expiry: datetime

    @classmethod
    def invented(
        cls,
        *,
        issued_at: datetime | None = None,
        lifetime: timedelta = LIFETIME,
        consumer_key: str | None = None,
    ) -> Self:
        """Make up five values; the consumer key stays the same where one is given.

        Apple keeps the consumer key as long as the same person downloads for the same server.
        """
        issued_at = (issued_at or datetime.now(UTC)).astimezone(UTC)
        milliseconds = int(issued_at.timestamp() * 1000)
        number = secrets.randbelow(9 * 10**9) + 10**9
        return cls(
            consumer_key=consumer_key or invented_consumer_key(),
            consumer_secret=f"CS_{secrets.token_hex(20)}",
            access_token=f"AT_O{number}O{secrets.token_hex(20)}O{milliseconds}",
            access_secret=f"AS_{secrets.token_hex(20)}",
            access_token_expiry=(issued_at + lifetime).replace(microsecond=0),
        )

    def fields(self) -> dict[str, str]:
        """List the five values as they stand in the file, in Apple's order."""
        return {
            "consumer_key": self.consumer_key,
            "consumer_secret": self.consumer_secret,
            "access_token": self.access_token,
            "access_secret": self.access_secret,
            "access_token_expiry": f"{self.access_token_expiry:%Y-%m-%dT%H:%M:%SZ}",
        }

    def json(self) -> str:
        """Write the five values as one line without spaces."""
        return json.dumps(self.fields(), separators=(",", ":"))


def invented_consumer_key() -> str:
    """Make up a consumer key: `CK_` and 96 hex digits."""
    return f"CK_{secrets.token_hex(48)}"
