"""`settings`: what is in force, for admins and operators."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.sources import SettingShown
from bot.views.blocks import Message
from bot.views.settings import settings_page
from services.policy import People, Role, require_any

MAY_LOOK = (Role.ADMIN, Role.OPERATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsAnswer:
    """Answers with the settings as they were at start."""

    people: People
    shown: Sequence[SettingShown]

    async def draw(self, person: str) -> Message:
        """The settings. Raises NotAllowed."""
        actor = await self.people.actor(person, fresh=False)
        holders = {role: await self.people.holders(role, fresh=False) for role in MAY_LOOK}
        require_any(actor, holders)
        return settings_page(self.shown)
