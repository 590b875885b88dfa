"""The program `intune`: Microsoft Intune holds the token, and we do there what we may."""

from collections.abc import Sequence

from services.clock import Clock
from services.errands import Brought, Errand, Offer
from services.graph import holding, listing, removal
from services.graph.beginning import Beginnings
from services.graph.errors import GraphError, GraphTrouble
from services.graph.evidence import Proofs
from services.graph.ground import Ground
from services.graph.intune import Intune
from services.graph.modes import IntuneMode, Modes
from services.graph.strategy import Strategy
from services.programs import (
    Beginning,
    ByHand,
    Counts,
    Holding,
    Keep,
    KeepPage,
    Proof,
    SyncEnd,
    SyncStart,
    TakenBack,
)
from storage.database import Database, Transaction
from storage.records import Device, Token
from storage.states import ProgramName


class IntuneProgram:
    """Implements the port `Program` towards Intune; without `intune` nobody can ask it."""

    name = ProgramName.INTUNE

    def __init__(
        self,
        database: Database,
        intune: Intune | None,
        clock: Clock,
        *,
        strategy: Strategy | None = None,
    ) -> None:
        self.database = database
        self.intune = intune
        self.clock = clock
        self.modes = Modes(intune)
        by = strategy or Strategy()
        ground = Ground(
            database=database, intune=intune, modes=self.modes, strategy=by, clock=clock
        )
        self.beginnings, self.proofs = Beginnings(ground), Proofs(ground)

    async def offer(self, token: Token | None) -> Offer:
        """What would be brought now, and the tenant's scope tags."""
        return await self.beginnings.offer(token)

    async def begin(self, token: Token, errand: Errand) -> Beginning:
        """Begin in Intune as far as it lets us; a person does the rest."""
        return await self.beginnings.begin(token, errand)

    async def take_back(self, tell: TakenBack) -> float | None:
        """Delete the entries of ours that nobody needs any more."""
        return await self.beginnings.entries.take_back(tell)

    async def check(self, token: Token, file: bytes, errand: Errand) -> str:
        """Tell whose the file is, before Intune sees it."""
        return await self.proofs.check(token, file, errand)

    async def prove(self, token: Token, brought: Brought, errand: Errand) -> Proof:
        """Hand the file in, or look at what a person did, until Intune shows the new token."""
        return await self.proofs.prove(token, brought, errand)

    async def read(self, token: Token) -> Holding:
        """Ask Intune how the token is; trouble is an answer."""
        return await holding.read(self.intune, token, self.clock.now())

    async def sync(self, token: Token, start: SyncStart, keep_page: KeepPage) -> SyncEnd:
        """Have Intune sync where a person waits for it, then list its devices and profiles."""
        if self._nobody_asks(token) or self.intune is None:
            return SyncEnd.NOT_OURS
        now = self.clock.now()
        end = await listing.sync(self.intune, token, start, keep_page, now)
        await listing.keep_profiles(self.database, self.intune, token, now)
        return end

    async def devices(self, token: Token, serial_numbers: Sequence[str]) -> Sequence[Device]:
        """These devices as Intune has them now."""
        if self._nobody_asks(token) or self.intune is None:
            return []
        return await listing.devices(self.intune, token, serial_numbers)

    async def assign(self, token: Token, profile_id: str, serial_numbers: Sequence[str]) -> None:
        """Give devices one of the token's profiles, by serial numbers. Raises GraphError."""
        if self.intune is not None and token.holder_id is not None:
            await listing.assign(self.intune, token, profile_id, serial_numbers)

    async def count(self, token: Token) -> Counts:
        """Count in Intune what stands in the way of a deletion."""
        if self._nobody_asks(token) or self.intune is None:
            return removal.UNTOLD
        return await removal.count(self.intune, token)

    async def remove_devices(self, token: Token, *, done: bool = False) -> Keep:
        """Delete the devices in Intune, or see that a person did; `keep` removes them here."""

        async def keep(tx: Transaction) -> None:
            await tx.devices.remove_here(token.id, self.clock.now())

        if self._nobody_asks(token) or self.intune is None:
            return _their_word(keep, done=done)
        if done:
            await removal.check_devices_are_out(self.intune, token)
            return keep
        await self._by_ourselves()
        try:
            await removal.take_devices_out(self.intune, token)
        except GraphError as error:
            self._unless_forbidden(error)
        return keep

    async def withdraw(self, token: Token, *, done: bool = False) -> Keep:
        """Delete the token in Intune, or see that a person did; we hold no secret of it."""

        async def keep(tx: Transaction) -> None:
            await tx.devices.remove_here(token.id, self.clock.now())
            await tx.profiles.remove(token.id, self.clock.now())
            await tx.key_pairs.destroy(token.id)

        if self._nobody_asks(token) or self.intune is None:
            return _their_word(keep, done=done)
        if done:
            await removal.check_gone(self.intune, token)
            return keep
        await self._by_ourselves()
        try:
            await removal.delete(self.intune, token)
        except GraphError as error:
            self._unless_forbidden(error)
        return keep

    def _nobody_asks(self, token: Token) -> bool:
        return self.intune is None or token.holder_id is None

    async def _by_ourselves(self) -> None:
        if await self.modes.now() is not IntuneMode.FULL:
            raise ByHand

    def _unless_forbidden(self, error: GraphError) -> None:
        """A permission that was taken away: a person does it instead."""
        if error.trouble is not GraphTrouble.FORBIDDEN:
            raise error
        self.modes.overrule()
        raise ByHand from error


def _their_word(keep: Keep, *, done: bool) -> Keep:
    if not done:
        raise ByHand
    return keep
