"""People, bots and strangers, as Slack describes them to an app."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from tests.sandbox.slack.reading import Json


class Kind(StrEnum):
    """What somebody is in the workspace."""

    MEMBER = "member"
    """A full member."""
    GUEST = "guest"
    """A guest in several channels."""
    SINGLE_CHANNEL_GUEST = "single_channel_guest"
    """A guest in one channel."""
    BOT = "bot"
    """An app's bot user."""
    DEACTIVATED = "deactivated"
    """Somebody who left; Slack keeps the account and says `deleted`."""
    STRANGER = "stranger"
    """Somebody of another workspace, seen through Slack Connect."""


@dataclass(slots=True, kw_only=True)
class Member:
    """One account, changed in place when the person changes."""

    id: str
    team_id: str
    name: str
    real_name: str
    kind: Kind = Kind.MEMBER
    tz: str = "Europe/Berlin"
    email: str = ""
    updated: int = 0

    def to_user(self, *, with_email: bool) -> Json:
        """Make the user object that users.info and user_change carry."""
        user: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.kind is Kind.DEACTIVATED,
            "profile": self._profile(with_email=with_email),
            "is_bot": self.kind is Kind.BOT,
            "is_app_user": False,
            "updated": self.updated,
        }
        # Slack leaves the rest out for accounts that are switched off.
        return user if self.kind is Kind.DEACTIVATED else user | self._standing()

    def _profile(self, *, with_email: bool) -> Json:
        profile = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "team": self.team_id,
        }
        return profile | ({"email": self.email} if with_email and self.email else {})

    def _standing(self) -> Json:
        now = dt.datetime.now(ZoneInfo(self.tz))
        offset = now.utcoffset() or dt.timedelta()
        standing: Json = {
            "color": "9f69e7",
            "tz": self.tz,
            "tz_label": now.tzname(),
            "tz_offset": int(offset.total_seconds()),
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.kind in (Kind.GUEST, Kind.SINGLE_CHANNEL_GUEST),
            "is_ultra_restricted": self.kind is Kind.SINGLE_CHANNEL_GUEST,
            "is_email_confirmed": True,
            "who_can_share_contact_card": "EVERYONE",
        }
        return standing | ({"is_stranger": True} if self.kind is Kind.STRANGER else {})


@dataclass(slots=True, kw_only=True)
class Group:
    """A user group, by the ids of its members."""

    id: str
    handle: str
    members: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Directory:
    """What ids are called, for those who read messages."""

    people: Mapping[str, Member]
    groups: Mapping[str, Group]
    channels: Mapping[str, str]

    def called(self, some_id: str) -> str:
        """Say the name behind the id of a person, group or channel."""
        if some_id in self.people:
            return f"@{self.people[some_id].real_name}"
        if some_id in self.groups:
            return f"@{self.groups[some_id].handle}"
        if some_id in self.channels:
            return f"#{self.channels[some_id]}"
        return f"@{some_id} (unknown)"
