"""`HEARTBEAT_URL`: called once per healthy minute, so that somebody notices our silence."""

import logging
import time
from collections.abc import Awaitable, Callable

import httpx

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
CALL_SECONDS = 10.0


class Heartbeat:
    """Calls the address while everything is in order; a failed call is only logged."""

    def __init__(
        self, url: str, *, alive: Callable[[], bool], ready: Callable[[], Awaitable[bool]]
    ) -> None:
        self._url = url
        self.alive = alive
        self.ready = ready
        self._next_at = 0.0

    async def beat(self) -> float:
        """Call it if its minute has come and all is well; in how many seconds to look again."""
        now = time.monotonic()
        if now < self._next_at:
            return self._next_at - now
        self._next_at = now + EVERY_SECONDS
        if self.alive() and await self.ready():
            await self._call()
        return EVERY_SECONDS

    async def _call(self) -> None:
        try:
            async with httpx.AsyncClient(
                timeout=CALL_SECONDS, follow_redirects=False, trust_env=False
            ) as http:
                answer = await http.get(self._url)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            # The address may be a secret, and the exception's text may hold it.
            log.warning("heartbeat_not_taken", extra={"error": type(error).__name__})
            return
        if not answer.is_success:
            log.warning("heartbeat_not_taken", extra={"status": answer.status_code})
