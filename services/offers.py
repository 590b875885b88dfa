"""What the form for a new token offers: the programs that are set up, and what each takes now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.errands import Offer
from services.programs import Program
from services.requests import Requests
from storage.states import Action, Evidence, ProgramName


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLook:
    """The program of the form, all those that are offered, and what this one takes."""

    program: ProgramName
    offered: Sequence[ProgramName]
    offer: Offer


class Offers:
    """Looks at the programs before somebody fills in a form."""

    def __init__(
        self,
        *,
        requests: Requests,
        programs: Mapping[ProgramName, Program],
        offered: frozenset[ProgramName],
    ) -> None:
        self.requests = requests
        self.programs = programs
        self.offered = [name for name in ProgramName if name in offered]

    async def look(self, person: str, program: ProgramName | None = None) -> CreateLook:
        """What the form shows to somebody who may ask; without a program, the usual one.

        Raises NotAllowed, Refused.
        """
        await self.requests.may_ask(person, Action.CREATE)
        if program in self.offered:
            return await self._of(program)
        for name in self._usual():
            look = await self._of(name)
            if name is not ProgramName.INTUNE or look.offer.evidence is not Evidence.EXPIRY_DATE:
                return look
        return await self._of(self.offered[0])

    def _usual(self) -> list[ProgramName]:
        """Intune first where it can be asked, since most teams have their tokens there."""
        return sorted(self.offered, key=lambda name: name is not ProgramName.INTUNE)

    async def _of(self, program: ProgramName) -> CreateLook:
        offer = await self.programs[program].offer(None)
        return CreateLook(program=program, offered=self.offered, offer=offer)
