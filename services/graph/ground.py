"""What creating and renewing in Intune stand on."""

from dataclasses import dataclass

from services.clock import Clock
from services.graph.intune import Intune
from services.graph.modes import Modes
from services.graph.strategy import Strategy
from storage.database import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One for each program; `intune` is None where nobody can ask it."""

    database: Database
    intune: Intune | None
    modes: Modes
    strategy: Strategy
    clock: Clock


async def nothing(_tx: Transaction) -> None:
    """Leave nothing behind."""
