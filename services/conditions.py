"""What has to hold before a token may be deleted, read from its holder where that answers."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.errors import NotFound, UpstreamError
from services.programs import Counts, Program
from storage.database import Database
from storage.records import Token
from storage.states import ProgramName


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The three conditions, each by its count; `live` says that the holder answered just now.

    `trouble` is what the holder said instead, for people. `released` and `unseen` are as in
    `Counts`; not `told`: nobody can ask the holder, so that a person has to look.
    """

    devices: int
    in_default_profile: int
    profiles: int
    live: bool
    retryable: bool = False
    trouble: str | None = None
    released: int = 0
    unseen: str = ""
    told: bool = True

    def met(self) -> bool:
        """Whether nothing stands in the way."""
        return not (self.devices or self.in_default_profile or self.profiles)

    def facts(self) -> dict[str, str]:
        """The counts as facts of a request, and what nobody could count."""
        counts = {
            "devices": str(self.devices),
            "in_default_profile": str(self.in_default_profile),
            "profiles": str(self.profiles),
        }
        if not self.told:
            return counts | {"uncounted": "everything"}
        return counts | ({"uncounted": self.unseen} if self.unseen else {})


class ConditionReader:
    """Reads the conditions: when a form opens, when somebody decides, right before deleting."""

    def __init__(self, *, database: Database, programs: Mapping[ProgramName, Program]) -> None:
        self.database = database
        self.programs = programs

    async def read(self, token: Token) -> Conditions:
        """The conditions now; from the store where the holder gives no answer."""
        try:
            counts = await self.programs[token.program].count(token)
        except UpstreamError as error:
            kept = await self._stored(token)
            return Conditions(
                devices=kept.devices,
                in_default_profile=kept.in_default_profile,
                profiles=kept.profiles,
                live=False,
                retryable=error.retryable,
                trouble=error.user_message,
            )
        except NotFound as error:
            raise AssertionError("an active token has credentials") from error
        return Conditions(
            devices=counts.devices,
            in_default_profile=counts.in_default_profile,
            profiles=counts.profiles,
            live=True,
            released=counts.released,
            unseen=counts.unseen,
            told=counts.told,
        )

    async def _stored(self, token: Token) -> Counts:
        async with self.database.read() as tx:
            defaults = await tx.profiles.defaults_of(token.id)
            having = [
                await tx.devices.count_with_profile(token.id, one.profile_uuid) for one in defaults
            ]
            return Counts(
                devices=await tx.devices.count(token.id),
                in_default_profile=sum(having),
                profiles=await tx.profiles.count(token.id),
            )
