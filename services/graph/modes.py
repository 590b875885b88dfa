"""How much of the work in Intune this deployment may do itself."""

import time
from enum import StrEnum

from services.graph.errors import GraphError
from services.graph.intune import Intune

READ = "DeviceManagementServiceConfig.Read.All"
WRITE = "DeviceManagementServiceConfig.ReadWrite.All"
OVERRULED_FOR = 3600.0
"""Seconds for which a refused write counts more than the permissions in the access token."""


class IntuneMode(StrEnum):
    """What may be done in Intune by this app."""

    FULL = "full"
    """Reading and writing."""
    GUIDED = "guided"
    """Reading: a person does the rest in the admin center, and Intune is asked whether it is so."""
    RECORDED = "recorded"
    """Nothing: a person's word counts."""


class Modes:
    """The mode now: by the permissions in the access token, unless a write was refused."""

    def __init__(self, intune: Intune | None) -> None:
        self.intune = intune
        self._overruled_until = 0.0

    async def now(self) -> IntuneMode:
        """The mode; guided where Microsoft does not tell the permissions."""
        try:
            return await self.told()
        except GraphError:
            return IntuneMode.GUIDED

    async def told(self) -> IntuneMode:
        """The mode. Raises GraphError where Microsoft does not tell the permissions."""
        if self.intune is None:
            return IntuneMode.RECORDED
        if time.monotonic() < self._overruled_until:
            return IntuneMode.GUIDED
        return IntuneMode.FULL if WRITE in await self.intune.roles() else IntuneMode.GUIDED

    def overrule(self) -> None:
        """A write was refused: a person does the writing for an hour."""
        self._overruled_until = time.monotonic() + OVERRULED_FOR
