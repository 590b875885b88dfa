"""What Slack tells of people's accounts and of user groups."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.identity import Identity
from services.reports import Reports


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleEvents:
    """Takes the events; roles that were looked up before are looked up anew after each."""

    people: Identity
    reports: Reports

    def register(self, app: AsyncApp) -> None:
        """Take the events."""
        app.event("user_change")(self.changed)
        app.event("subteam_members_changed")(self.regrouped)

    async def changed(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Somebody's account changed; most people answer for no token, and most changes are small.

        It is a row before Slack gets its 200, so that an owner who is gone is not lost.
        """
        self.people.forget()
        user = event.get("user") or {}
        key = f"event:{body.get('event_id', '')}"
        deactivated = bool(user.get("deleted"))
        await self.reports.account_changed(str(user.get("id")), deactivated=deactivated, key=key)

    async def regrouped(self) -> None:
        """A group has other members, so its roles have other people."""
        self.people.forget()
