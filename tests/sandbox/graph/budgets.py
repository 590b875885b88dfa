"""Intune's budgets: what one app may ask of one tenant in 20 seconds."""

import time
from collections import deque

REQUESTS = 1000
WRITES = 100


class Budgets:
    """Counts the calls of one app in one tenant."""

    def __init__(self) -> None:
        self._requests: deque[float] = deque()
        self._writes: deque[float] = deque()

    def exceeded(self, *, writes: bool, seconds: float) -> bool:
        """Count a call; one that is refused is not counted."""
        now = time.monotonic()
        for counted in (self._requests, self._writes):
            while counted and counted[0] <= now - seconds:
                counted.popleft()
        if len(self._requests) >= REQUESTS or (writes and len(self._writes) >= WRITES):
            return True
        self._requests.append(now)
        if writes:
            self._writes.append(now)
        return False
